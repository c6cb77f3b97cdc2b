"""The usual delay between the two sides of an appointment: of what has just met, each pair once, the newest samples."""

import msgspec
import pytest

from streams.cases.standing import FRESH_MS, MEASURED_MAX, SAMPLE_MS_MAX, SAMPLES_MAX, SAMPLES_MIN, SyncMeter
from streams.facts.index import Key
from streams.facts.picture import build_cause
from streams.model.facts import AppointmentRow, BookingFacts, RowFacts
from tests.standing_words import NOW, Tenants
from tests.words import T0


@pytest.mark.parametrize(
    ("heard", "written", "now", "samples"),
    [
        (NOW, NOW + 500, NOW + 500, 1),
        (NOW + 500, NOW, NOW + 500, 1),
        (NOW, NOW + 500, NOW + 500 + FRESH_MS, 1),
        (NOW, NOW + 500, NOW + 501 + FRESH_MS, 0),
        (NOW + 500, NOW, NOW + 501 + FRESH_MS, 0),
        (NOW, NOW + SAMPLE_MS_MAX, NOW + SAMPLE_MS_MAX, 1),
        (NOW, NOW + SAMPLE_MS_MAX + 1, NOW + SAMPLE_MS_MAX + 1, 0),
    ],
)
def test_only_what_has_just_met_and_within_a_minute_is_measured(
    heard: int, written: int, now: int, samples: int
) -> None:
    held = Tenants()
    held.judge(held.pair(heard, written), now)
    assert held.samples() == samples


def test_a_pair_is_measured_once_and_each_pair_and_tenant_for_itself() -> None:
    held = Tenants()
    for key in [held.pair(NOW, NOW + 5), held.pair(NOW, NOW + 5), held.pair(NOW, NOW + 5, number=2)]:
        held.judge(key, NOW)
    held.judge(held.pair(NOW, NOW + 5, tenant="2"), NOW)
    assert held.samples() == 2
    assert [one.sync_samples for one in held.told(T0 + 2_000_000)] == [2, 1]


def test_a_row_of_a_snapshot_and_one_that_names_no_booking_are_not_measured() -> None:
    held = Tenants()
    held.judge(held.pair(NOW, NOW + 5, snapshot_row=True), NOW)
    held.judge(held.pair(NOW, NOW + 5, number=2, row=AppointmentRow()), NOW)
    assert held.samples() == 0


def test_a_booking_that_no_webhook_told_of_is_not_measured() -> None:
    held = Tenants()
    key = held.pair(NOW, NOW + 5)
    held.index.bookings[Key("b", "1", "uid1x")] = BookingFacts()
    held.judge(key, NOW)
    assert held.samples() == 0


def test_one_pair_that_is_old_does_not_keep_the_others_of_its_cause_from_being_measured() -> None:
    held = Tenants()
    held.pair(NOW - 2 * FRESH_MS, NOW - 2 * FRESH_MS, number=1)
    held.pair(NOW, NOW + 5, number=2)
    cause = build_cause(
        held.index, [Key(k, "1", i) for k, i in (("a", "1"), ("a", "2"), ("b", "uid1x"), ("b", "uid2x"))]
    )
    held.judged(cause, NOW)
    assert held.samples() == 1


def test_the_delay_runs_from_the_first_webhook_to_the_first_row_that_named_the_booking() -> None:
    held = Tenants()
    keys = []
    for number in range(1, SAMPLES_MIN + 1):
        key = held.pair(NOW, NOW + 700, number=number)
        booking = Key("b", "1", f"uid{number}x")
        [told] = held.index.bookings[booking].told
        again = msgspec.structs.replace(told, arrived=NOW + 5_000, body="again")
        held.index.put_booking(booking, BookingFacts(told=(told, again)))
        [named] = held.index.rows[key].versions
        before = msgspec.structs.replace(named, commit_lsn=1, arrived=NOW - 9_000, row=AppointmentRow(booking=None))
        later = msgspec.structs.replace(named, commit_lsn=3, arrived=NOW + 6_000)
        held.index.put_row(key, RowFacts(versions=(before, named, later)))
        keys.append(key)
    for key in keys:
        held.judge(key, NOW)
    [standing] = held.told(NOW)
    assert (standing.sync_p50_ms, standing.sync_p999_ms) == (700, 700)


def test_a_row_that_goes_to_another_booking_is_a_new_pair() -> None:
    held = Tenants()
    held.judge(held.pair(NOW, NOW + 5), NOW)
    held.judge(held.pair(NOW, NOW + 5, number=2), NOW)
    held.judge(held.pair(NOW, NOW + 5, row=AppointmentRow(booking="uid2x")), NOW)
    assert held.samples() == 3


def test_so_many_pairs_are_remembered_the_oldest_are_forgotten_first() -> None:
    held = Tenants()
    own = build_cause(held.index, held.index.cause(held.pair(NOW, NOW + 5)))
    theirs = build_cause(held.index, held.index.cause(held.pair(NOW, NOW + 5, tenant="2")))
    held.judged(own, NOW)
    [pair] = theirs.appointments
    theirs.appointments = [msgspec.structs.replace(pair, id=str(number)) for number in range(MEASURED_MAX - 1)]
    held.judged(theirs, NOW)
    held.judged(own, NOW)
    assert held.samples() == 1
    theirs.appointments = [msgspec.structs.replace(pair, id="one more")]
    held.judged(theirs, NOW)
    held.judged(own, NOW)
    assert [one.sync_samples for one in held.told(T0 + 2_000_000)] == [2, SAMPLES_MAX]


def test_nearly_all_are_told_by_the_last_but_one_of_a_thousand() -> None:
    held = Tenants()
    cause = build_cause(held.index, held.index.cause(held.pair(NOW, NOW)))
    [pair] = cause.appointments
    [named] = pair.facts.versions
    rows = [RowFacts(versions=(msgspec.structs.replace(named, arrived=NOW + delay),)) for delay in range(1_001)]
    cause.appointments = [msgspec.structs.replace(pair, id=str(n), facts=facts) for n, facts in enumerate(rows)]
    held.judged(cause, NOW)
    [standing] = held.told(NOW)
    assert (standing.sync_p50_ms, standing.sync_p999_ms, standing.sync_samples) == (500, 999, 1_001)


# The meter ----------------------------------------------------------------------------------------------


def test_fewer_than_twenty_samples_say_nothing() -> None:
    meter = SyncMeter()
    for delay in range(SAMPLES_MIN - 1):
        meter.add(delay)
    assert (len(meter), meter.quantile_ms(0.5)) == (SAMPLES_MIN - 1, None)
    meter.add(5)
    assert meter.quantile_ms(0.5) is not None


def test_the_oldest_samples_go_first() -> None:
    meter = SyncMeter()
    for delay in range(SAMPLES_MAX + 7):
        meter.add(delay)
    assert (len(meter), meter.quantile_ms(0.0)) == (SAMPLES_MAX, 7)


@pytest.mark.parametrize(("share", "delay"), [(0.0, 1), (0.5, 51), (0.9, 91), (0.999, 100), (1.0, 100)])
def test_a_quantile_is_the_delay_that_so_many_do_not_exceed(share: float, delay: int) -> None:
    meter = SyncMeter()
    for each in range(100, 0, -1):
        meter.add(each)
    assert meter.quantile_ms(share) == delay
