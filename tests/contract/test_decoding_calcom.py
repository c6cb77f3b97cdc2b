"""Every sample of Cal.com is understood: webhooks of all triggers and date styles, answers of the API."""

from pathlib import Path

import msgspec
import pytest

from streams.decode import DecodeError, decode_record
from streams.model.ids import parse_iso
from streams.model.observation import BookingReadSeen, Origin, WebhookHeard
from streams.topics import Topic

SAMPLES = Path(__file__).parents[1] / "fixtures" / "calcom"
HERE = Origin(3, 77)
ARRIVED = 1_772_000_000_000


def heard(name: str) -> WebhookHeard:
    [seen] = decode_record(Topic.WEBHOOKS, b"1", (SAMPLES / name).read_bytes(), ARRIVED, HERE)
    assert isinstance(seen, WebhookHeard)
    return seen


@pytest.mark.parametrize(
    ("sample", "uid", "status", "start", "predecessor"),
    [
        ("booking_created-plain", "7wPq3kXzT9mVbRn2sLhYcD", "accepted", "2026-03-09T10:00:00Z", None),
        ("booking_created-after_confirmation", "kR9tFz2LmWc5XvPq7nYdHs", "accepted", "2026-03-12T09:00:00Z", None),
        ("booking_cancelled-plain", "n5CxW1pRbGd9ZtKs8MfVjQ", "cancelled", "2026-03-10T14:00:00Z", None),
        (
            "booking_rescheduled-new_uid",
            "n5CxW1pRbGd9ZtKs8MfVjQ",
            "accepted",
            "2026-03-10T14:00:00Z",
            "7wPq3kXzT9mVbRn2sLhYcD",
        ),
        (
            "booking_requested-is_a_reschedule",
            "b3YhQ6xJtNw8KzLr4VfMcG",
            "pending",
            "2026-03-16T11:00:00Z",
            "kR9tFz2LmWc5XvPq7nYdHs",
        ),
        (
            "booking_payment_initiated-row_is_pending",
            "x2LgS7cBnVt4JqHd9KwRzP",
            "accepted",
            "2026-03-18T08:00:00Z",
            None,
        ),
    ],
)
def test_a_webhook_says_which_booking_and_what_it_claims(
    sample: str, uid: str, status: str, start: str, predecessor: str | None
) -> None:
    seen = heard(f"webhook-{sample}.json")
    assert (seen.tenant, seen.uid, seen.told.status) == ("1", uid, status)
    assert seen.told.start == parse_iso(start)
    assert seen.told.predecessor == predecessor
    assert seen.told.arrived == ARRIVED
    assert seen.told.numeric_id is not None
    assert (seen.told.partition, seen.told.offset) == (3, 77)


def test_a_ping_is_heard_and_passed_over() -> None:
    assert decode_record(Topic.WEBHOOKS, b"1", (SAMPLES / "webhook-ping.json").read_bytes(), ARRIVED, HERE) == ()


def test_an_unknown_trigger_is_kept_as_a_hint_without_a_claim() -> None:
    body = msgspec.json.encode(
        {"triggerEvent": "BOOKING_REASSIGNED", "createdAt": "2026-03-02T08:14:07.412Z", "payload": {"uid": "u1x"}}
    )
    [seen] = decode_record(Topic.WEBHOOKS, b"1", body, ARRIVED, HERE)
    assert isinstance(seen, WebhookHeard)
    assert seen.told.status is None


def test_an_empty_start_of_an_older_cancellation_is_no_instant() -> None:
    body = msgspec.json.encode(
        {
            "triggerEvent": "BOOKING_CANCELLED",
            "createdAt": "2026-03-02T08:14:07.412Z",
            "payload": {"uid": "u1x", "status": "CANCELLED", "startTime": "", "endTime": ""},
        }
    )
    [seen] = decode_record(Topic.WEBHOOKS, b"1", body, ARRIVED, HERE)
    assert isinstance(seen, WebhookHeard)
    assert seen.told.start is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not json", "invalid_json"),
        (b"false", "wrong_shape"),  # what a broken custom template sends (facts/calcom.md §1.8)
        (b"{}", "wrong_shape"),
        (b'{"triggerEvent": 7}', "wrong_shape"),
        (
            b'{"triggerEvent": "BOOKING_CREATED", "payload": {"uid": "u", "startTime": "tomorrow"}}',
            "bad_instant",
        ),
    ],
)
def test_what_cannot_be_understood_says_why(body: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_record(Topic.WEBHOOKS, b"1", body, ARRIVED, HERE)
    assert caught.value.reason == reason


@pytest.mark.parametrize("sample", ["api-get_booking-accepted_200.json", "api-list_bookings_200.json"])
def test_each_booking_of_the_api_is_a_read(sample: str) -> None:
    data = msgspec.json.decode((SAMPLES / sample).read_bytes())["data"]
    for booking in data if isinstance(data, list) else [data]:
        record = {
            "account": "a",
            "uid": booking["uid"],
            "read_at": "2026-03-10T12:00:00.000Z",
            "reason": "sweep",
            "result": "found",
            "duration_ms": 120,
            "booking": booking,
        }
        [seen] = decode_record(Topic.BOOKINGS, b"1", msgspec.json.encode(record), ARRIVED, HERE)
        assert isinstance(seen, BookingReadSeen)
        assert seen.read.status == booking["status"]
        assert seen.read.begun == ARRIVED - 120
        assert seen.read.start == parse_iso(booking["start"])
        assert seen.read.numeric_id == str(booking["id"])
        assert seen.read.predecessor == booking.get("rescheduledFromUid")
