"""The schedule: what is planted and sprung in a run, when and where."""

from collections import Counter

from connectors.world.faults.schedule import MAIN_RULES, WAYS, schedule
from connectors.world.faults.traps import TRAPS
from connectors.world.ledger import GRACE_SECONDS, RULES, SHORTENED
from streams.model.rule import GRACE_SECONDS as PRODUCT_GRACE_SECONDS
from streams.model.rule import SOURCE_RULES, Rule


def test_every_rule_has_several_ways_and_every_bound_is_planted() -> None:
    ways = {rule: {way.name for way in WAYS if way.rule == rule} for rule in RULES}
    assert all(len(names) >= 2 for names in ways.values())
    assert {way.bound for way in WAYS} == {None, "poll_bound", "settle_bound", "list_bound"}


def test_every_rule_that_rows_and_bookings_can_break_is_planted() -> None:
    """A suspicion that cannot be checked and a source that is silent are outages: they are tested by the knobs."""
    assert set(RULES) == set(Rule) - SOURCE_RULES - {Rule.VERIFICATION_FAILED}


def test_the_ledger_knows_how_long_each_rule_waits() -> None:
    """Its own list, apart from the product's: grace, and the lag wait of 2 s where both sides are read."""
    longer = {rule: GRACE_SECONDS[rule] - PRODUCT_GRACE_SECONDS[Rule(rule)] for rule in RULES if rule not in SHORTENED}
    assert set(longer.values()) == {0, 2}
    two_sided = {rule for rule, seconds in longer.items() if seconds}
    assert {"orphaned_local", "orphaned_calcom", "duplicate_booking", "tenant_mismatch"} <= two_sided
    assert not {"sync_failed", "recent_failure", "duplicate_appointment", "missing_tenant"} & two_sided


def test_names_of_ways_and_traps_are_their_own() -> None:
    names = [way.name for way in WAYS] + [trap.__name__ for trap in TRAPS]
    assert len(names) == len(set(names))


def test_a_full_run_plants_every_way_and_trap_within_its_time() -> None:
    plan = schedule(7, 240, 12, 9)
    usual = [each for each in plan if each.way and each.way.bound is None]
    assert all(sum(each.way.rule == rule for each in usual if each.way) == 12 for rule in RULES)
    assert {each.way.name for each in plan if each.way} == {way.name for way in WAYS}
    assert {each.trap for each in plan if each.trap} == set(TRAPS)
    assert len({each.id for each in plan}) == len(plan)
    assert max(each.after_seconds for each in plan) <= 190
    counts = [sum(each.tenant == n for each in plan if each.way) for n in range(9)]
    assert max(counts) - min(counts) <= 1


def test_a_short_run_may_plant_fewer_of_the_further_rules() -> None:
    planted = Counter(each.way.rule for each in schedule(7, 240, 12, 9, 6) if each.way and each.way.bound is None)
    assert planted == {rule: 12 if rule in MAIN_RULES else 6 for rule in RULES}


def test_a_scored_run_has_a_hundred_of_each_and_seldom_two_at_once_in_one_account() -> None:
    plan = schedule(1, 1300, 100, 24)
    faults = [each for each in plan if each.way]
    usual = Counter(each.way.rule for each in faults if each.way and each.way.bound is None)
    assert usual == dict.fromkeys(RULES, 100)
    together = Counter((int(each.after_seconds), each.tenant) for each in faults)
    assert max(together.values()) == 1
    assert Counter(each.trap for each in plan if each.trap) == dict.fromkeys(TRAPS, 16)


def test_a_mended_fault_outlives_its_grace() -> None:
    for each in schedule(7, 240, 12, 9):
        if each.way and each.life_seconds is not None:
            assert each.life_seconds > GRACE_SECONDS[each.way.rule] + 10


def test_bound_faults_begin_early_and_live_long_enough_to_be_found() -> None:
    bound = [each for each in schedule(7, 240, 12, 9) if each.way and each.way.bound]
    assert bound
    assert all(each.after_seconds < 120 for each in bound)
    assert all(each.life_seconds is None or each.life_seconds > 100 for each in bound)


def test_the_same_seed_plants_the_same() -> None:
    assert schedule(7, 240, 12, 9) == schedule(7, 240, 12, 9)
    assert schedule(7, 240, 12, 9) != schedule(8, 240, 12, 9)
