"""The poll finds what webhooks lost: everything at first, then what changed, each version once."""

from collections.abc import AsyncIterator

import pytest

from connectors.stack.stack import LocalStack
from connectors.world.instants import now
from connectors.world.knobs import changed
from streams.model.records import BookingRead
from tests.integration.connecting import DAY, HOUR, Site, site
from tests.integration.waiting import until

pytestmark = pytest.mark.stack
BOOKINGS = 600  # more than two pages


def fill(made: Site) -> None:
    for number in range(BOOKINGS):
        # Many of one start: a page may end among them.
        made.book("harbor", starts_in=DAY + HOUR * (number // 100))
    made.book("harbor", starts_in=-20 * DAY)
    made.book("harbor", starts_in=500 * DAY)


@pytest.fixture(scope="module")
async def here(stack: LocalStack) -> AsyncIterator[Site]:
    async with site(stack, prepare=fill, poll_interval_seconds=5, requests_per_minute=500) as made:
        await made.backfilled()
        await made.swept()
        yield made


def reads_of(here: Site, uid: str) -> list[BookingRead]:
    return [read for _, read in here.booking_reads if read.uid == uid]


async def test_the_first_round_tells_everything_from_thirty_days_back_to_four_hundred_ahead(here: Site) -> None:
    def told() -> set[str]:
        return {read.uid for key, read in here.booking_reads if read.reason == "backfill" and key == "1"}

    await until(lambda: len(told()) >= BOOKINGS + 1)
    assert len(told()) == BOOKINGS + 1  # all but the one in 500 days
    assert all(read.asked_at is None and read.request_ids == () for _, read in here.booking_reads)


async def test_what_is_booked_and_cancelled_without_a_webhook_is_told_each_once(here: Site) -> None:
    booking = here.book(ago=0 * DAY)
    [made] = await until(lambda: reads_of(here, booking.uid))
    assert made.reason == "sweep"
    assert made.booking is not None
    assert made.booking["status"] == "accepted"
    here.calcom.bookings.cancel(booking.uid, None, "someone@mail.example", now())
    await until(lambda: len(reads_of(here, booking.uid)) == 2)
    cancelled = reads_of(here, booking.uid)[1].booking
    assert cancelled is not None
    assert cancelled["status"] == "cancelled"
    rounds = here.calcom.requests["harbor"]
    # Two more whole rounds, of two requests each, tell nothing again.
    await until(lambda: here.calcom.requests["harbor"] >= rounds + 4)
    assert len(reads_of(here, booking.uid)) == 2


async def test_what_changed_while_calcom_was_down_is_told_after_its_return(here: Site) -> None:
    here.calcom.knobs = changed(here.calcom.knobs, {"outage": True})
    booking = here.book(ago=0 * DAY)
    rounds = "SELECT count(*) FROM circuit_breaker_states WHERE state <> 'closed'"
    await until(lambda: here.store.fetchval(rounds))
    here.calcom.knobs = changed(here.calcom.knobs, {"outage": False})
    assert (await until(lambda: reads_of(here, booking.uid)))[0].result == "found"
