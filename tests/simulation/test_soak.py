"""A quiet day: consistent traffic, reordered within grace, repeated, with clocks two minutes off, is no alert."""

from tests.simulation.soak import soaked


def test_a_quiet_day_tells_nothing() -> None:
    life = soaked(seed=1, hours=24)
    assert life.oracle.counts["alerts"] == 0
    assert not life.oracle.complaints
    assert len(life.calcom.last_known) > 1_000
    assert life.readers.asked > 1_000  # it was looked at
