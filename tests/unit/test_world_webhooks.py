"""The simulated Cal.com's webhooks and limits: shapes, dates, signatures, the throttle."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from connectors.world.calcom.asides import aside
from connectors.world.calcom.booking import Attendee, Booking, Draft
from connectors.world.calcom.bookings import Bookings
from connectors.world.calcom.deliveries import signature
from connectors.world.calcom.event_types import event_types_of
from connectors.world.calcom.payloads import Occasion, Style, body
from connectors.world.calcom.shapes import booking_shape, pagination
from connectors.world.calcom.throttle import Throttle
from connectors.world.config import default_accounts
from connectors.world.instants import DAY, MINUTE, SECOND, with_millis
from connectors.world.knobs import Fate, Knobs, changed, fate_of

SAMPLES = Path(__file__).parent.parent / "fixtures" / "calcom"
ACCOUNT = default_accounts(None)[0]
KINDS = {kind.kind: kind for kind in event_types_of(ACCOUNT).values()}
T0 = 1_790_000_000_000
STYLES: tuple[Style, Style] = ("pipeline", "legacy")
#: Left out: what only a video or calendar app adds.
APPS = {"videoCallData", "appsStatus"}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def moved() -> tuple[Booking, Booking]:
    bookings = Bookings(random.Random(1))
    attendee = Attendee(name="Marta Lindqvist", email="marta@mail.example")
    kind = KINDS["plain"]
    draft = Draft(account=ACCOUNT.name, event_type=kind, start=T0 + DAY, end=T0 + DAY + 30 * MINUTE, attendee=attendee)
    first = bookings.create(draft, T0)
    return bookings.reschedule(first.uid, T0 + 2 * DAY, "marta@mail.example", T0 + 1)


def sent(occasion: Occasion, booking: Booking, style: Style = "legacy") -> dict[str, Any]:
    told: dict[str, Any] = json.loads(body(occasion, booking, ACCOUNT, style))
    return told


# Shapes ------------------------------------------------------------------------------


def test_a_booking_has_the_keys_of_the_sample() -> None:
    _, new = moved()
    shape = booking_shape(new, ACCOUNT)
    assert set(shape) == set(sample("api-get_booking-accepted_200.json")["data"])


def test_a_page_has_the_keys_of_the_sample() -> None:
    assert set(pagination(5, 0, 2, 2)) == set(sample("api-list_bookings_200.json")["pagination"])


@pytest.mark.parametrize(
    ("name", "occasion"),
    [
        ("webhook-booking_created-plain.json", Occasion(trigger="BOOKING_CREATED", at=T0)),
        ("webhook-booking_cancelled-plain.json", Occasion(trigger="BOOKING_CANCELLED", at=T0)),
        (
            "webhook-booking_created-after_confirmation.json",
            Occasion(trigger="BOOKING_CREATED", at=T0, after_confirmation=True),
        ),
        (
            "webhook-booking_payment_initiated-row_is_pending.json",
            Occasion(trigger="BOOKING_PAYMENT_INITIATED", at=T0),
        ),
        (
            "webhook-booking_rescheduled-new_uid.json",
            Occasion(trigger="BOOKING_RESCHEDULED", at=T0, replaced=moved()[0]),
        ),
        (
            "webhook-booking_requested-is_a_reschedule.json",
            Occasion(trigger="BOOKING_REQUESTED", at=T0, replaced=moved()[0]),
        ),
        ("webhook-ping.json", Occasion(trigger="PING", at=T0)),
    ],
)
def test_a_webhook_has_the_keys_and_the_claim_of_the_sample(name: str, occasion: Occasion) -> None:
    expected, told = sample(name), sent(occasion, moved()[1])
    assert set(told) == set(expected)
    assert set(told["payload"]) == set(expected["payload"]) - APPS
    assert told["payload"].get("status") == expected["payload"].get("status")


def test_a_reschedule_names_the_old_booking_and_its_times() -> None:
    old, new = moved()
    payload = sent(Occasion(trigger="BOOKING_RESCHEDULED", at=T0, replaced=old), new)["payload"]
    assert (payload["uid"], payload["bookingId"]) == (new.uid, new.id)
    assert (payload["rescheduleUid"], payload["rescheduleId"]) == (old.uid, old.id)
    assert payload["rescheduleStartTime"] != payload["startTime"]


@pytest.mark.parametrize(
    ("occasion", "style", "ending"),
    [
        (Occasion(trigger="BOOKING_CREATED", at=T0), "legacy", ":20Z"),
        (Occasion(trigger="BOOKING_CANCELLED", at=T0), "legacy", ":20+00:00"),
        (Occasion(trigger="BOOKING_REJECTED", at=T0), "legacy", ":20.000Z"),
        (Occasion(trigger="BOOKING_CREATED", at=T0, after_confirmation=True), "legacy", ":20.000Z"),
        (Occasion(trigger="BOOKING_CANCELLED", at=T0), "pipeline", ":20.000Z"),
    ],
)
def test_each_sender_writes_dates_its_own_way(occasion: Occasion, style: Style, ending: str) -> None:
    start = sent(occasion, moved()[1], style)["payload"]["startTime"]
    assert start.partition("T")[2][5:] == ending


def test_metadata_is_missing_on_an_older_cancellation_only() -> None:
    occasion, booking = Occasion(trigger="BOOKING_CANCELLED", at=T0), moved()[1]
    assert "metadata" not in sent(occasion, booking)["payload"]
    assert "metadata" in sent(occasion, booking, "pipeline")["payload"]


def test_a_host_who_asks_for_another_time_seems_to_cancel() -> None:
    occasion, booking = Occasion(trigger="BOOKING_CANCELLED", at=T0, move_requested=True), moved()[1]
    newer, older = (sent(occasion, booking, style)["payload"] for style in STYLES)
    assert (newer["requestReschedule"], newer["status"]) == (True, "CANCELLED")
    # Before January 2026 (facts/calcom.md §1.5): neither the flag nor the number, nor even the status.
    assert not {"requestReschedule", "bookingId", "status", "eventTypeId", "iCalSequence"} & set(older)
    assert older["uid"] == booking.uid


def test_an_older_meeting_is_flat_and_dated_by_its_booking() -> None:
    booking = moved()[1]
    newer, older = (json.loads(aside("MEETING_STARTED", T0 + DAY, booking, style)) for style in STYLES)
    assert "payload" not in older
    assert (older["id"], older["uid"], older["createdAt"]) == (booking.id, booking.uid, with_millis(booking.created_at))
    assert (newer["payload"]["id"], newer["createdAt"]) == (booking.id, with_millis(T0 + DAY))


def test_a_no_show_names_its_booking_in_its_own_way_and_has_no_status() -> None:
    booking = moved()[1]
    payload = json.loads(aside("BOOKING_NO_SHOW_UPDATED", T0, booking, "pipeline"))["payload"]
    assert (payload["bookingUid"], "uid" in payload, "status" in payload) == (booking.uid, False, False)


def test_an_unheard_of_trigger_may_claim_anything() -> None:
    told = json.loads(aside("BOOKING_LOCATION_UPDATED", T0, moved()[1], "legacy", "CANCELLED"))
    assert (told["triggerEvent"], told["payload"]["status"]) == ("BOOKING_LOCATION_UPDATED", "CANCELLED")


# Signature and limits ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("webhook-booking_created-plain.json", "17083d562dce75cf22ce5b0ed02d9d4bb629dbca4313e6d144afa53db3392d3f"),
        ("webhook-ping.json", "2a66243229bd827856d35907c573211c68b616f4528f4c8d583b98c5f1e40796"),
    ],
)
def test_bodies_are_signed_as_the_samples_are(name: str, expected: str) -> None:
    assert signature((SAMPLES / name).read_bytes(), "tidemill-webhook-secret-01") == expected


def test_a_webhook_without_a_secret_says_so() -> None:
    assert signature(b"{}", None) == "no-secret-provided"


def test_the_121st_request_within_a_minute_blocks_for_a_minute() -> None:
    throttle = Throttle()
    passes = [throttle.take("k", 120, T0 + n) for n in range(121)]
    assert all(each.allowed for each in passes[:120])
    assert not passes[120].allowed
    assert passes[120].headers["X-RateLimit-Remaining-Default"] == "0"
    assert not throttle.take("k", 120, T0 + 59 * SECOND).allowed
    assert throttle.take("k", 120, T0 + 120 + MINUTE).allowed


def test_one_keys_limit_is_not_anothers() -> None:
    throttle = Throttle()
    assert throttle.take("a", 1, T0).allowed
    assert not throttle.take("a", 1, T0).allowed
    assert throttle.take("b", 1, T0).allowed


def test_the_headers_count_down_in_seconds() -> None:
    throttle = Throttle()
    throttle.take("k", 120, T0)
    second = throttle.take("k", 120, T0 + 20 * SECOND)
    assert second.headers == {
        "X-RateLimit-Limit-Default": "120",
        "X-RateLimit-Remaining-Default": "118",
        "X-RateLimit-Reset-Default": "40",
    }


def test_knobs_turn_one_by_one_and_refuse_what_they_do_not_know() -> None:
    assert changed(Knobs(), {"outage": True}).outage
    with pytest.raises(ValueError, match="wibble"):
        changed(Knobs(), {"wibble": 1})


def test_no_header_is_no_fate() -> None:
    assert fate_of(None) == Fate()
    assert fate_of('{"webhook": "lose"}').webhook == "lose"
