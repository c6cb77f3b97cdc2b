"""A quiet day: consistent traffic, reordered within grace, repeated, with clocks two minutes off, is no alert.

Two hours of it here; the whole day is `make sim SOAK=1`.
"""

from tests.simulation.soak import soaked


def test_quiet_hours_tell_nothing() -> None:
    life = soaked(seed=1, hours=2)
    assert life.oracle.counts["alerts"] == 0
    assert not life.oracle.complaints
    assert len(life.calcom.last_known) > 100
    assert life.readers.asked > 100  # it was looked at
