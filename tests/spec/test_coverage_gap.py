"""Coverage gap: events were certainly lost; it is open until the back-fill has ended."""

from streams.alerts.texts import summary
from tests.alert_words import UTC
from tests.source_words import Source, clock


def test_a_gap_is_told_at_once_and_is_no_silence() -> None:
    assert Source().is_("live", 0).stays("gap", 1, 40).told() == ["opened coverage_gap 1"]


def test_a_gap_ends_with_its_back_fill() -> None:
    source = Source().is_("gap", 0, why="the slot is gone").is_("live", 30, why="back-filled in 12 s")
    assert source.told() == ["opened coverage_gap 1", "resolved coverage_gap 1 (recovered)"]
    assert summary(source.findings[-1], UTC) == (
        "Change feed of your database: back-filled in 12 s · before: the slot is gone"
    )


def test_a_silence_that_proves_to_be_a_loss_becomes_a_gap() -> None:
    source = Source().is_("stalled", 0).is_("gap", 5).is_("live", 30)
    assert source.told() == [
        "opened source_stalled 1",
        "opened coverage_gap 1",
        "resolved source_stalled 1 (recovered)",
        "resolved coverage_gap 1 (recovered)",
    ]


def test_the_loss_began_behind_what_was_heard_last() -> None:
    [finding] = Source().is_("live", 0, heard=-3).is_("gap", 10).findings
    assert (finding.opened_at, finding.detected_at) == (clock(-3), clock(10))


def test_what_was_heard_through_never_goes_back() -> None:
    source = Source().is_("live", 0, heard=-1).is_("gap", 1, heard=-60).is_("gap", 6)
    assert [state.heard_through for state in source.states] == [clock(-1)] * 3


def test_the_next_loss_is_the_next_episode() -> None:
    assert Source().is_("gap", 0).is_("live", 9).is_("gap", 20).told()[-1] == "opened coverage_gap 2"
