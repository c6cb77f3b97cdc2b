"""Whether a call or appointment is whole, as its application has just saved it (S4 §1).

Judged are its rows, as one SELECT shows them, by the rules that judge them in the worker; of Cal.com's side only what
is proved already counts: alerts that stand, and only as long as the row still shows what they speak of. Cal.com is not
asked. What only time can tell (a webhook under way, a sync within its grace) is no failure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from streams.facts.cause import Appointment, Call, Cause
from streams.facts.index import FactIndex, Key
from streams.facts.picture import build_cause
from streams.model.facts import AppointmentRow, CallRow, RowFacts, RowRead, Snapshot
from streams.model.ids import Instant, is_numeric, iso
from streams.model.judgement import Judgement
from streams.model.records import Difference, Subject
from streams.model.rule import Rule, SubjectKind
from streams.rules import judge
from streams.rules.flags import BOOKED
from streams.rules.violation import Violation
from streams.validation_words import BookingWord, Detail, FailureReason, Kind, Known, SeenRow, Validation

#: An appointment made so long before its call is another call's, ms (S4 §1: "timestamps are recent").
RECENT_MS = 3_600_000

_OF_RULE: Mapping[Rule, FailureReason] = MappingProxyType(
    {
        Rule.MISSING_APPOINTMENT: FailureReason.APPOINTMENT_NOT_FOUND,
        Rule.MISSING_TENANT: FailureReason.TENANT_MISSING,
        Rule.TENANT_MISMATCH: FailureReason.TENANT_MISMATCH,
        Rule.MISSING_CALL_LINK: FailureReason.APPOINTMENT_NOT_LINKED,
        Rule.CALL_LINK_MISMATCH: FailureReason.APPOINTMENT_NOT_LINKED,
        Rule.RECENT_FAILURE: FailureReason.CREATION_FAILED,
        Rule.PHANTOM_BOOKING: FailureReason.CALL_FLAGS_CONTRADICT,
        Rule.APPOINTMENT_MADE_MISMATCH: FailureReason.CALL_FLAGS_CONTRADICT,
        Rule.DUPLICATE_APPOINTMENT: FailureReason.DUPLICATE,
        Rule.DUPLICATE_BOOKING: FailureReason.DUPLICATE,
        Rule.STUCK_PENDING: FailureReason.BOOKING_NOT_SYNCED,
        Rule.SYNC_FAILED: FailureReason.BOOKING_NOT_SYNCED,
        Rule.NEVER_SYNCED: FailureReason.BOOKING_NOT_SYNCED,
        Rule.ORPHANED_LOCAL: FailureReason.BOOKING_NOT_FOUND,
        Rule.START_TIME_DRIFT: FailureReason.BOOKING_DIFFERS,
        Rule.END_TIME_DRIFT: FailureReason.BOOKING_DIFFERS,
        Rule.STATUS_DRIFT: FailureReason.BOOKING_DIFFERS,
        Rule.MISSED_RESCHEDULE: FailureReason.BOOKING_DIFFERS,
    }
)
#: Judged by standing alerts: the rows alone do not show them.
_PROVED = frozenset(
    {
        Rule.TENANT_MISMATCH,
        Rule.DUPLICATE_BOOKING,
        Rule.ORPHANED_LOCAL,
        Rule.START_TIME_DRIFT,
        Rule.END_TIME_DRIFT,
        Rule.STATUS_DRIFT,
        Rule.MISSED_RESCHEDULE,
    }
)
#: What a sync in progress looks like until its grace is over.
_IN_TIME = frozenset({Rule.NEVER_SYNCED, Rule.STUCK_PENDING})


def references(rows: Iterable[SeenRow]) -> tuple[str, ...]:
    """Every booking reference that these rows name."""
    return tuple(sorted({seen.row.booking for seen in rows if seen.row.booking}))


def not_there(kind: Kind, identity: str, at: Instant) -> Validation:
    """The answer where no such row of the tenant is there."""
    reason = FailureReason.CALL_NOT_FOUND if kind == "call" else FailureReason.APPOINTMENT_NOT_FOUND
    detail = Detail(reason=reason, rule=None, subject=Subject(kind=SubjectKind(kind), id=identity))
    return _answer([detail], (), at, None)


def validate(asked: SeenRow, rows: Sequence[SeenRow], known: Known, judgement: Judgement, now: Instant) -> Validation:
    """Whether `asked`, one of `rows`, is whole. `now` is when the rows were read; rows of other tenants say nothing."""
    cause, members = _picture(asked, [row for row in rows if row.tenant == asked.tenant], known, now)
    calls = [call for call in cause.calls if ("call", call.id) in members]
    details = [
        *_by_rules(cause, members, judgement, now),
        *(detail for call in calls for detail in _by_comparing(cause, call)),
        *_by_alerts(cause, members, known),
    ]
    return _answer(details, tuple(alert.id for alert in known.alerts), now, _booking(asked, cause, known))


def _answer(
    details: Iterable[Detail], alerts: tuple[str, ...], now: Instant, booking: BookingWord | None
) -> Validation:
    order = list(FailureReason)
    distinct = {(one.reason, one.subject): one for one in details}
    ordered = sorted(distinct.values(), key=lambda one: (order.index(one.reason), one.subject.kind, one.subject.id))
    return Validation(
        success=not ordered,
        reason=ordered[0].reason if ordered else None,
        details=tuple(ordered),
        alerts=alerts,
        as_of=iso(now) or "",
        booking=booking,
    )


def _picture(
    asked: SeenRow, rows: Sequence[SeenRow], known: Known, now: Instant
) -> tuple[Cause, set[tuple[Kind, str]]]:
    """The cause of what was asked, and its members: itself and its direct partners. Another's fault is not its own."""
    index = FactIndex()
    for seen in rows:
        row = seen.row
        if row.booking:  # a numeric id and a uid may be one booking
            row = msgspec.structs.replace(row, booking=known.uid(row.booking))
        read = RowRead(Snapshot(0, 0), now, now, row)
        index.put_row(_key(seen.kind, seen.tenant, seen.id), RowFacts(reads=(read,)))
    cause = build_cause(index, index.cause(_key(asked.kind, asked.tenant, asked.id)))
    members: set[tuple[Kind, str]] = {(asked.kind, asked.id)}
    if isinstance(asked.row, CallRow):
        members |= {("appointment", a.id) for a in cause.appointments if a.row.call == asked.id}
    elif asked.row.call:
        members.add(("call", asked.row.call))
    return cause, members


def _key(kind: Kind, tenant: str, identity: str) -> Key:
    return Key("c" if kind == "call" else "a", tenant, identity)


def _by_rules(cause: Cause, members: set[tuple[Kind, str]], judgement: Judgement, now: Instant) -> Iterator[Detail]:
    for violation in judge(cause, judgement):
        named = {("call", call.id) for call in violation.calls} | {
            ("appointment", a.id) for a in violation.appointments
        }
        reason = _OF_RULE.get(violation.rule)
        if reason is None or not violation.certain or not named & members or not _is_due(violation, judgement, now):
            continue
        subject = Subject(kind=violation.kind, id=violation.subject)
        yield Detail(reason=reason, rule=violation.rule, subject=subject, differences=violation.differences)


def _is_due(violation: Violation, judgement: Judgement, now: Instant) -> bool:
    """Whether it holds now. A sync under way has its grace since the row was made; all else was saved already."""
    if violation.until is not None and violation.until <= now:
        return False
    if violation.rule not in _IN_TIME:
        return True
    [appointment] = violation.appointments
    grace_ms = violation.grace_ms
    if grace_ms is None:
        grace_ms = judgement.grace_ms[violation.rule]
    made_at = appointment.row.created_at
    return made_at is not None and made_at + grace_ms <= now


def _by_comparing(cause: Cause, call: Call) -> Iterator[Detail]:
    """S4's own checks of a call and its appointment, where no rule waits for them."""
    subject = Subject(kind=SubjectKind.CALL, id=call.id)
    row, link = call.row, call.link
    if not call.appointments and row.made is not True and (row.booking or row.outcome == BOOKED):
        held = link is not None and bool(cause.appointments_of(*link.chain.links))
        reason = FailureReason.APPOINTMENT_NOT_LINKED if held else FailureReason.APPOINTMENT_NOT_FOUND
        yield Detail(reason=reason, rule=None, subject=subject)
    active = [appointment for appointment in call.appointments if appointment.active]
    if active and row.booking and _names_another(row.booking, active):
        difference = Difference(field="booking", local=active[0].row.booking, calcom=row.booking)
        yield Detail(reason=FailureReason.BOOKING_ID_MISMATCH, rule=None, subject=subject, differences=(difference,))
    made = [a.row.created_at for a in call.appointments if a.row.created_at is not None]
    if made and row.created_at is not None and max(made) < row.created_at - RECENT_MS:
        difference = Difference(field="created_at", local=iso(max(made)), calcom=None)
        yield Detail(reason=FailureReason.TIMESTAMPS_NOT_RECENT, rule=None, subject=subject, differences=(difference,))


def _names_another(booking: str, appointments: Sequence[Appointment]) -> bool:
    """Whether none of them names the booking. A numeric id that nobody knows as an alias may be any uid's."""
    named = [a.row.booking for a in appointments if a.row.booking]
    return booking not in named and all(is_numeric(one) == is_numeric(booking) for one in named)


def _by_alerts(cause: Cause, members: set[tuple[Kind, str]], known: Known) -> Iterator[Detail]:
    rows = {a.id: a.row for a in cause.appointments if ("appointment", a.id) in members}
    for alert in known.alerts:
        if alert.rule not in _PROVED:
            continue
        own = rows.get(alert.appointment_id or "")
        spoken_of = [own] if own is not None else list(rows.values())
        if alert.appointment_id is not None and own is None:
            continue  # another row of the same booking
        if all(_still_shows(one, spoken_of, known) for one in alert.differences):
            yield Detail(
                reason=_OF_RULE[alert.rule], rule=alert.rule, subject=alert.subject, differences=alert.differences
            )


def _still_shows(difference: Difference, rows: Sequence[AppointmentRow], known: Known) -> bool:
    """Whether a row has the value that the alert speaks of: one saved since then is judged anew by the worker."""
    match difference.field:
        case "start":
            return any(iso(row.start) == difference.local for row in rows)
        case "end":
            return any(iso(row.end) == difference.local for row in rows)
        case "status":
            return any(row.status == difference.local for row in rows)
        case "booking":
            wanted = difference.local and known.uid(difference.local)
            return any(row.booking == wanted for row in rows)
        case _:
            return True


def _booking(asked: SeenRow, cause: Cause, known: Known) -> BookingWord | None:
    """Of the booking that the row names; for a call that names none, of its newest appointment's."""
    named = asked.row.booking
    if named is None and isinstance(asked.row, CallRow):
        named = next((a.row.booking for a in reversed(cause.appointments) if a.row.call == asked.id), None)
    if named is None:
        return None
    uid = known.uid(named)
    for booking in known.bookings:
        if booking.uid == uid:
            return BookingWord(
                uid=uid,
                verdict=booking.verdict,
                reason=booking.reason,
                as_of=booking.as_of,
                compared_through=booking.compared_through,
            )
    return BookingWord(uid=uid, verdict="unknown", reason="unread", as_of=None, compared_through=None)
