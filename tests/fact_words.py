"""Small words for facts: webhooks, reads and rows as they are kept. Instants are seconds after `T0`."""

from typing import Any

from streams.facts.booking import join_booking
from streams.facts.cause import Cause, Link
from streams.facts.index import FactIndex, Key
from streams.facts.picture import Fresh, build_cause
from streams.facts.row import join_row
from streams.model.facts import (
    AppointmentRow,
    BookingFacts,
    CallRow,
    Lookup,
    Read,
    Row,
    RowFacts,
    RowRead,
    RowVersion,
    Snapshot,
    Told,
)
from tests.truth import HOUR, TENANT, at

#: When an appointment starts and ends, unless a test says otherwise.
START, END = at(HOUR), at(HOUR + 1800)


def told(seconds: float, trigger: str = "BOOKING_CREATED", status: str | None = "accepted", **more: Any) -> Told:
    """A webhook made and heard at this instant."""
    known = {"created_at": at(seconds), "sequence": 0, "body": f"{trigger}{seconds}", "start": START, "end": END}
    return Told(**(known | {"arrived": at(seconds), "trigger": trigger, "status": status} | more))


def read(seconds: float, status: str | None = "accepted", **more: Any) -> Read:
    """A read begun at this instant and answered 200 ms later; `status` None is a 404."""
    times = {"begun": at(seconds), "answered": at(seconds + 0.2)}
    shown = {} if status is None else {"start": START, "end": END}
    return Read(**(times | {"status": status} | shown | more))


def booking(*facts: Told | Read, lookup: Lookup | None = None) -> BookingFacts:
    """What is known after all these, in the order in which they came."""
    known = BookingFacts(lookup=lookup)
    for fact in facts:
        known = join_booking(
            known, BookingFacts(told=(fact,)) if isinstance(fact, Told) else BookingFacts(reads=(fact,))
        )
    return known


def row(**columns: Any) -> AppointmentRow:
    return AppointmentRow(**({"status": "confirmed", "start": START, "end": END} | columns))


def change(seconds: float, held: Row | None, **more: Any) -> RowVersion:
    """A change event: transaction and LSNs grow with time, a thousand a second; told by the source 0.1 s before."""
    number = round(seconds * 1000) + 1000
    known = {"commit_lsn": number, "lsn": number, "tx": number, "row": held}
    return RowVersion(**(known | {"arrived": at(seconds), "source_at": at(seconds - 0.1)} | more))


def select(seconds: float, held: Row | None, **more: Any) -> RowRead:
    """A SELECT that shows every change up to this instant."""
    return RowRead(
        **({"snapshot": shot(seconds), "begun": at(seconds), "answered": at(seconds + 0.1), "row": held} | more)
    )


def shot(seconds: float) -> Snapshot:
    number = round(seconds * 1000) + 1001
    return Snapshot(number, number)


def lookup(seconds: float, *rows: str, foreign: tuple[str, ...] = ()) -> Lookup:
    """A SELECT by reference that found these rows and no others."""
    return Lookup(shot(seconds), at(seconds), at(seconds + 0.1), rows, foreign)


def history(*facts: RowVersion | RowRead, by: Lookup | None = None) -> RowFacts:
    known = RowFacts(lookup=by)
    for fact in facts:
        known = join_row(known, RowFacts(versions=(fact,)) if isinstance(fact, RowVersion) else RowFacts(reads=(fact,)))
    return known


class Facts:
    """Facts of one tenant, and the pictures of their causes."""

    def __init__(self, tenant: str = TENANT) -> None:
        self.index = FactIndex()
        self.tenant = tenant

    def booking(self, uid: str, *facts: Told | Read, lookup: Lookup | None = None) -> "Facts":
        self.index.put_booking(self.key("b", uid), booking(*facts, lookup=lookup))
        return self

    def appointment(self, row_id: str, *facts: RowVersion | RowRead | AppointmentRow) -> "Facts":
        """A bare row was written at second 0."""
        self.index.put_row(self.key("a", row_id), _history(facts))
        return self

    def call(self, row_id: str, *facts: RowVersion | RowRead | CallRow, by: Lookup | None = None) -> "Facts":
        self.index.put_row(self.key("c", row_id), _history(facts, by))
        return self

    def key(self, kind: str, name: str) -> Key:
        return Key(kind, self.tenant, name)

    def cause(self, kind: str, name: str, fresh: Fresh | None = None) -> Cause:
        return build_cause(self.index, self.index.cause(self.key(kind, name)), fresh)

    def all(self) -> Cause:
        """Everything as one cause, smaller ids first."""
        keys = [*self.index.bookings, *self.index.rows]
        return build_cause(self.index, sorted(keys, key=lambda key: (key.kind, len(key.id), key.id)))


def link(cause: Cause, uid: str) -> Link:
    return next(each for chain in cause.chains for each in chain.links if each.uid == uid)


def chains(cause: Cause) -> list[list[str]]:
    """Uids of the links, oldest first."""
    return [[each.uid for each in chain.links] for chain in cause.chains]


def _history(facts: tuple[RowVersion | RowRead | Row, ...], by: Lookup | None = None) -> RowFacts:
    return history(*(change(0, fact) if isinstance(fact, AppointmentRow | CallRow) else fact for fact in facts), by=by)
