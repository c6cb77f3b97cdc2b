"""Webhook subscription drift: Cal.com no longer tells what it should."""

from streams.alerts.texts import summary
from streams.model.records import Difference
from tests.alert_words import UTC
from tests.source_words import LOST_TRIGGER, Source

INACTIVE = Difference(field="active", local="true", calcom="false")


def webhooks() -> Source:
    return Source("webhooks:main", ("3",))


def test_a_subscription_as_it_should_be_is_no_alert() -> None:
    assert webhooks().stays("live", 0, 30).told() == []


def test_a_drift_is_told_though_deliveries_still_come() -> None:
    source = webhooks().is_("live", 0, drift=(LOST_TRIGGER,))
    assert source.told() == ["opened webhook_subscription_drift 1"]
    assert source.words() == ["live"]
    assert source.findings[0].differences == (LOST_TRIGGER,)


def test_the_summary_says_what_is_and_what_should_be() -> None:
    [finding] = webhooks().is_("live", 0, why="the subscription differs", drift=(INACTIVE,)).findings
    assert summary(finding, UTC) == (
        "Webhooks of account main: the subscription differs · active: false instead of true"
    )


def test_another_drift_is_the_same_fault_told_at_once() -> None:
    source = webhooks().is_("live", 0, drift=(LOST_TRIGGER,)).is_("live", 1, drift=(LOST_TRIGGER, INACTIVE))
    assert source.told() == ["opened webhook_subscription_drift 1", "updated webhook_subscription_drift 1"]


def test_a_subscription_set_right_resolves_it() -> None:
    source = webhooks().is_("live", 0, drift=(INACTIVE,)).is_("live", 60)
    assert source.told()[-1] == "resolved webhook_subscription_drift 1 (recovered)"


def test_while_nobody_can_look_it_stands_as_it_stood() -> None:
    source = webhooks().is_("live", 0, drift=(INACTIVE,)).is_("live", 30, drift=None).is_("stalled", 60, drift=None)
    assert source.told() == ["opened webhook_subscription_drift 1", "opened source_stalled 1"]


def test_it_stands_beside_a_silence() -> None:
    source = webhooks().is_("stalled", 0, drift=(INACTIVE,)).is_("live", 9, drift=(INACTIVE,))
    assert source.told() == [
        "opened source_stalled 1",
        "opened webhook_subscription_drift 1",
        "resolved source_stalled 1 (recovered)",
    ]
