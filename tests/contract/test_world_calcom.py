"""The simulated Cal.com over a real socket: what facts/calcom.md §1–4 say an API client and a receiver meet."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.world.calcom.server import calcom_app
from connectors.world.calcom.state import CalcomState
from connectors.world.config import WorldConfig, default_accounts
from connectors.world.instants import DAY, now, with_millis
from connectors.world.knobs import FATE_HEADER, Knobs
from connectors.world.serving import serving

# The words of this specification -----------------------------------------------------

#: Nothing is late, lost or wrong unless a test says so.
STILL = Knobs(
    webhook_delay_seconds_max=0.02,
    webhook_repeat=0,
    webhook_reorder=0,
    replica_lag_seconds_max=0,
    early_announcement_seconds_max=0,
    slow_seconds_max=0,
)
PATIENCE_SECONDS = 5
START = (now() // 60_000) * 60_000 + DAY


class Receiver:
    """Takes webhooks; answers with `status`."""

    def __init__(self) -> None:
        self.status = 202
        self.arrived: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    def app(self) -> Starlette:
        async def take(request: Request) -> Response:
            self.arrived.put_nowait((dict(request.headers), await request.body()))
            return Response(status_code=self.status)

        return Starlette(routes=[Route("/webhooks/calcom/{account}", take, methods=["POST"])])

    async def next(self) -> tuple[dict[str, str], bytes]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.arrived.get()

    async def next_told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((await self.next())[1])
        return told


class Cal:
    """A client of the simulated Cal.com, as one account's application or as Plumbline."""

    def __init__(self, state: CalcomState, http: httpx.AsyncClient, receiver: Receiver) -> None:
        self.state, self.http, self.receiver = state, http, receiver
        self.first, self.second = state.config.accounts

    async def get(self, path: str, key: str | None = None, **params: str | int) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.first.api_key}", "cal-api-version": "2024-08-13"}
        return await self.http.get(path, headers=headers, params=params)

    async def post(
        self, path: str, body: dict[str, Any] | None = None, fate: dict[str, Any] | None = None
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.first.app_key}", "cal-api-version": "2024-08-13"}
        if fate is not None:
            headers[FATE_HEADER] = json.dumps(fate)
        return await self.http.post(path, json=body or {}, headers=headers)

    async def book(self, kind: int = 0, fate: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        body = {
            "start": with_millis(START + len(self.state.bookings) * 3_600_000),
            "eventTypeId": self.first.event_type_ids[kind],
            "attendee": {"name": "Marta Lindqvist", "email": "marta@mail.example", "timeZone": "Europe/Lisbon"},
        }
        return await self.post("/v2/bookings", {**body, **more}, fate)

    async def booked(self, kind: int = 0, **more: Any) -> dict[str, Any]:
        """A booking whose webhook has arrived."""
        answer = await self.book(kind, **more)
        assert answer.status_code == 201
        await self.receiver.next()
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def status_of(self, uid: str) -> str:
        return str((await self.get(f"/v2/bookings/{uid}")).json()["data"]["status"])


@asynccontextmanager
async def calcom(generation: str = "legacy", **config: Any) -> AsyncIterator[Cal]:
    receiver = Receiver()
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(serving(receiver.app()))
        accounts = tuple(replace(account, generation=generation) for account in default_accounts(door, tenants=2))
        state = CalcomState(WorldConfig(accounts=accounts, knobs=STILL, **config))
        url = await stack.enter_async_context(serving(calcom_app(state)))
        stack.push_async_callback(state.deliveries.close)
        yield Cal(state, await stack.enter_async_context(httpx.AsyncClient(base_url=url)), receiver)


@pytest.fixture
async def cal() -> AsyncIterator[Cal]:
    async with calcom() as one:
        yield one


# Reading -----------------------------------------------------------------------------


async def test_a_booking_is_read_by_uid_and_never_by_number(cal: Cal) -> None:
    made = await cal.booked()
    found = await cal.get(f"/v2/bookings/{made['uid']}")
    assert (found.status_code, found.json()) == (200, {"status": "success", "data": made})
    missing = await cal.get(f"/v2/bookings/{made['id']}")
    assert missing.status_code == 404
    told = missing.json()
    assert told["error"] == {
        "code": "NotFoundException",
        "message": f"Booking with uid={made['id']} was not found in the database",
    }
    assert (told["status"], told["path"]) == ("error", f"/v2/bookings/{made['id']}")


async def test_a_booking_is_public_by_uid_and_listed_to_its_owner_alone(cal: Cal) -> None:
    made = await cal.booked()
    theirs = await cal.get(f"/v2/bookings/{made['uid']}", cal.second.api_key)
    assert theirs.json()["data"]["uid"] == made["uid"]
    own, other = await cal.get("/v2/bookings"), await cal.get("/v2/bookings", cal.second.api_key)
    assert [each["uid"] for each in own.json()["data"]] == [made["uid"]]
    assert other.json()["data"] == []
    assert other.json()["pagination"]["currentPage"] == 0


async def test_a_series_answers_for_its_uid_with_all_its_bookings(cal: Cal) -> None:
    made = (await cal.book(4, recurrenceCount=3)).json()["data"]
    assert len({each["uid"] for each in made}) == 3
    assert {(await cal.receiver.next_told())["payload"]["uid"] for _ in made} == {each["uid"] for each in made}
    whole = await cal.get(f"/v2/bookings/{made[0]['recurringBookingUid']}")
    assert [each["uid"] for each in whole.json()["data"]] == [each["uid"] for each in made]


async def test_pages_hold_what_was_asked_for(cal: Cal) -> None:
    made = [await cal.booked() for _ in range(5)]
    page = (await cal.get("/v2/bookings", take=2, skip=2, sortCreated="asc")).json()
    assert [each["uid"] for each in page["data"]] == [each["uid"] for each in made[2:4]]
    assert page["pagination"]["hasNextPage"] is True
    refused = await cal.get("/v2/bookings", take=251)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequestException")


@pytest.mark.parametrize("version", [None, '"2024-08-13"', "2021-01-01"])
async def test_a_wrong_version_silently_gets_an_older_shape(cal: Cal, version: str | None) -> None:
    await cal.booked()
    headers = {"authorization": f"Bearer {cal.first.api_key}"} | ({"cal-api-version": version} if version else {})
    told = (await cal.http.get("/v2/bookings", headers=headers)).json()
    assert "pagination" not in told
    assert told["data"]["bookings"][0]["status"] == "ACCEPTED"


async def test_a_replica_shows_the_past(cal: Cal) -> None:
    cal.state.knobs = replace(STILL, replica_lag_seconds_max=1000)
    cal.state.rng.seed(1)
    made = await cal.booked()
    assert (await cal.get(f"/v2/bookings/{made['uid']}")).status_code == 404
    assert (await cal.get("/v2/bookings")).json()["data"] == []


async def test_keys_are_asked_for(cal: Cal) -> None:
    assert (await cal.http.get("/v2/bookings")).status_code == 401
    unknown = await cal.get("/v2/me", "cal_test_nobody")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (401, "UnauthorizedException")
    assert (await cal.get("/v2/me")).json()["data"]["id"] == cal.first.user_id
    kinds = (await cal.get("/v2/event-types")).json()["data"]
    assert [each["id"] for each in kinds] == list(cal.first.event_type_ids)
    [webhook] = (await cal.get("/v2/webhooks")).json()["data"]
    assert (webhook["subscriberUrl"], webhook["active"], "secret" in webhook) == (cal.first.webhook_url, True, False)


async def test_too_many_requests_are_blocked_with_suffixed_headers_and_no_retry_after() -> None:
    async with calcom(api_key_requests_per_minute=2) as cal:
        answers = [await cal.get("/v2/me") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0].headers["x-ratelimit-remaining-default"] == "1"
        assert answers[2].headers["x-ratelimit-reset-default"] == "60"
        assert "retry-after" not in answers[2].headers
        assert answers[2].json()["error"]["code"] == "ThrottlerException"
        assert (await cal.get("/v2/me", cal.first.app_key)).status_code == 200  # the application's key is its own
        counted = (await cal.http.get("/_control/requests")).json()
        assert counted == {cal.first.name: 3, f"{cal.first.name}:app": 1}


# Webhooks ----------------------------------------------------------------------------


@pytest.mark.parametrize("generation", ["legacy", "pipeline"])
async def test_a_webhook_is_signed_over_its_exact_bytes(generation: str) -> None:
    async with calcom(generation) as cal:
        made = (await cal.book()).json()["data"]
        headers, body = await cal.receiver.next()
        expected = hmac.new(cal.first.secret.encode(), body, hashlib.sha256).hexdigest()
        assert headers["x-cal-signature-256"] == expected
        assert headers["x-cal-webhook-version"] == "2021-10-20"
        assert headers["content-type"] == "application/json"
        told = json.loads(body)
        assert (told["triggerEvent"], told["payload"]["uid"]) == ("BOOKING_CREATED", made["uid"])
        assert told["payload"]["bookingId"] == made["id"]


async def test_a_reschedule_is_told_once_and_its_old_uid_not_at_all(cal: Cal) -> None:
    made = await cal.booked()
    new = (await cal.post(f"/v2/bookings/{made['uid']}/reschedule", {"start": with_millis(START + 5 * DAY)})).json()
    told = await cal.receiver.next_told()
    assert told["triggerEvent"] == "BOOKING_RESCHEDULED"
    assert (told["payload"]["uid"], told["payload"]["rescheduleUid"]) == (new["data"]["uid"], made["uid"])
    old = (await cal.get(f"/v2/bookings/{made['uid']}")).json()["data"]
    assert (old["status"], old["rescheduledToUid"]) == ("cancelled", new["data"]["uid"])
    assert new["data"]["rescheduledFromUid"] == made["uid"]
    again = await cal.post(f"/v2/bookings/{made['uid']}/reschedule", {"start": with_millis(START + 6 * DAY)})
    assert again.status_code == 400
    assert new["data"]["uid"] in again.json()["error"]["message"]
    assert cal.receiver.arrived.empty()


@pytest.mark.parametrize(
    ("answer", "trigger", "status"),
    [("confirm", "BOOKING_CREATED", "accepted"), ("decline", "BOOKING_REJECTED", "rejected")],
)
async def test_a_request_is_answered_by_the_host(cal: Cal, answer: str, trigger: str, status: str) -> None:
    made = (await cal.book(1)).json()["data"]
    assert ((await cal.receiver.next_told())["triggerEvent"], made["status"]) == ("BOOKING_REQUESTED", "pending")
    await cal.post(f"/v2/bookings/{made['uid']}/{answer}")
    assert (await cal.receiver.next_told())["triggerEvent"] == trigger
    assert await cal.status_of(made["uid"]) == status


async def test_a_payment_claims_accepted_while_the_row_is_pending(cal: Cal) -> None:
    made = (await cal.book(3)).json()["data"]
    told = await cal.receiver.next_told()
    assert (told["triggerEvent"], told["payload"]["status"]) == ("BOOKING_PAYMENT_INITIATED", "ACCEPTED")
    assert await cal.status_of(made["uid"]) == "pending"
    await cal.post(f"/v2/bookings/{made['uid']}/pay")
    triggers = {(await cal.receiver.next_told())["triggerEvent"] for _ in range(2)}
    assert triggers == {"BOOKING_PAID", "BOOKING_CREATED"}


async def test_a_seat_given_back_looks_like_a_cancellation(cal: Cal) -> None:
    made = await cal.booked(2)
    second = await cal.booked(2, start=made["start"])
    assert second["uid"] == made["uid"]
    await cal.post(f"/v2/bookings/{made['uid']}/cancel", {"seatUid": second["attendees"][1]["seatUid"]})
    told = await cal.receiver.next_told()
    assert (told["triggerEvent"], told["payload"]["seatsPerTimeSlot"]) == ("BOOKING_CANCELLED", 6)
    assert len(told["payload"]["attendees"]) == 1
    assert await cal.status_of(made["uid"]) == "accepted"


async def test_a_cancellation_may_be_announced_before_it_is_done(cal: Cal) -> None:
    made = await cal.booked()
    fate = {"delay_seconds": 0, "early_seconds": 0.5}
    cancelling = asyncio.create_task(cal.post(f"/v2/bookings/{made['uid']}/cancel", fate=fate))
    assert (await cal.receiver.next_told())["triggerEvent"] == "BOOKING_CANCELLED"
    assert await cal.status_of(made["uid"]) == "accepted"
    assert (await cancelling).status_code == 200
    assert await cal.status_of(made["uid"]) == "cancelled"


async def test_the_test_button_sends_a_ping(cal: Cal) -> None:
    await cal.http.post(f"/_control/ping/{cal.first.name}")
    told = await cal.receiver.next_told()
    assert (told["triggerEvent"], "uid" in told["payload"]) == ("PING", False)


# What goes wrong ---------------------------------------------------------------------


async def test_a_lost_webhook_is_in_the_log_and_nowhere_else(cal: Cal) -> None:
    lost = (await cal.book(fate={"webhook": "lose"})).json()["data"]
    kept = await cal.booked()
    log = (await cal.http.get("/_control/deliveries", params={"uid": lost["uid"]})).json()["items"]
    assert [line["outcome"] for line in log] == ["lost"]
    assert cal.receiver.arrived.empty()
    assert kept["uid"] != lost["uid"]


async def test_a_repeated_webhook_is_the_same_to_the_byte(cal: Cal) -> None:
    await cal.book(fate={"webhook": "sure", "repeat_after_seconds": 0.05})
    assert (await cal.receiver.next())[1] == (await cal.receiver.next())[1]


async def test_webhooks_overtake_one_another(cal: Cal) -> None:
    made = (await cal.book(fate={"delay_seconds": 0.5})).json()["data"]
    await cal.post(f"/v2/bookings/{made['uid']}/reschedule", {"start": with_millis(START + 5 * DAY)})
    assert [(await cal.receiver.next_told())["triggerEvent"] for _ in range(2)] == [
        "BOOKING_RESCHEDULED",
        "BOOKING_CREATED",
    ]


async def test_the_newer_sender_tries_again_and_the_older_one_does_not() -> None:
    async with calcom("pipeline") as cal:
        cal.receiver.status = 503
        await cal.book()
        await cal.receiver.next()
        cal.receiver.status = 202
        await cal.receiver.next()


async def test_what_is_accepted_may_be_forgotten(cal: Cal) -> None:
    answer = await cal.book(fate={"write": "forget"})
    assert answer.status_code == 201
    assert (await cal.get(f"/v2/bookings/{answer.json()['data']['uid']}")).status_code == 404
    assert cal.state.deliveries.log == []


async def test_what_timed_out_may_be_booked(cal: Cal) -> None:
    answer = await cal.book(fate={"write": "time_out"})
    assert (answer.status_code, answer.headers["content-type"][:9]) == (524, "text/html")
    told = await cal.receiver.next_told()
    assert await cal.status_of(told["payload"]["uid"]) == "accepted"


async def test_a_cancellation_may_be_announced_and_never_done(cal: Cal) -> None:
    made = await cal.booked()
    fate = {"webhook": "sure", "write": "forget"}
    assert (await cal.post(f"/v2/bookings/{made['uid']}/cancel", fate=fate)).status_code == 200
    assert (await cal.receiver.next_told())["payload"]["status"] == "CANCELLED"
    assert await cal.status_of(made["uid"]) == "accepted"


@pytest.mark.parametrize(
    ("knobs", "status"), [({"outage": True}, 503), ({"failing": 1.0}, 500), ({"too_many": 1.0}, 429)]
)
async def test_the_api_fails_as_told_and_comes_back(cal: Cal, knobs: dict[str, Any], status: int) -> None:
    await cal.http.post("/_control/knobs", json=knobs)
    assert (await cal.get("/v2/bookings")).status_code == status
    await cal.http.post("/_control/knobs", json={name: type(value)(0) for name, value in knobs.items()})
    assert (await cal.get("/v2/bookings")).status_code == 200


async def test_an_unknown_knob_is_refused(cal: Cal) -> None:
    assert (await cal.http.post("/_control/knobs", json={"wibble": 1})).status_code == 422


async def test_a_subscription_can_be_turned_off_and_pointed_elsewhere(cal: Cal) -> None:
    name = f"wh-{cal.first.name}"
    told = {"account": cal.first.name, "url": cal.first.webhook_url, "secret": None, "active": True}
    await cal.http.put(f"/_control/webhooks/{name}", json={**told, "active": False})
    await cal.book()
    await cal.http.put(f"/_control/webhooks/{name}", json=told)
    heard = (await cal.book()).json()["data"]
    headers, body = await cal.receiver.next()
    assert headers["x-cal-signature-256"] == "no-secret-provided"
    assert json.loads(body)["payload"]["uid"] == heard["uid"]
