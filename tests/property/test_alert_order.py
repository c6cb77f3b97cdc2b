"""The store decides by episode and event time: neither order nor repetition of findings matters."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.actions import Acknowledge, Assign, PersonsAction, Reopen, Resolve, Unacknowledge
from streams.alerts.alert import Alert
from streams.model.records import Finding
from streams.model.rule import AlertStatus, Resolution
from tests.alert_words import Life, drifted, finding


@st.composite
def histories(draw: st.DrawFn) -> list[Finding]:
    """Up to three episodes as a worker tells them: opened, updates, perhaps resolved, at rising times."""
    told: list[Finding] = []
    minutes = 0
    for episode in range(1, draw(st.integers(1, 3)) + 1):
        minutes += draw(st.integers(1, 5))
        opened = minutes
        told.append(finding("opened", minutes, episode=episode))
        for _ in range(draw(st.integers(0, 2))):
            minutes += draw(st.integers(1, 5))
            told.append(drifted(minutes, f"{minutes}", episode=episode))
        if draw(st.booleans()):
            # A cure may be older than its detection, never older than the last news of its episode.
            minutes += draw(st.integers(1, 5))
            told.append(finding("resolved", minutes, proved=opened, episode=episode))
    return told


def _what_matters(alert: Alert) -> Alert:
    """All but how often and when the store was told."""
    return msgspec.structs.replace(alert, version=0, updated_at="")


@given(st.data())
def test_any_order_with_any_repetition_ends_in_the_same_alert(data: st.DataObject) -> None:
    history = data.draw(histories())
    repeated = history + data.draw(st.lists(st.sampled_from(history), max_size=5))
    shuffled = data.draw(st.permutations(repeated))
    in_order, out_of_order = Life().hears(*history), Life().hears(*shuffled)
    assert _what_matters(in_order.alert) == _what_matters(out_of_order.alert)


ACTIONS: list[PersonsAction] = [
    Acknowledge(),
    Unacknowledge(),
    Assign(assignee="ben"),
    Assign(assignee=None),
    Resolve(resolution=Resolution.MANUAL),
    Reopen(),
]


@given(st.data())
def test_within_an_episode_people_and_machine_never_overwrite_one_another(data: st.DataObject) -> None:
    life = Life().hears(finding("opened", 0))
    for minutes in range(1, data.draw(st.integers(1, 8))):
        before = life.alert
        if data.draw(st.booleans()):
            life.hears(drifted(minutes, f"{minutes}"))
            after = life.alert
            assert (after.acknowledged_by, after.assignee) == (before.acknowledged_by, before.assignee)
            assert after.status == before.status
        else:
            action = data.draw(st.sampled_from(ACTIONS))
            if isinstance(action, Acknowledge) and before.status is AlertStatus.RESOLVED:
                continue
            life.does(action)
            after = life.alert
            assert (after.differences, after.detected_at, after.episode) == (
                before.differences,
                before.detected_at,
                before.episode,
            )
        assert after.version in (before.version, before.version + 1)
