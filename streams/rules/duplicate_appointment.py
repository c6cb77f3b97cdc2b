"""duplicate_appointment: two active rows for one appointment."""

from collections import defaultdict
from collections.abc import Iterator

from streams.facts.cause import Appointment, Cause
from streams.facts.twins import TWIN_MS, booking_key, points, reach
from streams.model.ids import is_numeric
from streams.model.judgement import Judgement
from streams.model.records import Difference, Side
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import KnownOf, Need, RowOf, Violation, calcom_side, local_side, row_ends_at, violation

_NEVER_ENDS = 1 << 62


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    """One alert for each row but the first: the subject is the later one (greater id)."""
    active = sorted((a for a in cause.appointments if a.active), key=_age)
    if len(active) < 2:
        return
    earlier: defaultdict[str, list[Appointment]] = defaultdict(list)
    for appointment in active:
        stands = [*_points(appointment)]
        near = {a.id: a for point in (*stands, *reach(appointment.row)) for a in earlier.get(point, ())}
        twins = [twin for twin in near.values() if _alike(appointment, twin)]
        if twins:
            yield _duplicate(appointment, max(twins, key=lambda twin: _closeness(appointment, twin)))
        for point in stands:
            earlier[point].append(appointment)


def _age(appointment: Appointment) -> tuple[int, int, str]:
    """Numbers as numbers; other keys as text."""
    return (0, int(appointment.id), "") if is_numeric(appointment.id) else (1, 0, appointment.id)


def _points(appointment: Appointment) -> Iterator[str]:
    yield from points(appointment.row)
    if appointment.link is not None:
        yield f"b|{appointment.link.uid}"


def _alike(a: Appointment, b: Appointment) -> bool:
    """Rows on different links of one chain are no twins: status_drift or missed_reschedule speaks of them."""
    if a.link is not None and b.link is not None and a.link is not b.link and a.link.chain is b.link.chain:
        return False
    return _surely_alike(a, b) or _on_one_booking(a, b)


def _surely_alike(a: Appointment, b: Appointment) -> bool:
    """By one person's booking, by booking key, or by customer, service and start."""
    if a.row.customer is not None and a.row.customer == b.row.customer:
        if a.link is not None and a.link is b.link:
            return True
        if a.row.service is not None and a.row.service == b.row.service and _close(a.row.start, b.row.start):
            return True
    key = booking_key(a.row)
    return key is not None and key == booking_key(b.row)


def _close(start: int | None, other: int | None) -> bool:
    return start is not None and other is not None and abs(start - other) <= TWIN_MS


def _on_one_booking(a: Appointment, b: Appointment) -> bool:
    """A booking with seats may have a row for each of its attendees (facts/calcom.md §1.7)."""
    return a.link is not None and a.link is b.link and not a.link.seated


def _certain(a: Appointment, b: Appointment) -> bool:
    """Whether a booking has seats is known once it was read."""
    return _surely_alike(a, b) or (a.link is not None and bool(a.link.facts.reads))


def _closeness(appointment: Appointment, twin: Appointment) -> tuple[bool, int]:
    """The surest twin, and of those the one that lasts longest: with its end the pair is over."""
    return _certain(appointment, twin), row_ends_at(twin) or _NEVER_ENDS


def _duplicate(later: Appointment, twin: Appointment) -> Violation:
    shared = later.link if later.link is twin.link else None
    needs: tuple[Need, ...] = (RowOf("appointment", later.id), RowOf("appointment", twin.id))
    booking_uid = shared.uid if shared is not None else None
    certain = _certain(later, twin)
    if not certain and shared is not None:
        needs = (KnownOf(shared.uid, later.row.start, later.row.created_at), *needs)
    ends = [end for end in (row_ends_at(later), row_ends_at(twin)) if end is not None]
    return violation(
        Rule.DUPLICATE_APPOINTMENT,
        SubjectKind.APPOINTMENT,
        later.id,
        certain=certain,
        two_sided=False,
        appointments=[later, twin],
        until=min(ends, default=None),
        needs=needs,
        booking_uid=booking_uid,
        appointment_id=later.id,
        call_id=later.row.call,
        local=local_side(later),
        calcom=calcom_side(shared) if shared else Side(),
        differences=(Difference(field="appointment", local=f"{twin.id}, {later.id}", calcom=booking_uid),),
        starts_at=later.row.start,
    )
