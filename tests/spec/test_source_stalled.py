"""Source stalled: a source is silent, and not because nothing happens."""

import pytest

from streams.alerts.texts import summary
from streams.model.ids import alert_id
from streams.model.rule import Rule, Severity
from tests.alert_words import UTC, Life
from tests.source_words import Source, clock


def test_a_live_source_is_no_alert() -> None:
    assert Source().stays("live", 0, 30).told() == []


def test_a_source_that_stalls_is_told_once_however_long_it_lasts() -> None:
    assert Source().is_("live", 0).stays("stalled", 1, 50).told() == ["opened source_stalled 1"]


def test_a_source_that_is_heard_again_resolves_it() -> None:
    source = Source().is_("live", 0).stays("stalled", 1, 9).is_("live", 10, why="heard again after 9 s")
    assert source.told() == ["opened source_stalled 1", "resolved source_stalled 1 (recovered)"]
    assert source.findings[-1].verification.read_what == "heard again after 9 s"


def test_reading_the_tables_from_the_start_is_no_silence() -> None:
    source = Source().is_("stalled", 0).is_("snapshotting", 5)
    assert source.told() == ["opened source_stalled 1", "resolved source_stalled 1 (recovered)"]
    assert Source().stays("snapshotting", 0, 100).told() == []


def test_a_second_silence_is_the_next_episode_of_the_same_alert() -> None:
    source = Source().is_("stalled", 0).is_("live", 5).is_("stalled", 10)
    assert source.told()[-1] == "opened source_stalled 2"
    assert len({finding.alert_id for finding in source.findings}) == 1


@pytest.mark.parametrize(
    ("tenants", "tenant"),
    [
        (("3",), "3"),
        (("3", "4"), "*"),  # an account that several share
        (("*",), "*"),
    ],
)
def test_it_is_about_the_source_and_of_the_accounts_tenant(tenants: tuple[str, ...], tenant: str) -> None:
    [finding] = Source("webhooks:main", tenants).is_("stalled", 0).findings
    assert (finding.subject.kind, finding.subject.id, finding.tenant) == ("source", "webhooks:main", tenant)
    assert finding.alert_id == alert_id("source_stalled", tenant, "source", "webhooks:main")
    assert finding.severity is Severity.CRITICAL


def test_the_silence_began_behind_what_was_heard_last() -> None:
    [finding] = Source().is_("live", 0, heard=-2).is_("stalled", 13).findings
    assert (finding.opened_at, finding.detected_at) == (clock(-2), clock(13))
    assert finding.verification.waited_seconds == 15


def test_people_read_why_and_the_text_is_renewed_once_a_minute() -> None:
    source = Source()
    for at in range(130):
        source.is_("stalled", at, why=f"no heartbeat for {at} s")
    assert source.told() == ["opened source_stalled 1", "updated source_stalled 1", "updated source_stalled 1"]
    assert [finding.local.extra["why"] for finding in source.findings] == [
        "no heartbeat for 0 s",
        "no heartbeat for 60 s",
        "no heartbeat for 120 s",
    ]


def test_the_summary_names_the_source_and_says_why() -> None:
    source = (
        Source().is_("live", 0, heard=-2).is_("stalled", 15, why="no heartbeat for 15 s", details={"slot": "active"})
    )
    [finding] = source.findings
    assert summary(finding, UTC) == (
        "Change feed of your database: no heartbeat for 15 s · heard through Thu 11:59 UTC · slot: active"
    )
    later = Source("calcom:main").is_("stalled", 15, heard=-2, why="no answer")
    assert summary(later.findings[0], UTC) == "Cal.com's API for account main: no answer · heard through Thu 11:59 UTC"


def test_a_silence_from_before_the_installation_is_told_like_any_other() -> None:
    [finding] = Source().is_("live", 0, heard=-90 * 86_400).is_("stalled", 1).findings
    assert not Life().hears(finding).alert.baseline


def test_the_state_is_told_at_once_when_it_changes_and_else_every_five_seconds() -> None:
    source = Source().stays("live", 0, 12).is_("stalled", 13)
    assert [(state.state, state.at) for state in source.states] == [
        ("live", clock(0)),
        ("live", clock(5)),
        ("live", clock(10)),
        ("stalled", clock(13)),
    ]


def test_the_state_says_since_when_and_through_when_it_was_heard() -> None:
    source = Source().is_("live", 0, heard=-1).is_("stalled", 20).is_("stalled", 26)
    assert [(state.since, state.heard_through) for state in source.states] == [
        (clock(0), clock(-1)),
        (clock(20), clock(-1)),
        (clock(20), clock(-1)),
    ]


def test_a_clock_that_goes_back_changes_no_order() -> None:
    source = Source().is_("stalled", 60).is_("live", 0)
    assert [finding.at for finding in source.findings] == [clock(60), clock(60)]
    assert Life().hears(*source.findings).stands == "resolved recovered"


def test_a_source_that_is_taken_out_of_the_configuration_ends_its_alert() -> None:
    source = Source("webhooks:main").is_("stalled", 0).is_taken_out(60)
    assert source.told() == ["opened source_stalled 1", "resolved source_stalled 1 (rule_disabled)"]
    assert source.standing is not None
    assert source.standing.of(Rule.SOURCE_STALLED).open is None


def test_of_an_alert_only_the_newest_finding_waits_to_be_sent() -> None:
    source = Source().is_("stalled", 0).is_("live", 1).is_("stalled", 2)
    assert source.standing is not None
    assert [finding.episode for finding in source.standing.unsent] == [2]
