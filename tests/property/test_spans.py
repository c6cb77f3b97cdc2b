"""Spans: a union holds the same instants, and a booking that is wrong in two ways at once is wrong once."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.model.ids import Instant
from streams.reports.intervals import Span, UnionMeter, union
from streams.reports.objective import WrongTime

instants = st.integers(min_value=0, max_value=60).map(Instant)
spans = st.lists(st.tuples(instants, instants), max_size=12)
subjects = st.sampled_from(["a", "b", "ä", "é"])


def held(these: list[Span]) -> set[int]:
    """Every instant that lies in one of them: the meaning of a list of spans."""
    return {instant for begin, end in these for instant in range(begin, end)}


@given(spans)
def test_a_union_holds_the_same_instants(these: list[Span]) -> None:
    assert held(union(these)) == held(these)


@given(spans)
def test_a_union_is_disjoint_in_order_and_without_seams(these: list[Span]) -> None:
    united = union(these)
    assert all(begin < end for begin, end in united)
    assert all(before[1] < after[0] for before, after in pairwise(united))


@given(spans)
def test_a_union_of_a_union_changes_nothing(these: list[Span]) -> None:
    assert union(union(these)) == union(these)


@given(st.lists(st.tuples(subjects, instants, instants), max_size=20), spans)
def test_each_window_counts_each_instant_of_each_subject_once(
    told: list[tuple[str, Instant, Instant]], seen: list[Span]
) -> None:
    windows = union(seen)
    meter = UnionMeter(windows)
    for subject, begin, end in sorted(told):
        meter.add(subject, begin, end)
    by_subject = {name: held([(begin, end) for one, begin, end in told if one == name]) for name, _, _ in told}
    expected = [sum(len(own & held([window])) for own in by_subject.values()) for window in windows]
    assert list(meter.lasted_ms()) == expected
    assert meter.subjects == len(by_subject)


@given(st.lists(st.tuples(st.sampled_from(["3", "9"]), subjects, instants, instants), max_size=20), spans)
def test_tenants_are_measured_apart_each_in_its_own_windows(
    told: list[tuple[str, str, Instant, Instant]], seen: list[Span]
) -> None:
    windows = {"3": union(seen), "9": []}
    wrong = WrongTime(lambda tenant: windows[tenant])
    for one in sorted(told):
        wrong.add(*one)
    alone = UnionMeter(windows["3"])
    for _, *span in sorted(one for one in told if one[0] == "3"):
        alone.add(*span)
    assert sum(map(sum, wrong.by_tenant())) == sum(alone.lasted_ms())
    assert wrong.bookings == len({one[:2] for one in told})


@given(spans, st.integers(min_value=1, max_value=59))
def test_a_period_is_the_sum_of_its_parts(these: list[Span], cut: int) -> None:
    whole = UnionMeter([(Instant(0), Instant(60))])
    parts = UnionMeter([(Instant(0), Instant(cut)), (Instant(cut), Instant(60))])
    for begin, end in sorted(these):
        whole.add("a", begin, end)
        parts.add("a", begin, end)
    assert sum(parts.lasted_ms()) == sum(whole.lasted_ms())
