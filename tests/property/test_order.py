"""Order-invariance: all permutations of an entity's events, with duplicates, end in the same findings."""

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.model.observation import Observation, RowChanged, WebhookHeard
from tests.words import HOUR, World, at


def story() -> tuple[World, list[Observation]]:
    """A call, its booking, a reschedule and the row's life: everything heard within 2 s."""
    world = World()
    events: list[Observation] = []

    def note(seconds: float, event: Observation) -> None:
        world.now = seconds
        events.append(_stamped(event, seconds))

    world.booking("oldA")
    note(0.1, world.webhook("BOOKING_CREATED", "oldA"))
    note(0.2, world.appointment("17", booking="oldA", source="retell_webhook"))
    note(0.5, world.call("5", appointment_made=True, session_outcome="appointment_booked", booking_id="oldA"))
    world.now = 0.9
    world.reschedule("oldA", "newB", start=HOUR * 3)
    note(1.0, world.webhook("BOOKING_RESCHEDULED", "newB"))
    return world, events


def stories() -> list[tuple[World, list[Observation]]]:
    """The story with different endings: followed rightly, left behind, moved wrongly, cancelled here, deleted."""
    endings = [
        {"booking": "newB", "start": HOUR * 3, "call_id": 5},
        {"call_id": 5},
        {"booking": "newB", "start": HOUR * 4, "call_id": 5},
        {"booking": "newB", "start": HOUR * 3, "status": "cancelled", "call_id": 5},
        {"booking": "newB", "start": HOUR * 3},
    ]
    told = []
    for ending in endings:
        world, events = story()
        world.now = 1.5
        events.append(_stamped(world.appointment("17", **ending), 1.5))
        told.append((world, events))
    world, events = story()
    world.now = 1.5
    events.append(_stamped(world.delete("17"), 1.5))
    return [*told, (world, events)]


def _stamped(event: Observation, seconds: float) -> Observation:
    match event:
        case WebhookHeard(told=told):
            return msgspec.structs.replace(event, told=msgspec.structs.replace(told, arrived=at(seconds)))
        case RowChanged(version=version):
            return msgspec.structs.replace(event, version=msgspec.structs.replace(version, arrived=at(seconds)))
    return event


def findings_of(world: World, events: Sequence[Observation]) -> set[str]:
    world.now = 2.0
    for event in events:
        world.engine.observe((event,))
    return set(world.until(40).told())


EXPECTED = [
    set(),
    {"opened missed_reschedule appointment 17"},
    {"opened start_time_drift appointment 17"},
    {"opened status_drift appointment 17"},
    {"opened missing_call_link appointment 17"},
    {"opened orphaned_calcom booking oldA"},
]


@given(st.data(), st.integers(0, len(EXPECTED) - 1))
@settings(max_examples=300, deadline=None)
def test_any_order_with_any_repeats_ends_in_the_same_findings(data: st.DataObject, which: int) -> None:
    world, events = stories()[which]
    order = data.draw(st.permutations(events))
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=4))
    assert findings_of(world, [*order, *repeats]) == EXPECTED[which]


TWINS = {"customer_id": 7, "service_id": 3}


def twins() -> tuple[World, list[Observation]]:
    """Four rows of one customer: one moves away, one comes from afar by five-minute steps, one is cancelled."""
    world = World()
    events: list[Observation] = []
    written: list[tuple[str, dict[str, object]]] = [
        ("9", {"start": HOUR}),
        ("10", {"start": HOUR + 240}),
        ("9", {"start": HOUR * 9}),
        ("11", {"start": HOUR + 480}),
        ("12", {"start": HOUR + 480}),
        ("12", {"status": "cancelled"}),
    ]
    for number, (row, columns) in enumerate(written):
        world.now = number / 10
        events.append(world.appointment(row, **TWINS, **columns))
    return world, events


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_twins_find_one_another_in_any_order(data: st.DataObject) -> None:
    world, events = twins()
    assert findings_of(world, data.draw(st.permutations(events))) == {"opened duplicate_appointment appointment 11"}
