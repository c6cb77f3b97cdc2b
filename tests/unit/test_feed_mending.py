"""What is done about a feed that lost something: when a back-fill begins, is worth nothing, and ends the gap."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from connectors.source.feed_mending import FeedMending
from connectors.source.feed_state import GIB, FeedMemory, Gap
from connectors.source.slot import Slot
from tests.integration.waiting import until
from tests.unit.test_feed_state import SLOT

GAP = FeedMemory(lived=True, gap=Gap(since=1, signs=("the replication slot is gone",)))
LIVED = FeedMemory(lived=True)


class Fill:
    """A back-fill that ends when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        await self.may_end.wait()


class Replacement:
    """Stands for Connect and the slot."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.may_end = asyncio.Event()

    async def run(self) -> None:
        self.did.append("replace")
        await self.may_end.wait()


class Yard:
    """A feed that is mended, second by second."""

    def __init__(self) -> None:
        self.fill = Fill()
        self.replacement = Replacement()
        self.memory = GAP
        self.mending = FeedMending(
            backfill=self.fill,
            replacement=self.replacement,  # type: ignore[arg-type] # stands for it
            retained_bytes_max=10 * GIB,
        )

    async def step(self, slot: Slot | None = SLOT, *, live_again: bool = True) -> str | None:
        self.memory, ended = await self.mending.step(self.memory, slot, live_again=live_again)
        return ended


@pytest.fixture
async def yard() -> AsyncIterator[Yard]:
    made = Yard()
    yield made
    await made.mending.close()


async def test_a_gap_waits_for_the_feed_before_it_is_filled(yard: Yard) -> None:
    await yard.step(live_again=False)
    assert not yard.mending.is_filling
    await yard.step()
    await until(lambda: yard.fill.begun == 1)


async def test_it_ends_with_the_back_fill(yard: Yard) -> None:
    assert await yard.step() is None
    assert await yard.step() is None
    assert yard.memory.gap is not None
    yard.fill.may_end.set()
    assert await until(yard.step) == "the feed is live, back-filled in 0 s"
    assert yard.memory.gap is None
    assert yard.fill.begun == 1


async def test_a_loss_while_it_is_filled_begins_the_filling_anew(yard: Yard) -> None:
    await yard.step()
    await until(lambda: yard.fill.begun == 1)
    await yard.step(live_again=False)
    yard.fill.may_end.set()
    await yard.step(live_again=False)
    assert yard.memory.gap is not None
    await until(yard.step)
    assert yard.fill.begun == 2


async def test_without_a_gap_nothing_is_filled(yard: Yard) -> None:
    yard.memory = LIVED
    await yard.step()
    assert not yard.mending.is_filling


@pytest.mark.parametrize(
    ("slot", "given_up"),
    [
        (SLOT, False),
        (msgspec.structs.replace(SLOT, retained_bytes=10 * GIB - 1), False),
        (msgspec.structs.replace(SLOT, retained_bytes=10 * GIB), True),
        (msgspec.structs.replace(SLOT, wal_status="lost"), True),
        (None, False),
    ],
)
async def test_which_slot_is_given_up(yard: Yard, slot: Slot | None, given_up: bool) -> None:
    yard.memory = LIVED
    await yard.step(slot)
    await asyncio.sleep(0)
    assert yard.replacement.did == (["replace"] if given_up else [])


async def test_people_are_told_that_we_gave_it_up_until_the_gap_is_filled(yard: Yard) -> None:
    await yard.step(msgspec.structs.replace(SLOT, retained_bytes=10 * GIB), live_again=False)
    assert yard.mending.gave_up == (
        "we gave our slot up: it holds 10.0 GB of the database's log back, source.max_retained_wal is reached"
    )
    yard.fill.may_end.set()
    await until(yard.step)
    assert yard.mending.gave_up is None


async def test_it_is_given_up_once(yard: Yard) -> None:
    lost = msgspec.structs.replace(SLOT, wal_status="lost")
    yard.memory = LIVED
    await yard.step(lost)
    await yard.step(lost)
    yard.replacement.may_end.set()
    for _ in range(3):
        await yard.step(lost)
        await asyncio.sleep(0)
    assert yard.replacement.did == ["replace"]
