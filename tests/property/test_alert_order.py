"""The store decides by episode and event time: neither order nor repetition of findings matters.

Nor does it matter whether a person spoke before or after an older finding arrived.
"""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.actions import (
    Acknowledge,
    Assign,
    PersonsAction,
    Remark,
    Reopen,
    Resolve,
    Snooze,
    SnoozeUntilChanged,
    SnoozeUntilResolved,
    Unacknowledge,
)
from streams.alerts.alert import PEOPLES_RESOLUTIONS, Alert
from streams.model.records import Finding
from streams.model.rule import AlertStatus, Resolution
from tests.alert_words import Life, at, drifted, finding


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


SPOKEN_AT = 20.5
#: What means the same whatever of the earlier findings had been heard.
SPOKEN: list[PersonsAction] = [
    Assign(assignee="ben"),
    Remark(note="called"),
    *(Resolve(resolution=word) for word in sorted(PEOPLES_RESOLUTIONS)),
]
#: What is said of a fault that stands, as it is shown.
SPOKEN_OF_WHAT_STANDS: list[PersonsAction] = [
    Acknowledge(),
    Snooze(until=at(500)),
    SnoozeUntilResolved(),
]


@st.composite
def one_episode(draw: st.DrawFn, begin: int, end: int, *, ends: bool) -> list[Finding]:
    """Further findings of episode 1 between two minutes; the last may be its end."""
    minutes = sorted(draw(st.sets(st.integers(begin, end), max_size=4)))
    told = [drifted(minute, draw(st.sampled_from("ab"))) for minute in minutes]
    if told and ends and draw(st.booleans()):
        told[-1] = finding("resolved", minutes[-1], proved=1)
    return told


@given(st.data())
def test_a_finding_from_before_a_person_spoke_may_arrive_after(data: st.DataObject) -> None:
    action = data.draw(st.sampled_from(SPOKEN + SPOKEN_OF_WHAT_STANDS))
    earlier = data.draw(one_episode(2, 20, ends=action in SPOKEN))
    later = data.draw(one_episode(21, 40, ends=True))
    late = [one for one in earlier if data.draw(st.booleans())]
    in_time = [one for one in earlier if one not in late]
    first = finding("opened", 1)
    in_order = Life().hears(first, *earlier).does(action, minutes=SPOKEN_AT).hears(*later)
    mixed = Life().hears(first, *data.draw(st.permutations(in_time))).does(action, minutes=SPOKEN_AT)
    mixed.hears(*data.draw(st.permutations(late + later)))
    assert _what_matters(mixed.alert) == _what_matters(in_order.alert)


@pytest.mark.parametrize("action", [SnoozeUntilChanged(), Reopen(), Unacknowledge()])
@given(data=st.data())
def test_what_follows_a_persons_word_may_arrive_in_any_order(data: st.DataObject, action: PersonsAction) -> None:
    over = [finding("resolved", 19, proved=1)] if isinstance(action, Reopen) else []
    later = data.draw(one_episode(21, 40, ends=True))
    before = Life().hears(finding("opened", 1), *over)
    before = before if over else before.does(Acknowledge(), minutes=5)
    spoken = before.does(action, minutes=SPOKEN_AT).tracked
    in_order, mixed = Life(), Life()
    in_order.tracked = mixed.tracked = spoken
    in_order.hears(*later)
    mixed.hears(*data.draw(st.permutations(later)))
    assert _what_matters(mixed.alert) == _what_matters(in_order.alert)


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
