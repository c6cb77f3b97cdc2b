"""Every order of the six events of one appointment ends in the same alerts, for each class of fault.

All 720 orders of each class, a quarter of a second apart and judged in between; after one of the events, another one
in each order, the worker dies and comes back, or hears everything once more.
"""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import msgspec
import pytest

from streams.model.observation import Observation, RowChanged, WebhookHeard
from tests.words import HOUR, World, at

#: Well within every grace: nothing is due before the last one is heard.
APART_SECONDS = 0.25
LEFT = {"booking": "oldA", "start": HOUR, "call_id": 5}
RIGHT = {"booking": "newB", "start": 3 * HOUR, "call_id": 5}

#: How the row ends, what the call says, and what must be told.
CLASSES: dict[str, tuple[dict[str, Any] | None, dict[str, Any], set[str]]] = {
    "nothing wrong": (RIGHT, {}, set()),
    "left behind": (LEFT, {}, {"missed_reschedule appointment 17"}),
    "wrong start": (RIGHT | {"start": 4 * HOUR}, {}, {"start_time_drift appointment 17"}),
    "wrong end": (RIGHT | {"minutes": 45}, {}, {"end_time_drift appointment 17"}),
    "cancelled here": (RIGHT | {"status": "cancelled"}, {}, {"status_drift appointment 17"}),
    "without its call": (RIGHT | {"call_id": None}, {}, {"missing_call_link appointment 17"}),
    "deleted": (None, {}, {"orphaned_calcom booking oldA"}),
    "names nothing": (
        RIGHT | {"booking": "nobodys"},
        {"booking_id": None},
        {"orphaned_local appointment 17", "orphaned_calcom booking oldA"},
    ),
    "contradicting flags": (RIGHT, {"appointment_made": False}, {"phantom_booking call 5"}),
}


def story(ending: dict[str, Any] | None, call: dict[str, Any]) -> tuple[World, list[Observation]]:
    """What happens, in the order in which it happens; the sources tell of it in any."""
    world = World()
    said = {"appointment_made": True, "session_outcome": "appointment_booked", "booking_id": "oldA"} | call
    world.booking("oldA")
    events: list[Observation] = [world.webhook("BOOKING_CREATED", "oldA")]
    events.append(world.appointment("17", **LEFT))
    events.append(world.call("5", direction=None, appointment_made=None))
    events.append(world.call("5", **{"direction": "inbound"} | said))
    world.reschedule("oldA", "newB", start=3 * HOUR)
    events.append(world.webhook("BOOKING_RESCHEDULED", "newB"))
    events.append(world.delete("17") if ending is None else world.appointment("17", **ending))
    return world, events


def arriving(event: Observation, seconds: float) -> Observation:
    match event:
        case WebhookHeard(told=told):
            return msgspec.structs.replace(event, told=msgspec.structs.replace(told, arrived=at(seconds)))
        case RowChanged(version=version):
            return msgspec.structs.replace(event, version=msgspec.structs.replace(version, arrived=at(seconds)))
    return event


def dies(world: World, _heard: list[Observation]) -> None:
    world.restarts()


def hears_all_again(world: World, heard: list[Observation]) -> None:
    for event in heard:
        world.engine.observe((event,))


def told(
    world: World, events: list[Observation], order: tuple[int, ...], befalls: Callable[..., None], when: int
) -> set[str]:
    heard: list[Observation] = []
    for position, number in enumerate(order):
        heard.append(arriving(events[number], world.now))
        world.engine.observe((heard[-1],))
        world.until(world.now + APART_SECONDS, every=APART_SECONDS)
        if position == when:
            befalls(world, heard)
    world.until(20, every=2.0)
    assert not [line for line in world.told() if line.startswith("resolved")], order
    return {line.removeprefix("opened ") for line in world.told()}


@pytest.mark.parametrize("name", CLASSES)
def test_every_order_ends_in_the_same_alerts(name: str) -> None:
    ending, call, expected = CLASSES[name]
    for number, order in enumerate(permutations(range(6))):
        world, events = story(ending, call)
        assert told(world, events, order, (dies, hears_all_again)[number % 2], number % 6) == expected, order
