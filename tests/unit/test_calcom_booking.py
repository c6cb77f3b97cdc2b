"""What passes of a booking of Cal.com's API: ids, status, times, links. Nothing of people."""

import json
from pathlib import Path

import pytest

from connectors.calcom.booking import UnusableBooking, cut, event_type_id

SAMPLES = Path(__file__).parents[1] / "fixtures" / "calcom"
ONE = json.loads((SAMPLES / "api-get_booking-accepted_200.json").read_text())["data"]
SECOND = json.loads((SAMPLES / "api-list_bookings_200.json").read_text())["data"][1]


def test_the_sample_is_cut_to_what_is_judged() -> None:
    assert cut(ONE) == {
        "id": 1904755,
        "uid": "n5CxW1pRbGd9ZtKs8MfVjQ",
        "status": "accepted",
        "start": "2026-03-10T14:00:00.000Z",
        "end": "2026-03-10T14:30:00.000Z",
        "eventTypeId": 88213,
        "hosts": [{"id": 4127}],
        "seated": False,
        "createdAt": "2026-03-05T16:05:43.000Z",
        "updatedAt": "2026-03-05T16:05:45.000Z",
        "rescheduledFromUid": "7wPq3kXzT9mVbRn2sLhYcD",
        "rescheduledToUid": None,
        "recurringBookingUid": None,
    }


def test_a_booking_never_changed_has_no_updated_at_and_a_series_is_named() -> None:
    booking = cut(SECOND)
    assert booking["updatedAt"] is None
    assert booking["recurringBookingUid"] == "3f0f2c0e-6f0b-4c1f-9f7e-aa51f6b87d20"


def test_the_event_type_is_found_where_the_deprecated_field_is_gone() -> None:
    assert event_type_id(cut({**ONE, "eventTypeId": None})) == "88213"


@pytest.mark.parametrize(
    ("attendees", "seated"),
    [([{"seatUid": "a-seat", "email": "x@mail.example"}], True), ([], True), ([{"email": "x@mail.example"}], False)],
)
def test_seats_show_by_their_uid_or_by_hidden_attendees(attendees: list[object], seated: bool) -> None:
    assert cut({**ONE, "attendees": attendees})["seated"] is seated


def test_a_host_that_is_gone_is_the_word_unknown() -> None:
    gone = {"id": "unknown", "name": "unknown", "email": "unknown"}
    assert cut({**ONE, "hosts": [gone]})["hosts"] == [{"id": "unknown"}]


@pytest.mark.parametrize(
    "raw",
    [None, [], "text", {**ONE, "uid": None}, {**ONE, "status": ""}, {**ONE, "start": "soon"}, {**ONE, "end": None}],
)
def test_what_is_no_whole_booking_is_unusable(raw: object) -> None:
    with pytest.raises(UnusableBooking):
        cut(raw)
