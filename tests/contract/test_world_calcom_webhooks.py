"""Writing to the simulated Cal.com over a real socket, and the webhooks that follow (facts/calcom.md §1–3)."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.world.instants import DAY, with_millis
from tests.world_words import START, Cal, calcom


@pytest.fixture
async def cal() -> AsyncIterator[Cal]:
    async with calcom() as one:
        yield one


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


async def test_a_class_moved_by_its_host_keeps_its_uid(cal: Cal) -> None:
    made = await cal.booked(2)
    body = {"start": with_millis(START + 9 * DAY)}
    moved = (await cal.post(f"/v2/bookings/{made['uid']}/reschedule", body)).json()["data"]
    told = await cal.receiver.next_told()
    assert (moved["uid"], moved["start"]) == (made["uid"], with_millis(START + 9 * DAY))
    assert told["triggerEvent"] == "BOOKING_RESCHEDULED"
    assert told["payload"]["uid"] == told["payload"]["rescheduleUid"] == made["uid"]


@pytest.mark.parametrize(
    ("kind", "path", "body", "trigger", "before", "after"),
    [
        (4, "cancel", {"cancelSubsequentBookings": True}, "BOOKING_CANCELLED", "accepted", "cancelled"),
        (5, "confirm", {}, "BOOKING_CREATED", "pending", "accepted"),
    ],
    ids=["the rest cancelled", "the course confirmed"],
)
async def test_one_webhook_tells_of_a_whole_series(
    cal: Cal, kind: int, path: str, body: dict[str, Any], trigger: str, before: str, after: str
) -> None:
    made = (await cal.book(kind, recurrenceCount=3)).json()["data"]
    assert {each["status"] for each in made} == {before}
    # One each when they are made (facts/calcom.md §1.7).
    assert {(await cal.receiver.next_told())["payload"]["uid"] for _ in made} == {each["uid"] for each in made}
    assert (await cal.post(f"/v2/bookings/{made[0]['uid']}/{path}", body)).status_code == 200
    told = await cal.receiver.next_told()
    assert (told["triggerEvent"], told["payload"]["uid"]) == (trigger, made[0]["uid"])
    assert [await cal.status_of(each["uid"]) for each in made] == [after] * 3
    assert cal.receiver.arrived.empty()


async def test_a_move_asked_for_by_the_host_has_no_successor_until_the_customer_chooses() -> None:
    async with calcom("pipeline") as cal:
        made = await cal.booked()
        await cal.post(f"/v2/bookings/{made['uid']}/request-reschedule", {"rescheduleReason": "ill"})
        told = await cal.receiver.next_told()
        assert (told["triggerEvent"], told["payload"]["requestReschedule"]) == ("BOOKING_CANCELLED", True)
        old = (await cal.get(f"/v2/bookings/{made['uid']}")).json()["data"]
        assert (old["status"], "rescheduledToUid" in old) == ("cancelled", False)
        body = {"start": with_millis(START + 5 * DAY)}
        new = (await cal.post(f"/v2/bookings/{made['uid']}/reschedule", body)).json()["data"]
        assert ((await cal.receiver.next_told())["triggerEvent"], new["status"]) == ("BOOKING_RESCHEDULED", "accepted")


async def test_an_instant_meeting_shows_a_status_that_is_not_documented(cal: Cal) -> None:
    made = (await cal.book(instant=True)).json()["data"]
    assert ((await cal.receiver.next_told())["triggerEvent"], made["status"]) == ("INSTANT_MEETING", "awaiting_host")
    await cal.post(f"/v2/bookings/{made['uid']}/confirm")
    assert (await cal.receiver.next_told())["triggerEvent"] == "BOOKING_CREATED"
    assert await cal.status_of(made["uid"]) == "accepted"


async def test_a_no_show_is_told_and_changes_no_status(cal: Cal) -> None:
    made = await cal.booked()
    await cal.post(f"/v2/bookings/{made['uid']}/mark-absent", {"host": False})
    told = await cal.receiver.next_told()
    assert (told["triggerEvent"], told["payload"]["bookingUid"]) == ("BOOKING_NO_SHOW_UPDATED", made["uid"])
    assert await cal.status_of(made["uid"]) == "accepted"


async def test_cal_com_may_say_what_nobody_knows(cal: Cal) -> None:
    made = await cal.booked()
    telling = {"trigger": "BOOKING_REASSIGNED"}
    assert (await cal.http.post(f"/_control/tell/{made['uid']}", json=telling)).status_code == 200
    assert (await cal.receiver.next_told())["triggerEvent"] == "BOOKING_REASSIGNED"
    assert (await cal.http.post("/_control/tell/nowhere", json=telling)).status_code == 404


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


async def test_reads_alone_may_be_away(cal: Cal) -> None:
    await cal.http.post("/_control/knobs", json={"reads_away": True})
    assert (await cal.get("/v2/bookings")).status_code == 503
    assert (await cal.book(fate={"webhook": "sure"})).status_code == 201
    assert (await cal.receiver.next_told())["triggerEvent"] == "BOOKING_CREATED"


async def test_a_silent_account_loses_every_webhook(cal: Cal) -> None:
    await cal.http.post("/_control/knobs", json={"webhooks_silent": [cal.first.name]})
    await cal.book(fate={"webhook": "sure"})
    await cal.http.post("/_control/knobs", json={"webhooks_silent": []})
    heard = (await cal.book()).json()["data"]
    assert (await cal.receiver.next_told())["payload"]["uid"] == heard["uid"]
    assert cal.receiver.arrived.empty()


async def test_one_booking_may_be_forbidden(cal: Cal) -> None:
    made, other = await cal.booked(), await cal.booked()
    await cal.http.post("/_control/knobs", json={"forbidden_uids": [made["uid"]]})
    assert (await cal.get(f"/v2/bookings/{made['uid']}")).status_code == 401
    assert (await cal.get(f"/v2/bookings/{other['uid']}")).status_code == 200


async def test_filters_may_be_ignored(cal: Cal) -> None:
    made = await cal.booked()
    tomorrow = with_millis(START + 30 * DAY)
    assert (await cal.get("/v2/bookings", afterStart=tomorrow)).json()["data"] == []
    await cal.http.post("/_control/knobs", json={"filters_ignored": True})
    shown = (await cal.get("/v2/bookings", afterStart=tomorrow)).json()["data"]
    assert [each["uid"] for each in shown] == [made["uid"]]


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
