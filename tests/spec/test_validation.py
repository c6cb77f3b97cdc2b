"""Validation: is this call or appointment whole, as its application has just saved it?"""

from typing import Any

import msgspec
import pytest

from streams.model.facts import AppointmentRow, CallRow
from streams.model.ids import NO_TENANT, Instant, iso
from streams.model.judgement import Judgement
from streams.model.records import Difference, Subject
from streams.model.rule import Rule, SubjectKind
from streams.validation import not_there, references, validate
from streams.validation_words import FailureReason, Known, KnownAlert, KnownBooking, SeenRow, Validation

NOW = Instant(1_795_694_400_000)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = NOW + 3 * DAY


# The words of this specification -----------------------------------------------------


def appointment(identity: str = "17", *, tenant: str = "3", **columns: Any) -> SeenRow:
    """Whole and in sync, of call 5, made a minute ago; but for `columns`."""
    row = AppointmentRow(
        booking="uidA", status="confirmed", start=START, end=START + HOUR, call="5", source="retell_webhook",
        customer="8", service="2", created_at=NOW - MINUTE, sync="synced",
    )  # fmt: skip
    return SeenRow(kind="appointment", id=identity, tenant=tenant, row=msgspec.structs.replace(row, **columns))


def call(identity: str = "5", *, tenant: str = "3", **columns: Any) -> SeenRow:
    """A call that made an appointment and says so, but for `columns`."""
    row = CallRow(
        direction="inbound", outcome="appointment_booked", made=True, booking="uidA", created_at=NOW - 3 * MINUTE
    )
    return SeenRow(kind="call", id=identity, tenant=tenant, row=msgspec.structs.replace(row, **columns))


def validated(*rows: SeenRow, known: Known | None = None, judgement: Judgement | None = None) -> Validation:
    """The answer about the first of these rows."""
    return validate(rows[0], rows, known or Known(), judgement or Judgement(), NOW)


def verdict(verdict_word: str = "agree", *names: str) -> KnownBooking:
    return KnownBooking(
        uid="uidA", names=frozenset({"uidA", *names}), verdict=verdict_word, reason="in_sync",
        as_of=str(iso(NOW)), compared_through=str(iso(NOW)),
    )  # fmt: skip


def alert(rule: Rule, *differences: Difference, about: str | None = "17") -> Known:
    subject = Subject(kind=SubjectKind.APPOINTMENT, id=about or "uidA")
    return Known(
        alerts=(KnownAlert(id="a-1", rule=rule, subject=subject, appointment_id=about, differences=differences),)
    )


# The specification -------------------------------------------------------------------


def test_a_call_with_its_appointment_is_whole_though_nobody_has_heard_of_the_booking_yet() -> None:
    answer = validated(call(), appointment())
    assert (answer.success, answer.reason, answer.details, answer.alerts) == (True, None, (), ())
    assert answer.as_of == iso(NOW)
    assert answer.booking is not None
    assert (answer.booking.uid, answer.booking.verdict, answer.booking.reason) == ("uidA", "unknown", "unread")


def test_an_appointment_with_its_call_is_whole() -> None:
    answer = validated(appointment(), call(), known=Known(bookings=(verdict(),)))
    assert answer.success
    assert answer.booking is not None
    assert answer.booking.verdict == "agree"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((call(),), "appointment_not_found"),  # it promised one
        ((call(made=None),), "appointment_not_found"),  # the flag is not set yet, the booking is named
        ((call(made=None, booking=None),), "appointment_not_found"),  # the outcome says booked
        ((call(), appointment(call=None)), "appointment_not_linked"),  # the row is there and names no call
        ((call(made=None), appointment(call=None)), "appointment_not_linked"),
        ((call(), appointment(call="6")), "appointment_not_linked"),  # the row is another call's
        ((appointment(call=None),), "appointment_not_linked"),  # by its source it has a call
        ((call(), appointment(booking="uidB")), "booking_id_mismatch"),
        ((call(), appointment(booking=None)), "booking_id_mismatch"),  # the booking's id was not saved
        ((appointment(booking="uidB"), call()), "booking_id_mismatch"),  # asked from the other end
        ((call(), appointment(created_at=NOW - DAY)), "timestamps_not_recent"),
        ((call(outcome="creation_failed", made=None, booking=None),), "creation_failed"),
        ((call(link_status="creation_failed"), appointment()), "creation_failed"),
        ((call(made=False), appointment()), "call_flags_contradict"),  # phantom
        ((call(outcome="no_interest"), appointment()), "call_flags_contradict"),
        ((appointment("18"), appointment("17"), call()), "duplicate"),
        ((appointment(sync="failed"), call()), "booking_not_synced"),
        ((appointment(booking=None, call=None, source="web", created_at=NOW - HOUR),), "booking_not_synced"),
        ((appointment(sync="pending", created_at=NOW - HOUR), call(created_at=NOW - HOUR)), "booking_not_synced"),
        ((appointment(tenant=NO_TENANT),), "tenant_missing"),
    ],
)
def test_what_is_not_whole_has_a_named_reason(rows: tuple[SeenRow, ...], reason: str) -> None:
    answer = validated(*rows)
    assert (answer.success, answer.reason) == (False, reason)
    assert answer.details[0].reason == reason


@pytest.mark.parametrize(
    "rows",
    [
        (call(outcome="no_interest", made=False, booking=None),),  # nothing was promised
        (appointment(call=None, source="web"),),  # nobody called
        (call(), appointment(booking="4711")),  # a numeric id may be the same booking
        (appointment(sync="pending"), call()),  # the sync has its grace
        (appointment(booking=None, call=None, source="web"),),
        (call(direction=None), appointment()),  # wrong, but the appointment is whole: do not make it again
        (call(), appointment(), call("6", made=False, outcome="appointment_booked", booking="uidB")),
        (call(), appointment(), appointment("99", tenant="9", call="5", booking="uidA")),  # not this tenant's
    ],
)
def test_what_is_whole_or_may_become_so(rows: tuple[SeenRow, ...]) -> None:
    answer = validated(*rows)
    assert answer.success, answer.details


def test_the_most_telling_of_several_reasons_is_named_and_all_are_listed() -> None:
    answer = validated(call(made=False))
    assert answer.reason is FailureReason.APPOINTMENT_NOT_FOUND
    assert [one.reason for one in answer.details] == ["appointment_not_found", "call_flags_contradict"]
    assert [one.rule for one in answer.details] == [None, Rule.PHANTOM_BOOKING]


def test_an_alias_that_is_known_is_the_same_booking() -> None:
    known = Known(bookings=(verdict("agree", "uidOld", "4711"),))
    assert validated(call(booking="4711"), appointment(booking="uidOld"), known=known).success
    other = validated(call(booking="4712"), appointment(booking="4711"), known=known)
    assert other.success  # 4712 may be an alias that nobody has heard of
    assert validated(call(booking="uidB"), appointment(booking="4711"), known=known).reason == "booking_id_mismatch"


@pytest.mark.parametrize(
    ("rule", "difference", "reason"),
    [
        (Rule.ORPHANED_LOCAL, Difference(field="booking", local="uidA", calcom=None), "booking_not_found"),
        (Rule.START_TIME_DRIFT, Difference(field="start", local=iso(START), calcom=None), "booking_differs"),
        (Rule.STATUS_DRIFT, Difference(field="status", local="confirmed", calcom="cancelled"), "booking_differs"),
    ],
)
def test_what_is_proved_of_cal_com_counts_as_long_as_the_row_still_shows_it(
    rule: Rule, difference: Difference, reason: str
) -> None:
    known = alert(rule, difference)
    answer = validated(appointment(), call(), known=known)
    assert (answer.reason, answer.alerts) == (reason, ("a-1",))
    mended = appointment(booking="uidB", start=START + HOUR, status="cancelled")
    assert validated(mended, call(booking="uidB"), known=known).success


def test_an_alert_about_another_row_of_the_booking_is_told_and_fails_nothing() -> None:
    answer = validated(appointment(), call(), known=alert(Rule.STATUS_DRIFT, about="18"))
    assert (answer.success, answer.alerts) == (True, ("a-1",))


def test_an_alert_about_the_booking_itself_counts() -> None:
    assert validated(appointment(), call(), known=alert(Rule.TENANT_MISMATCH, about=None)).reason == "tenant_mismatch"


def test_an_alert_that_the_rows_have_outlived_fails_nothing() -> None:
    """The worker says it is missing; the SELECT, which is newer, shows it."""
    assert validated(call(), appointment(), known=alert(Rule.MISSING_APPOINTMENT)).success


def test_the_columns_that_a_database_lacks_switch_off_what_needs_them() -> None:
    judgement = Judgement(disabled=frozenset({Rule.PHANTOM_BOOKING}))
    assert validated(call(made=False), appointment(), judgement=judgement).success


def test_what_is_not_there_is_said_in_the_words_of_what_was_asked() -> None:
    assert not_there("call", "5", NOW).reason is FailureReason.CALL_NOT_FOUND
    assert not_there("appointment", "17", NOW).reason is FailureReason.APPOINTMENT_NOT_FOUND


def test_the_booking_of_a_call_that_names_none_is_its_appointments() -> None:
    answer = validated(call(booking=None), appointment())
    assert answer.success
    assert answer.booking is not None
    assert answer.booking.uid == "uidA"
    assert references((call(booking=None), appointment())) == ("uidA",)
