"""Reading the simulated Cal.com over a real socket: what facts/calcom.md §4 says an API client meets."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from tests.world_words import STILL, Cal, calcom


@pytest.fixture
async def cal() -> AsyncIterator[Cal]:
    async with calcom() as one:
        yield one


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
