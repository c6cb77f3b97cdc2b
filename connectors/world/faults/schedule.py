"""When to plant what: pure, so that the same seed plants the same faults at the same times in the same tenants."""

import random
from collections import defaultdict

import msgspec
from msgspec.structs import replace

from connectors.world.faults import doubles, drifts, flags, orphans, syncs, tenancy
from connectors.world.faults.trap import TrapStory
from connectors.world.faults.traps import TRAPS
from connectors.world.faults.way import Way
from connectors.world.ledger import GRACE_SECONDS, RULES

WAYS: tuple[Way, ...] = (
    *orphans.WAYS, *drifts.WAYS, *flags.WAYS, *syncs.WAYS, *doubles.WAYS, *tenancy.WAYS,
)  # fmt: skip
#: Planted as often as is asked for; of the others half as many are enough for a short run's quota.
MAIN_RULES = frozenset(way.rule for way in (*orphans.WAYS, *drifts.WAYS)) | {
    "phantom_booking", "appointment_made_mismatch", "missing_direction", "missing_call_link",
}  # fmt: skip

#: The first story begins so late, the last so long before the end; a story takes up to 15 s to be complete.
LEAD_SECONDS, TAIL_SECONDS = 3.0, 50.0
#: Faults that are found late must have begun early, and live long enough to be found at all.
BOUND_SHARE = 0.5
BOUND_LIFE_SECONDS = (115.0, 160.0)
#: Beyond the grace of its rule.
LIFE_SECONDS = (33.0, 66.0)
#: How many of those that are found at the usual pace are mended, and of those that are not.
MENDED, MENDED_BOUND = 0.7, 0.3
#: So many of each bound way, and so many of each trap, for each 12 faults of a rule.
BOUND_FAULTS_PER_WAY = 2
TRAPS_OF_A_KIND = 2
FULL_RUN = 12


class Appointed(msgspec.Struct, frozen=True, kw_only=True):
    """One story: when it begins (seconds from the start of traffic), where, and how long the fault may live."""

    id: str
    after_seconds: float
    tenant: int = 0
    way: Way | None = None
    trap: TrapStory | None = None
    #: None: it remains.
    life_seconds: float | None = None


def schedule(
    seed: int, seconds: float, faults_per_rule: int, tenants: int, faults_per_further_rule: int | None = None
) -> list[Appointed]:
    """Every fault and trap of one run, in order of time. `tenant` counts from 0.

    Each rule gets `faults_per_rule` faults at the usual pace (those outside MAIN_RULES the other number, if one is
    given), its ways taking turns, and bound ones besides.
    """
    rng = random.Random(f"{seed}|schedule")
    last = max(LEAD_SECONDS, seconds - TAIL_SECONDS)
    further = faults_per_rule if faults_per_further_rule is None else faults_per_further_rule
    plan: list[Appointed] = []
    for rule, ways in _by_rule().items():
        turns = _turns(ways, faults_per_rule if rule in MAIN_RULES else further)
        for n, way in enumerate(turns):
            # Evenly, each somewhere in its own slice of the time, so that no account's quota is overrun.
            share = (n + rng.random()) / len(turns) if way.bound is None else BOUND_SHARE * rng.random()
            at = LEAD_SECONDS + (last - LEAD_SECONDS) * share
            life = _life(way, rng)
            plan.append(Appointed(id=f"{rule}-{n + 1:02d}", after_seconds=at, way=way, life_seconds=life))
    plan = _placed(plan, rng.randrange(tenants), tenants)
    for n in range(traps_due(faults_per_rule)):
        at, trap = rng.uniform(LEAD_SECONDS, last), TRAPS[n % len(TRAPS)]
        plan.append(Appointed(id=f"trap-{n + 1:02d}", after_seconds=at, tenant=rng.randrange(tenants), trap=trap))
    return sorted(plan, key=lambda each: each.after_seconds)


def traps_due(faults_per_rule: int) -> int:
    """Each trap once, and twice for each full run."""
    kinds = len(TRAPS)
    return max(kinds, kinds * TRAPS_OF_A_KIND * round(faults_per_rule / FULL_RUN)) if faults_per_rule else 0


def _by_rule() -> dict[str, list[Way]]:
    ways: dict[str, list[Way]] = defaultdict(list)
    for way in WAYS:
        ways[way.rule].append(way)
    return {rule: ways[rule] for rule in RULES}


def _placed(plan: list[Appointed], first: int, tenants: int) -> list[Appointed]:
    """In order of time the tenants take turns: no key has two faults while another has none."""
    in_order = sorted(plan, key=lambda each: each.after_seconds)
    return [replace(each, tenant=(first + n) % tenants) for n, each in enumerate(in_order)]


def _turns(ways: list[Way], faults: int) -> list[Way]:
    usual = [way for way in ways if way.bound is None]
    bound = [way for way in ways if way.bound is not None]
    chosen = [usual[n % len(usual)] for n in range(faults)]
    each = min(faults, max(BOUND_FAULTS_PER_WAY, BOUND_FAULTS_PER_WAY * faults // FULL_RUN))
    return [*chosen, *(way for way in bound for _ in range(each))]


def _life(way: Way, rng: random.Random) -> float | None:
    mended = rng.random() < (MENDED_BOUND if way.bound else MENDED)
    life = rng.uniform(*BOUND_LIFE_SECONDS) if way.bound else GRACE_SECONDS[way.rule] + rng.uniform(*LIFE_SECONDS)
    return life if mended else None
