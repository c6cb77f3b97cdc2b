"""What comes late or a second time, on the real stack: nothing false, nothing told twice, nothing resolved wrongly.

One life of eight tenants goes through all of it, in this order. What people were told before is compared with what
they were told after, version by version.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from connectors.stack.stack import LocalStack
from tests.integration.living import TENANTS, Pair, Shown
from tests.integration.outliving import LossyLife, lossy_life
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

#: More change events than ticks while a fault stood: a replay that judged as it went would find it again.
TOUCHES = 500


class Told(NamedTuple):
    """What had happened before anything was lost."""

    life: LossyLife
    came_back: int  # a call in its second episode
    pairs: list[Pair]


@pytest.fixture(scope="module")
async def told(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    async with lossy_life(stack, tmp_path_factory.mktemp("living")) as life:
        yield await lived(life)


async def lived(life: LossyLife) -> Told:
    """Pairs in sync at every tenant; faults that stand, one that is over, one that came back."""
    pairs = [await life.written(life.booked(tenant)) for tenant in TENANTS for _ in range(2)]
    drifting = pairs[6]
    await life.touched(drifting, TOUCHES)
    stray = life.booked("3")
    row = await life.invented("2", "nobodyKnowsThisOne")
    standing, returning = await life.called("1"), await life.called("5")
    await life.shifted(drifting, 2)
    pairs[12] = await life.moved(pairs[12])
    await life.cancelled(pairs[14])
    await life.stands("orphaned_calcom", f"booking:{stray.uid}")
    await life.stands("orphaned_local", f"appointment:{row}")
    await life.stands("phantom_booking", f"call:{standing}")
    await life.stands("phantom_booking", f"call:{returning}")
    await life.stands("start_time_drift", f"appointment:{drifting.row}")
    await life.shifted(drifting, -2)
    await life.concluded(returning, "info_given")
    await life.stands("start_time_drift", f"appointment:{drifting.row}", "resolved")
    await life.stands("phantom_booking", f"call:{returning}", "resolved")
    await life.concluded(returning, "appointment_booked")
    await life.stands("phantom_booking", f"call:{returning}", episode=2)
    await life.settled()
    assert len(await life.told()) == 5
    return Told(life, returning, pairs)


async def test_every_topic_read_again_into_the_state_that_is_there_tells_nothing(told: Told) -> None:
    life, before = told.life, await told.life.told()
    await life.worker.stop()
    life.work_anew()
    await life.settled()
    assert await life.told() == before


async def test_every_topic_read_again_into_no_state_at_all_tells_nothing_new(told: Told) -> None:
    life, before = told.life, await told.life.told()
    await life.worker.stop()
    await life.lose_state()
    life.work_anew()
    await life.settled()
    # What stands was proved anew: its evidence is newer, and nothing else.
    assert unversioned(await life.told()) == unversioned(before)
    assert over(await life.told()) == over(before)


async def test_after_the_loss_of_all_state_a_fault_goes_on_in_its_episode(told: Told) -> None:
    life, call = told.life, told.came_back
    await life.concluded(call, "info_given")
    ended = await life.stands("phantom_booking", f"call:{call}", "resolved", episode=2)
    await life.concluded(call, "appointment_booked")
    assert await life.stands("phantom_booking", f"call:{call}", episode=3) == ended


async def test_rows_that_all_come_again_by_a_snapshot_tell_nothing(told: Told) -> None:
    life, before, rows = told.life, await told.life.told(), len(told.pairs)
    shown = await life.snapshot_rows()
    await life.stop_connectors()
    await life.lose_feed()
    life.start_connectors()

    async def came_again() -> bool:
        return await life.snapshot_rows() >= shown + rows

    await until(came_again, 60)
    await life.gap_is_over()
    await life.settled()
    assert await life.told() == before


async def test_of_a_backlog_only_the_true_fault_is_told_and_once(told: Told) -> None:
    life, before = told.life, await told.life.told()
    await life.worker.stop()
    pairs = [await life.written(life.booked(tenant)) for tenant in TENANTS for _ in range(4)]
    pairs = [await life.moved(pair) for pair in pairs]
    stray = life.booked("7")
    pairs = [await life.moved(pair) for pair in pairs]
    for pair in pairs[::2]:
        await life.cancelled(pair)
    await delivered(life)
    life.work()
    await life.stands("orphaned_calcom", f"booking:{stray.uid}")
    await life.settled()
    after = await life.told()
    assert {one: shown for one, shown in after.items() if one in before} == before
    [new] = [shown for one, shown in after.items() if one not in before]
    assert new == Shown("orphaned_calcom", f"booking:{stray.uid}", "open", 1, None, 1)


def unversioned(told: dict[str, Shown]) -> dict[str, Shown]:
    return {one: shown._replace(version=0) for one, shown in told.items()}


def over(told: dict[str, Shown]) -> dict[str, Shown]:
    return {one: shown for one, shown in told.items() if shown.status == "resolved"}


async def delivered(life: LossyLife) -> None:
    """Cal.com has no webhook left to deliver."""
    await until(lambda: all(one.status is not None for one in life.calcom.deliveries.log))
