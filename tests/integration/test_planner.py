"""The reads of Cal.com are planned: the near before the far, lists where they are cheaper, never over the quota."""

import time
from datetime import timedelta

import msgspec
import pytest

from connectors.calcom.quota import Priority
from connectors.stack.stack import LocalStack
from streams.model.ids import iso
from streams.model.records import NumericQuestion
from tests.integration.connecting import DAY, HOUR, asked_now
from tests.integration.planning import HARBOR, Office, about, after, office
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

STORM = 10_000
MINUTE = timedelta(minutes=1)
#: Of a critical question in a storm: its own read, behind those under way.
TURN_SECONDS_MAX = 3.0


def uid(name: str, number: int) -> str:
    return f"4fQ{name}{number:012}"


def never_refused(here: Office) -> bool:
    return 429 not in {read.http_status for _, read in here.reads}


async def test_ten_thousand_suspicions_are_answered_by_lists_and_hold_up_no_critical_one(stack: LocalStack) -> None:
    async with office(stack, 240) as here:
        far = [here.book(2 * DAY + number * 40 * MINUTE) for number in range(STORM)]
        near = here.book(HOUR)
        await here.ask(*(about(booking.uid, booking.start) for booking in far))
        async with here.reading() as (_, [lane]):
            await until(lambda: len(here.reads) > 100, 60)
            asked = time.monotonic()
            await here.ask(about(near.uid, near.start))
            lane.wake()
            assert await here.answered(f"r-{near.uid}") - asked < TURN_SECONDS_MAX
            await until(lambda: len(here.reads) == STORM + 1, 120)
        assert {read.result for _, read in here.reads} == {"found"}
        assert here.requests < STORM / 50
        assert never_refused(here)


async def test_where_lists_do_not_help_the_last_quarter_is_left_to_the_critical(stack: LocalStack) -> None:
    async with office(stack, 60) as here:
        await here.ask(*(about(uid("far", number), None) for number in range(STORM)))
        async with here.reading() as (accounts, [lane]):
            await until(lambda: here.requests == 45)
            await here.ask(*(about(uid("near", number), after(HOUR + (20 - number) * MINUTE)) for number in range(20)))
            asked = time.monotonic()
            lane.wake()
            # The nearest was asked last.
            assert await here.answered(f"r-{uid('near', 19)}") - asked < TURN_SECONDS_MAX
            await until(lambda: here.requests == 60)
            assert accounts.clients["harbor"].transport.quota.wait_seconds(Priority.URGENT) > 30
        urgent = {read.uid for _, read in here.reads if "near" in read.uid}
        assert urgent <= {uid("near", number) for number in range(5, 20)}
        assert len(urgent) >= 10  # the others are under way, or were a list page
        assert here.requests == 60
        assert never_refused(here)


async def test_a_process_that_starts_again_within_the_minute_goes_on_counting(stack: LocalStack) -> None:
    async with office(stack, 20) as here:
        async with here.reading() as (accounts, _):
            for number in range(8):
                await accounts.clients["harbor"].booking(uid("gone", number), Priority.URGENT)
        await here.ask(*(about(uid("gone", number), after(number * MINUTE)) for number in range(100)))
        async with here.reading():
            await until(lambda: here.requests == 20)
        async with here.reading() as (accounts, _):
            quota = accounts.clients["harbor"].transport.quota
            assert quota.left_share() == 0
            assert quota.wait_seconds(Priority.URGENT) > 30
        assert here.requests == 20
        assert never_refused(here)


async def test_two_accounts_with_one_key_share_its_quota_and_its_queue(stack: LocalStack) -> None:
    accounts = [
        {"name": "harbor", "tenant": "1", "api_key": HARBOR.api_key},
        {"name": "mole", "tenant": "2", "api_key": HARBOR.api_key},
        {"name": "quay", "tenant": "3", "api_key": "cal_live_quay"},
    ]
    async with office(stack, 60, accounts=accounts) as here, here.reading() as (opened, lanes):
        harbor, mole, quay = (opened.clients[name].transport.quota for name in ("harbor", "mole", "quay"))
        assert harbor is mole
        assert harbor is not quay
        assert {frozenset({"1", "2"}), frozenset({"3"})} <= {
            frozenset(tenant for tenant in lane.tenants if "~" not in tenant) for lane in lanes
        }


async def test_numeric_ids_are_looked_for_together(stack: LocalStack) -> None:
    async with office(stack, 60) as here:
        booked = [here.book(2 * DAY + number * HOUR) for number in range(12)]
        known = [(booking.id, booking.start, booking.created_at) for booking in booked]
        unknown = [(17 + number, start, made) for number, (_, start, made) in enumerate(known)]
        questions = [
            NumericQuestion(
                request_id=f"n-{numeric_id}", tenant="1", asked_at=asked_now(), purpose="proof",
                numeric_id=str(numeric_id), starts_at=iso(start), created_at=iso(made),
            )
            for numeric_id, start, made in known + unknown
        ]  # fmt: skip
        await here.ask(*questions)
        async with here.reading():
            await until(lambda: len(here.reads) == len(questions))
        results = {read.request_ids[0]: (read.result, read.uid) for _, read in here.reads}
        assert {results[f"n-{one.id}"] for one in booked} == {("found", one.uid) for one in booked}
        assert {results[f"n-{numeric_id}"] for numeric_id, _, _ in unknown} == {
            ("missing", str(numeric_id)) for numeric_id, _, _ in unknown
        }
        # One pass by start and one by making, not two for each.
        assert here.requests == 2


async def test_the_turn_is_read_from_indexes_however_many_wait_or_are_put_off(stack: LocalStack) -> None:
    async with office(stack, 60) as here:
        await here.pool.execute(
            "INSERT INTO verification_queue (request_id, tenant, subject, priority, matters_at, question, not_before)"
            " SELECT 'r' || n, (n % 5)::text, 'booking:' || n, (ARRAY[0, 2, 3])[n % 3 + 1],"
            "        CASE WHEN n % 7 > 0 THEN now() + make_interval(mins => n - 5000) END, $1,"
            "        CASE WHEN n % 2 = 0 THEN now() + interval '1 min' END"
            " FROM generate_series(1, 50000) AS n",
            msgspec.json.encode(about(uid("any", 0), None)).decode(),
        )
        before = await _scans(here)
        tenants = ["0", "1", "2"]
        assert len(await here.queue.waiting(tenants, ["r1", "r3"], 500)) == 500
        assert await here.queue.waiting(tenants, [], 500, urgent_only=True)
        await here.queue.come_due(tenants)
        assert (await here.queue.next_in_seconds(tenants) or 0) > 30
        await here.queue.postpone(["r5", "r7"])
        await here.queue.answered(["r9", "r11"])
        await until(lambda: _more_by_index(here, before["idx_scan"]))
        assert (await _scans(here))["seq_scan"] == before["seq_scan"]


async def _scans(here: Office) -> dict[str, int]:
    row = await here.pool.fetchrow(
        "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'verification_queue'"
    )
    return dict(row)


async def _more_by_index(here: Office, before: int) -> bool:
    return (await _scans(here))["idx_scan"] >= before + 6
