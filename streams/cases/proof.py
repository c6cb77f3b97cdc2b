"""One round of questions: what a violation still needs before it may be told (design §4a, "Proof").

Only answers to questions asked at or after `due` prove. A 404 that counts needs two reads, the second asked a gap
after the first was answered; the first comes early, 0.7 s after the suspicion.
"""

import msgspec

from streams.facts.booking import ABSENCE_GAP_MS
from streams.facts.index import FactIndex, Key
from streams.model.facts import Read
from streams.rules.violation import AbsenceOf, CallLookupOf, KnownOf, LookupOf, Need, ReadOf, RowOf, Violation

#: Early first read of an absence, ms after the suspicion.
FIRST_LOOK_MS = 700
#: The answers of one round lie no further apart, ms: while one side was away, the other one went on.
SPAN_MS = 15_000


class Wanted(msgspec.Struct, frozen=True):
    """One unmet need: from when on it may be asked (ms, broker's clock)."""

    need: Need
    ask_at: int


class Round(msgspec.Struct, frozen=True):
    """A proving round: answers count if asked at or after `due`."""

    due: int
    suspected_at: int
    lag_wait_ms: int

    @property
    def gap_ms(self) -> int:
        return max(ABSENCE_GAP_MS, self.lag_wait_ms)


def unmet(violation: Violation, index: FactIndex, tenant: str, round_: Round) -> list[Wanted]:
    """What is still to be asked or answered; nothing left means that the round is complete.

    A SELECT by references waits for the reads before it while an alias or a predecessor may still come to light.
    """
    wanted = []
    for need in violation.needs:
        ask_at = _ask_at(need, index, tenant, round_)
        if ask_at is not None:
            wanted.append(Wanted(need, ask_at))
    reads_open = any(isinstance(want.need, ReadOf | KnownOf) for want in wanted)
    if reads_open and not _aliases_known(violation):
        wanted = [want for want in wanted if not isinstance(want.need, LookupOf)]
    return wanted or _outdated(violation, index, tenant)


def _outdated(violation: Violation, index: FactIndex, tenant: str) -> list[Wanted]:
    """What is asked once more, because the round's last answer came so much later."""
    answered = {need: _answered(need, index, tenant) for need in violation.needs if not isinstance(need, KnownOf)}
    last = max(answered.values(), default=0)
    return [Wanted(need, last) for need, at in answered.items() if at < last - SPAN_MS]


def _answered(need: Need, index: FactIndex, tenant: str) -> int:
    """When the newest answer to a need that is met came."""
    match need:
        case ReadOf(uid=uid) | AbsenceOf(uid=uid) | KnownOf(uid=uid):
            return _reads(index, tenant, uid)[-1].answered
        case LookupOf(uids=uids):
            lookups = (index.bookings[Key("b", tenant, uid)].lookup for uid in uids)
            return min(lookup.answered for lookup in lookups if lookup is not None)
        case RowOf(kind=kind, id=row):
            return index.rows[Key(kind[0], tenant, row)].reads[-1].answered
        case CallLookupOf(call=call):
            lookup = index.rows[Key("c", tenant, call)].lookup
            return 0 if lookup is None else lookup.answered


def _aliases_known(violation: Violation) -> bool:
    return all(link.numeric_ids and link.facts.reads for link in violation.links)


def _ask_at(need: Need, index: FactIndex, tenant: str, round_: Round) -> int | None:
    """When to ask; None if the need is met."""
    match need:
        case ReadOf(uid=uid):
            reads = _reads(index, tenant, uid)
            return None if reads and reads[-1].begun >= round_.due else round_.due
        case KnownOf(uid=uid):
            return None if _reads(index, tenant, uid) else min(round_.due, round_.suspected_at + FIRST_LOOK_MS)
        case AbsenceOf(uid=uid):
            return second_look(_reads(index, tenant, uid), round_)
        case LookupOf(uids=uids):
            answered = (index.bookings.get(Key("b", tenant, uid)) for uid in uids)
            met = all(f is not None and f.lookup is not None and f.lookup.begun >= round_.due for f in answered)
            return None if met else round_.due
        case RowOf(kind=kind, id=row):
            facts = index.rows.get(Key(kind[0], tenant, row))
            met = facts is not None and any(read.begun >= round_.due for read in facts.reads)
            return None if met else round_.due
        case CallLookupOf(call=call):
            facts = index.rows.get(Key("c", tenant, call))
            met = facts is not None and facts.lookup is not None and facts.lookup.begun >= round_.due
            return None if met else round_.due


def _reads(index: FactIndex, tenant: str, uid: str) -> tuple[Read, ...]:
    facts = index.bookings.get(Key("b", tenant, uid))
    return facts.reads if facts is not None else ()


def second_look(reads: tuple[Read, ...], round_: Round) -> int | None:
    """When to look again; None once two 404s a gap apart close the history, the last of them begun in the round."""
    if reads and reads[-1].found:
        # Somebody saw it: the predicate falls by itself; ask again only in the round.
        return None if reads[-1].begun >= round_.due else round_.due
    first: Read | None = None
    for read in reversed(reads):
        if read.found:
            break
        first = read
    if first is None:
        return min(round_.due, round_.suspected_at + FIRST_LOOK_MS)
    second_at = max(round_.due, first.answered + round_.gap_ms)
    return None if reads[-1].begun >= second_at else second_at
