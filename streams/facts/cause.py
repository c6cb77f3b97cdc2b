"""One cause, as the rules see it: reschedule chains with their appointments and calls.

Everything here is a view of facts: no clock, nothing kept. `streams.facts.picture` puts it together.
"""

import msgspec

from streams.facts.booking import BookingState, newest_told, unpaid
from streams.facts.row import RowState
from streams.model.facts import ACTIVE_WORDS, AppointmentRow, BookingFacts, CallRow, RowFacts, Told
from streams.model.ids import is_numeric


def event_type_of(facts: BookingFacts) -> str | None:
    """The booking's event type; what a read says goes before a webhook's word."""
    types = [read.event_type for read in facts.reads] + [told.event_type for told in facts.told]
    return next((event_type for event_type in types if event_type is not None), None)


class Link(msgspec.Struct, gc=True):
    """One booking as a link of its chain."""

    uid: str
    facts: BookingFacts
    state: BookingState | None
    changed_at: int
    superseded: bool
    chain: "Chain" = None  # type: ignore[assignment]  # set when the chain is put together

    @property
    def told(self) -> Told | None:
        return newest_told(self.facts)

    @property
    def is_newest(self) -> bool:
        return self.chain.newest is self

    @property
    def numeric_ids(self) -> set[str]:
        ids = {told.numeric_id for told in self.facts.told} | {read.numeric_id for read in self.facts.reads}
        if is_numeric(self.uid):
            ids.add(self.uid)
        return {numeric_id for numeric_id in ids if numeric_id}

    @property
    def event_type(self) -> str | None:
        return event_type_of(self.facts)

    @property
    def seated(self) -> bool:
        """One booking for many attendees, as far as anything says so."""
        return any(read.seated for read in self.facts.reads) or any(told.seated for told in self.facts.told)

    @property
    def hosts(self) -> frozenset[str]:
        """Ids of the hosts, by the newest read that names any, else by the webhooks."""
        read = next((read.hosts for read in reversed(self.facts.reads) if read.hosts), None)
        told = next((told.hosts for told in reversed(self.facts.told) if told.hosts), ())
        return frozenset(told if read is None else read)

    @property
    def series(self) -> str | None:
        """The recurring series that it is one of; only reads tell."""
        return next((read.series for read in self.facts.reads if read.series), None)

    @property
    def payable(self) -> bool:
        """Payment was initiated and not yet made: pending is then not live."""
        return unpaid(self.facts) and (self.state is None or self.state.status != "accepted")

    @property
    def live(self) -> bool:
        return self.state is not None and self.state.live and not self.payable


class Chain(msgspec.Struct):
    """Links of one reschedule chain, oldest first."""

    links: list[Link]

    @property
    def newest(self) -> Link:
        return self.links[-1]

    @property
    def oldest(self) -> Link:
        return self.links[0]

    @property
    def refs(self) -> tuple[str, ...]:
        """Every text by which a row may name this chain."""
        names = {link.uid for link in self.links}.union(*(link.numeric_ids for link in self.links))
        return tuple(sorted(names | {link.series for link in self.links if link.series}))


class Appointment(msgspec.Struct):
    """One appointment row with the link it names."""

    id: str
    facts: RowFacts
    state: RowState
    row: AppointmentRow
    link: Link | None

    @property
    def changed_at(self) -> int:
        return self.state.changed_at

    @property
    def active(self) -> bool:
        """By status; that its end lies ahead is said by a violation's `until`."""
        return self.row.status in ACTIVE_WORDS


class Call(msgspec.Struct):
    """One call row with the link it names and the appointments that name it."""

    id: str
    facts: RowFacts
    state: RowState
    row: CallRow
    link: Link | None
    changed_at: int
    appointments: list[Appointment]


class Cause(msgspec.Struct):
    """Everything that hangs together, as one picture."""

    tenant: str
    chains: list[Chain]
    appointments: list[Appointment]
    calls: list[Call]

    def appointments_of(self, *links: Link) -> list[Appointment]:
        """Rows, not deleted, that name one of these links."""
        wanted = {link.uid for link in links}
        return [a for a in self.appointments if a.link is not None and a.link.uid in wanted]

    def calls_naming(self, chain: Chain) -> list[Call]:
        return [call for call in self.calls if call.link is not None and call.link.chain is chain]
