"""What a rule says: a predicate that holds, about whom, since and until when, and what would prove it.

A rule knows no now: time-bound parts ("until it has ended") are `until`; waiting, proving and resolving are done once
for all rules in `streams.cases`.
"""

from collections.abc import Iterable

import msgspec

from streams.facts.cause import Appointment, Call, Link
from streams.model.ids import iso
from streams.model.records import Difference, Evidence, Side
from streams.model.rule import SEVERITY, Rule, Severity, SubjectKind


class ReadOf(msgspec.Struct, frozen=True, tag=True):
    """A read of this booking, begun in the round."""

    uid: str


class KnownOf(msgspec.Struct, frozen=True, tag=True):
    """Any read of this booking ever: an unread link may have a predecessor of its own.

    The instants say where to look for a numeric id.
    """

    uid: str
    starts_at: int | None = None
    created_at: int | None = None


class AbsenceOf(msgspec.Struct, frozen=True, tag=True):
    """Two reads that did not find it, the second in the round (design §4a: every 404 that counts)."""

    uid: str
    starts_at: int | None = None
    created_at: int | None = None


class LookupOf(msgspec.Struct, frozen=True, tag=True):
    """A SELECT of the appointments that name one of these references, answered for each of the uids."""

    uids: tuple[str, ...]
    refs: tuple[str, ...]


class RowOf(msgspec.Struct, frozen=True, tag=True):
    """A SELECT of this row by its key."""

    kind: str  # "appointment" | "call"
    id: str


class CallLookupOf(msgspec.Struct, frozen=True, tag=True):
    """A SELECT of the appointments that name this call."""

    call: str


Need = ReadOf | KnownOf | AbsenceOf | LookupOf | RowOf | CallLookupOf


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One predicate that holds on the facts.

    `certain` is False where the facts only raise the suspicion (a booking nobody has read yet). `newest` is the newest
    event about all that is named (broker's clock): grace counts from it. `since` is when the fault began in source
    time, `until` when the predicate ends by itself (ms; null: never). `grace_ms` replaces the rule's own grace;
    from `critical_from` on the fault is critical, whatever the rule's severity.
    """

    rule: Rule
    kind: SubjectKind
    subject: str
    certain: bool = True
    two_sided: bool
    newest: int
    since: int
    until: int | None = None
    grace_ms: int | None = None
    critical_from: int | None = None
    needs: tuple[Need, ...]
    links: tuple[Link, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    calls: tuple[Call, ...] = ()
    booking_uid: str | None = None
    appointment_id: str | None = None
    call_id: str | None = None
    local: Side = Side()
    calcom: Side = Side()
    differences: tuple[Difference, ...] = ()
    starts_at: int | None = None
    #: Evidence beside the records of those named.
    extra: tuple[Evidence, ...] = ()

    @property
    def identity(self) -> tuple[Rule, SubjectKind, str]:
        return (self.rule, self.kind, self.subject)

    def severity_at(self, now: int) -> Severity:
        """How bad it is now: it may become critical as the appointment draws near."""
        if self.critical_from is not None and self.critical_from <= now:
            return Severity.CRITICAL
        return SEVERITY[self.rule]


def violation(
    rule: Rule,
    kind: SubjectKind,
    subject: str,
    *,
    links: Iterable[Link] = (),
    appointments: Iterable[Appointment] = (),
    calls: Iterable[Call] = (),
    newest: int | None = None,
    since: int | None = None,
    **rest: object,
) -> Violation:
    """A violation whose `newest` and `since` follow from those it names, unless the rule knows better."""
    links, appointments, calls = tuple(links), tuple(appointments), tuple(calls)
    changed = [link.changed_at for link in links]
    changed += [a.changed_at for a in appointments] + [c.changed_at for c in calls]
    sources = [link.state.source_at for link in links if link.state is not None]
    sources += [a.state.source_at for a in appointments] + [c.state.source_at for c in calls]
    return Violation(
        rule=rule,
        kind=kind,
        subject=subject,
        newest=max(changed) if newest is None else newest,
        since=(max(sources, default=0) or max(changed)) if since is None else since,
        links=links,
        appointments=appointments,
        calls=calls,
        **rest,  # type: ignore[arg-type]  # checked by the struct's own fields
    )


def local_side(appointment: Appointment, **columns: str | None) -> Side:
    """The compared fields of a row, and further columns of it that a rule is about."""
    row = appointment.row
    return Side(booking=row.booking, start=iso(row.start), end=iso(row.end), status=row.status, extra=columns)


def calcom_side(link: Link) -> Side:
    state = link.state
    if state is None:
        return Side(booking=link.uid)
    return Side(booking=link.uid, start=iso(state.start), end=iso(state.end), status=state.status)


def call_side(call: Call, *columns: str) -> Side:
    """The compared columns of a call, under their names in the default mapping."""
    row = call.row
    values = {
        "direction": row.direction,
        "session_outcome": row.outcome,
        "appointment_made": None if row.made is None else str(row.made).lower(),
        "appointment_link_status": row.link_status,
    }
    return Side(booking=row.booking, extra={column: values[column] for column in columns})


def ends_at(link: Link) -> int | None:
    return None if link.state is None else (link.state.end or link.state.start)


def row_ends_at(appointment: Appointment) -> int | None:
    return appointment.row.end or appointment.row.start


def latest(*instants: int | None) -> int | None:
    """The latest of some ends; None if none is known."""
    return max((i for i in instants if i is not None), default=None)
