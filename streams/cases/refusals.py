"""Answers that cannot be judged, counted by what was asked: three, and a person must look (verification_failed).

*Unusable* is 401, 403, another 4xx, or what cannot be parsed. *Unavailable* (no answer, 5xx, 429, breaker open) is no
attempt and counts nowhere: the case waits.
"""

from collections.abc import Iterable, Iterator

import msgspec

from streams.facts.index import Key
from streams.model.observation import BookingReadSeen, LookupSeen, Observation, RowReadSeen
from streams.model.records import Evidence
from streams.model.rule import Rule
from streams.rules.violation import AbsenceOf, CallLookupOf, KnownOf, LookupOf, Need, ReadOf, RowOf, Violation

#: So many unusable answers, and the suspicion is told as one that could not be checked.
REFUSALS_MAX = 3
#: Wait after the first, second and every further unusable answer, ms (S1: 60, 300 and 900 s).
REFUSED_WAIT_MS = (60_000, 300_000, 900_000)


class Refusal(msgspec.Struct, frozen=True):
    """How often an answer to one need was unusable, and when last (broker's clock, ms)."""

    times: int
    at: int
    #: The booking is another account's: no attempt, though asked as seldom.
    elsewhere: bool = False

    @property
    def count(self) -> int:
        """Attempts that failed."""
        return 0 if self.elsewhere else self.times

    @property
    def ask_again_at(self) -> int:
        return self.at + REFUSED_WAIT_MS[min(self.times, len(REFUSED_WAIT_MS)) - 1]


class Refusals:
    """Refusals of one partition by tenant and need; what was answered since is forgotten."""

    def __init__(self) -> None:
        self._by_need: dict[tuple[str, Need], Refusal] = {}

    def add(self, tenant: str, need: Need, at: int, *, elsewhere: bool = False) -> None:
        """An answer was unusable, or the booking is somebody else's."""
        key = (tenant, subject_of(need))
        known = self._by_need.get(key)
        times = known.times if known is not None and known.elsewhere == elsewhere else 0
        self._by_need[key] = Refusal(times + 1, at, elsewhere)

    def of(self, tenant: str, need: Need) -> Refusal | None:
        return self._by_need.get((tenant, subject_of(need))) if self._by_need else None

    def answered(self, seen: Observation) -> None:
        """There is a usable answer to what this answers: the count begins anew."""
        for tenant, need in list(self._by_need):
            if _answers(seen, tenant, need):
                del self._by_need[tenant, need]


def _answers(seen: Observation, tenant: str, need: Need) -> bool:
    match seen, need:
        case BookingReadSeen(tenant=of), ReadOf(uid=uid):
            return of == tenant and uid in (seen.uid, seen.read.numeric_id)
        case RowReadSeen(tenant=of), RowOf(kind=kind, id=row):
            return (of, seen.kind, seen.id) == (tenant, kind, row)
        case LookupSeen(tenant=of), LookupOf(refs=refs):
            return of == tenant and not set(refs).isdisjoint(seen.uids)
        case LookupSeen(tenant=of), CallLookupOf(call=call):
            return (of, seen.call) == (tenant, call)
        case _:
            return False


def subject_of(need: Need) -> Need:
    """The need as it is counted: however a booking is asked for, it is the same booking."""
    return ReadOf(need.uid) if isinstance(need, AbsenceOf | KnownOf) else need


def keys_of(tenant: str, need: Need) -> Iterator[Key]:
    """The entities that an answer to this need is about."""
    match need:
        case ReadOf(uid=uid) | AbsenceOf(uid=uid) | KnownOf(uid=uid):
            yield Key("b", tenant, uid)
        case LookupOf(uids=uids):
            yield from (Key("b", tenant, uid) for uid in uids)
        case RowOf(kind=kind, id=row):
            yield Key(kind[0], tenant, row)
        case CallLookupOf(call=call):
            yield Key("c", tenant, call)


def unchecked(violations: Iterable[Violation]) -> Iterator[Violation]:
    """One violation of verification_failed for each subject of which a suspicion could not be checked."""
    seen = set()
    for violation in violations:
        subject = (violation.kind, violation.subject)
        if subject in seen:
            continue
        seen.add(subject)
        what = f"{violation.rule} could not be checked: {REFUSALS_MAX} answers that cannot be used"
        yield msgspec.structs.replace(
            violation,
            rule=Rule.VERIFICATION_FAILED,
            two_sided=False,
            grace_ms=None,
            critical_from=None,
            needs=(),
            differences=(),
            extra=(Evidence(source="calcom_api", what=what), *violation.extra),
        )
