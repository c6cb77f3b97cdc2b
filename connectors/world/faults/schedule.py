"""When to plant what: pure, so that the same seed plants the same faults at the same times in the same tenants."""

import random
from collections import defaultdict

import msgspec

from connectors.world.faults import drifts, flags, orphans
from connectors.world.faults.traps import TRAPS, TrapStory
from connectors.world.faults.way import Way
from connectors.world.ledger import RULES

WAYS: tuple[Way, ...] = (*orphans.WAYS, *drifts.WAYS, *flags.WAYS)

#: The first story begins so late, the last so long before the end; a story takes up to 15 s to be complete.
LEAD_SECONDS, TAIL_SECONDS = 3.0, 50.0
#: Faults that are found late must have begun early, and live long enough to be found at all.
BOUND_SHARE = 0.5
BOUND_LIFE_SECONDS = (115.0, 160.0)
LIFE_SECONDS = (35.0, 70.0)
#: How many of those that are found at the usual pace are mended, and of those that are not.
MENDED, MENDED_BOUND = 0.7, 0.3
#: So many of each bound way, for each 12 faults of a rule.
BOUND_FAULTS_PER_WAY = 2


class Appointed(msgspec.Struct, frozen=True, kw_only=True):
    """One story: when it begins (seconds from the start of traffic), where, and how long the fault may live."""

    id: str
    after_seconds: float
    tenant: int
    way: Way | None = None
    trap: TrapStory | None = None
    #: None: it remains.
    life_seconds: float | None = None


def schedule(seed: int, seconds: float, faults_per_rule: int, tenants: int) -> list[Appointed]:
    """Every fault and trap of one run, in order of time. `tenant` counts from 0.

    Each rule gets `faults_per_rule` faults at the usual pace, its ways taking turns, and bound ones besides.
    """
    rng = random.Random(f"{seed}|schedule")
    last = max(LEAD_SECONDS, seconds - TAIL_SECONDS)
    plan: list[Appointed] = []
    place = rng.randrange(tenants)
    for rule, ways in _by_rule().items():
        turns = _turns(ways, faults_per_rule)
        for n, way in enumerate(turns):
            place = (place + 1) % tenants
            # Evenly, each somewhere in its own slice of the time, so that no account's quota is overrun.
            share = (n + rng.random()) / len(turns) if way.bound is None else BOUND_SHARE * rng.random()
            at = LEAD_SECONDS + (last - LEAD_SECONDS) * share
            life = _life(way, rng)
            plan.append(Appointed(id=f"{rule}-{n + 1:02d}", after_seconds=at, tenant=place, way=way, life_seconds=life))
    for n in range(traps_due(faults_per_rule)):
        at, trap = rng.uniform(LEAD_SECONDS, last), TRAPS[n % len(TRAPS)]
        plan.append(Appointed(id=f"trap-{n + 1:02d}", after_seconds=at, tenant=rng.randrange(tenants), trap=trap))
    return sorted(plan, key=lambda each: each.after_seconds)


def traps_due(faults_per_rule: int) -> int:
    """Each trap once, and twice in a full run."""
    return len(TRAPS) * 2 if faults_per_rule >= 10 else len(TRAPS) if faults_per_rule else 0


def _by_rule() -> dict[str, list[Way]]:
    ways: dict[str, list[Way]] = defaultdict(list)
    for way in WAYS:
        ways[way.rule].append(way)
    return {rule: ways[rule] for rule in RULES}


def _turns(ways: list[Way], faults: int) -> list[Way]:
    usual = [way for way in ways if way.bound is None]
    bound = [way for way in ways if way.bound is not None]
    chosen = [usual[n % len(usual)] for n in range(faults)]
    each = min(BOUND_FAULTS_PER_WAY, faults)
    return [*chosen, *(way for way in bound for _ in range(each))]


def _life(way: Way, rng: random.Random) -> float | None:
    mended = rng.random() < (MENDED_BOUND if way.bound else MENDED)
    return rng.uniform(*(BOUND_LIFE_SECONDS if way.bound else LIFE_SECONDS)) if mended else None
