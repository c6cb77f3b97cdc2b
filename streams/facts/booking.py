"""A booking's two registers, and what the booking *is* (design §4a, "Which fact counts").

`told` is the newest webhook that carries status and times; `read` the best of the newest API reads. A webhook's
status is what its trigger claims: a read that agrees proves it at once, one that contradicts counts only if it began
3 s or more after (older senders announce a cancellation before it is done); until then the claim stands, unproved.
"""

from enum import StrEnum

import msgspec

from streams.facts.history import join_history
from streams.model.facts import READS_MAX, TOLD_MAX, BookingFacts, Lookup, Read, Told, in_total_order

#: A read that contradicts a webhook counts if it began this long after it, ms (§4a).
CONTRADICTION_MS = 3_000
#: Least span between the answer to a first 404 and the asking of the second, ms (§4a).
ABSENCE_GAP_MS = 4_000
#: Reads begun within this span of the newest are weighed against one another, ms (§4a).
READ_WINDOW_MS = 5_000

LIVE = frozenset({"accepted", "pending"})
DEAD = frozenset({"cancelled", "rejected"})
_PAID_TRIGGERS = frozenset({"BOOKING_PAID", "BOOKING_CREATED"})
_EMPTY = BookingFacts()


class Standing(StrEnum):
    """How well a booking's state is known."""

    PROVED = "proved"  # a read that counts says so
    CLAIMED = "claimed"  # a webhook says so, no read has confirmed it
    IMPLIED = "implied"  # its successor says that it is over


class BookingState(msgspec.Struct, frozen=True, gc=False):
    """What a booking is. `status` "missing" means 404; other words than Cal.com's four are kept as they came."""

    status: str
    standing: Standing
    start: int | None = None
    end: int | None = None
    #: The read that decided, if one did.
    read: Read | None = None
    #: By the clock of its source: createdAt of the webhook, updatedAt of the read.
    source_at: int = 0

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def dead(self) -> bool:
        return self.status in DEAD

    @property
    def missing(self) -> bool:
        return self.status == "missing"


def join_booking(ours: BookingFacts | None, theirs: BookingFacts) -> BookingFacts:
    """Least upper bound of what two histories know of one booking."""
    ours = ours or _EMPTY
    return BookingFacts(
        told=join_history(ours.told, theirs.told, rank=_told_rank, same=_never, pick=_first_arrival, limit=TOLD_MAX),
        reads=join_history(
            ours.reads, theirs.reads, rank=_read_rank, same=same_read_state, pick=_first_answer, limit=READS_MAX
        ),
        lookup=newer_lookup(ours.lookup, theirs.lookup),
    )


def _told_rank(told: Told) -> tuple[object, ...]:
    return (told.created_at, told.sequence, told.body)


def _never(_a: Told, _b: Told) -> bool:
    return False


def _first_arrival(a: Told, b: Told) -> Told:
    """A repeat of a body moves nothing: the smaller arrival stands."""
    return min(a, b, key=lambda told: (told.arrived, in_total_order(told)))


def _read_rank(read: Read) -> tuple[object, ...]:
    state = (read.found, read.updated_at, read.status or "", read.start or 0, read.end or 0)
    return (read.begun, *state, read.predecessor or "", read.successor or "", read.numeric_id or "")


def _first_answer(a: Read, b: Read) -> Read:
    return min(a, b, key=lambda read: (read.answered, in_total_order(read)))


def same_read_state(a: Read, b: Read) -> bool:
    return a.status == b.status and a.start == b.start and a.end == b.end and a.successor == b.successor


def newer_lookup(a: Lookup | None, b: Lookup | None) -> Lookup | None:
    """The lookup of the newer snapshot."""
    if a is None or b is None:
        return a or b
    return max(a, b, key=lambda lookup: (lookup.snapshot.xmax, lookup.begun, in_total_order(lookup)))


def newest_told(facts: BookingFacts) -> Told | None:
    """The newest webhook that carries status and times."""
    for told in reversed(facts.told):
        if told.status is not None and told.start is not None:
            return told
    return None


def unpaid(facts: BookingFacts) -> bool:
    """Payment was initiated and neither PAID nor CREATED came since (facts/calcom.md §1.5)."""
    triggers = [told.trigger for told in facts.told]
    return "BOOKING_PAYMENT_INITIATED" in triggers and not _PAID_TRIGGERS.intersection(triggers)


def best_read(facts: BookingFacts, since: int = 0) -> Read | None:
    """Of the reads begun within 5 s of the newest: found before 404, then updatedAt, then begin.

    `since` leaves out reads begun earlier: only a round's own answers prove.
    """
    if not facts.reads or facts.reads[-1].begun < since:
        return None
    floor = max(facts.reads[-1].begun - READ_WINDOW_MS, since)
    best: Read | None = None
    for read in facts.reads:
        if read.begun < floor:
            continue
        if best is None or (read.found, read.updated_at, read.begun) >= (
            best.found,
            best.updated_at,
            best.begun,
        ):
            best = read
    return best


def state_of(facts: BookingFacts, *, superseded: bool = False, since: int = 0) -> BookingState | None:
    """What the booking is; None while nothing is known. `superseded`: a successor link exists."""
    told, read = newest_told(facts), best_read(facts, since)
    if superseded:
        return _superseded(told, read)
    if told is None:
        return _as_read(read)
    if read is not None and _counts(told, read):
        return _as_read(read)
    status = "pending" if told.trigger == "BOOKING_PAYMENT_INITIATED" else str(told.status)
    return BookingState(status, Standing.CLAIMED, told.start, told.end, source_at=told.created_at)


def _superseded(told: Told | None, read: Read | None) -> BookingState | None:
    """A link with a successor is over, whatever a lagging read or its last webhook says."""
    if read is not None and read.found and read.status not in LIVE:
        return _as_read(read)
    known = told or read
    start, end = (known.start, known.end) if known else (None, None)
    return BookingState("cancelled", Standing.IMPLIED, start, end, source_at=_source_at(told, read))


def _source_at(told: Told | None, read: Read | None) -> int:
    return max(told.created_at if told else 0, read.updated_at if read else 0)


def _as_read(read: Read | None) -> BookingState | None:
    if read is None:
        return None
    if not read.found:
        return BookingState("missing", Standing.PROVED, read=read)
    return BookingState(str(read.status), Standing.PROVED, read.start, read.end, read=read, source_at=read.updated_at)


def _counts(told: Told, read: Read) -> bool:
    if read.begun >= told.arrived + CONTRADICTION_MS:
        return True
    return read.begun >= told.arrived and agrees(told, read)


def agrees(told: Told, read: Read) -> bool:
    """Whether a read shows what a webhook claimed (status, start, end)."""
    status = "pending" if told.trigger == "BOOKING_PAYMENT_INITIATED" else told.status
    return read.status == status and read.start == told.start and read.end == told.end


def changed_at(facts: BookingFacts, *, implied_at: int | None = None) -> int:
    """When something new was last heard of the booking, by the broker's clock: this restarts grace.

    A webhook body not seen before; a state first learnt by a read, unless a successor link, known since `implied_at`,
    had implied it before.
    """
    return max(last_heard_at(facts), _learnt_at(facts, implied_at))


def last_heard_at(facts: BookingFacts) -> int:
    """When the newest webhook body came, by the broker's clock; 0 if none did."""
    return max((told.arrived for told in facts.told), default=0)


def _learnt_at(facts: BookingFacts, implied_at: int | None) -> int:
    """When the state of the best read was first learnt by a read; 0 if a webhook or a link had said it.

    A webhook that a read has denied since said nothing: an announced cancellation may be done much later.
    """
    best = best_read(facts)
    if best is None:
        return 0
    first, denied_at = best, 0
    for read in reversed(facts.reads):
        if read.begun > best.begun:
            continue
        if not same_read_state(read, best):
            denied_at = read.begun - CONTRADICTION_MS
            break
        first = read
    if any(told.arrived > denied_at and _claims(told, best) for told in facts.told):
        return 0
    implied = best.status in DEAD and implied_at is not None and implied_at < first.answered
    return 0 if implied else first.answered


def _claims(told: Told, read: Read) -> bool:
    return told.arrived <= read.answered and agrees(told, read)


def needs_settling(facts: BookingFacts) -> Told | None:
    """The newest webhook, if no read that counts has been begun since; a trigger without status asks for one too.

    A read that denies it settles nothing alone: an early announcement and a replica that lags add up (§1.5).
    """
    newest = max(facts.told, key=lambda told: told.arrived, default=None)
    if newest is None:
        return None
    denied = denied_at(newest, facts)
    for read in facts.reads:
        if read.begun >= newest.arrived and newest.status is not None and agrees(newest, read):
            return None
        if read.begun >= newest.arrived + CONTRADICTION_MS and newest.status is None and read.found:
            return None
        if denied is not None and read.begun >= denied + ABSENCE_GAP_MS:
            return None
    return newest


def denied_at(told: Told, facts: BookingFacts) -> int | None:
    """When a read that counts was first answered otherwise than the webhook claims; None if none was."""
    return next((read.answered for read in facts.reads if read.begun >= told.arrived + CONTRADICTION_MS), None)
