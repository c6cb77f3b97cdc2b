"""A question of the worker is answered from Cal.com: at once, once a booking, and never with more than is known."""

import time
from collections.abc import AsyncIterator

import pytest

from connectors.stack.stack import LocalStack
from connectors.world.knobs import changed
from streams.model.ids import iso
from streams.topics import Topic
from tests.integration.connecting import DAY, HOUR, Site, about, about_numeric, site
from tests.integration.waiting import until

pytestmark = pytest.mark.stack
PERSONAL = ("mail.example", "Birrell", "attendee", "title", "metadata")
#: Woken by the question: without that the queue is looked at every 5 s. How fast exactly is the bench's to say.
ANSWER_SECONDS_MAX = 1.0


@pytest.fixture(scope="module")
async def here(stack: LocalStack) -> AsyncIterator[Site]:
    async with site(stack, prepare=_one_each, requests_per_minute=500) as made:
        await made.backfilled()
        yield made


def _one_each(made: Site) -> None:
    """So that the back-fill learns whose event types are whose."""
    for account in ("harbor", "quay", "pier"):
        made.book(account)


def turn(here: Site, **knobs: object) -> None:
    here.calcom.knobs = changed(here.calcom.knobs, knobs)


async def test_a_booking_is_found_without_anything_personal(here: Site) -> None:
    booking = here.book()
    question = about(booking.uid, "found-1")
    await here.ask(question)
    key, read = await here.read_of("found-1")
    assert (key, read.result, read.uid, read.account, read.http_status) == ("1", "found", booking.uid, "harbor", 200)
    assert read.asked_at == question.asked_at
    assert read.booking is not None
    assert read.booking["start"] == iso(booking.start)
    assert not [word for word in PERSONAL if word in str(read.booking)]


async def test_a_booking_that_is_not_there_is_missing(here: Site) -> None:
    await here.ask(about("4fQzzzzzzzzzzzzzzzzzzz", "missing-1"))
    _, read = await here.read_of("missing-1")
    assert (read.result, read.http_status, read.booking) == ("missing", 404, None)


async def test_an_idle_verifier_answers_at_once(here: Site) -> None:
    await here.queue_is_empty()
    seconds = []
    for number in range(10):
        booking = here.book()
        began = time.perf_counter()
        await here.ask(about(booking.uid, f"quick-{number}"))
        await here.read_of(f"quick-{number}")
        seconds.append(time.perf_counter() - began)
    assert sorted(seconds)[5] < ANSWER_SECONDS_MAX, seconds


async def test_one_read_answers_everybody_who_waits_for_that_booking(here: Site) -> None:
    booking = here.book()
    turn(here, outage=True)
    questions = [about(booking.uid, f"shared-{number}") for number in range(3)]
    await here.ask(*questions)
    await here.read_of("shared-2", "unavailable")
    # What is under way meanwhile is answered apart: all three must wait again.
    put_off = "SELECT count(*) FROM verification_queue WHERE request_id LIKE 'shared-%' AND not_before IS NOT NULL"
    await until(lambda: _is(here, put_off, len(questions)))
    turn(here, outage=False)
    _, read = await here.read_of("shared-0", "found")
    assert set(read.request_ids) == {"shared-0", "shared-1", "shared-2"}
    assert read.asked_at == max(question.asked_at for question in questions)


async def test_while_calcom_is_down_the_question_waits_and_is_answered_after_it_returns(here: Site) -> None:
    booking = here.book()
    turn(here, outage=True)
    await here.ask(about(booking.uid, "patient"))
    _, read = await here.read_of("patient", "unavailable")
    assert read.booking is None
    state = "SELECT state FROM circuit_breaker_states WHERE circuit_key = 'calcom:harbor'"
    await until(lambda: _is(here, state, "open"))
    turn(here, outage=False)
    _, read = await here.read_of("patient", "found")
    assert read.uid == booking.uid
    await until(lambda: _is(here, state, "closed"))
    await here.queue_is_empty()


async def _is(here: Site, sql: str, value: object) -> bool:
    return await here.store.fetchval(sql) == value


async def test_a_numeric_id_is_found_by_lists_and_told_by_its_uid(here: Site) -> None:
    booking = here.book(starts_in=3 * DAY, ago=2 * DAY)
    await here.ask(about_numeric(booking, "numeric-1"))
    _, read = await here.read_of("numeric-1")
    assert (read.result, read.uid) == ("found", booking.uid)
    assert read.booking is not None
    assert read.booking["id"] == booking.id


async def test_a_numeric_id_in_no_list_is_missing(here: Site) -> None:
    booking = here.book()
    await here.ask(about_numeric(booking, "numeric-2", 17))
    _, read = await here.read_of("numeric-2")
    assert (read.result, read.uid) == ("missing", "17")


async def test_a_numeric_id_without_its_times_is_never_missing(here: Site) -> None:
    await here.ask(about("17", "numeric-3"))
    _, read = await here.read_of("numeric-3")
    assert (read.result, read.uid) == ("unusable", "17")


async def test_a_tenant_with_two_accounts_is_asked_at_both(here: Site) -> None:
    booking = here.book("pier")
    await here.ask(about(booking.uid, "both-1", tenant="2"), about("4fQnowherenowherenowhe", "both-2", tenant="2"))
    _, read = await here.read_of("both-1")
    assert (read.result, read.account) == ("found", "pier")
    assert (await here.read_of("both-2"))[1].result == "missing"


async def test_nothing_is_told_of_another_tenants_booking(here: Site) -> None:
    seen = here.book("quay", ago=HOUR)
    await here.ask(about_numeric(seen, "not-mine"), about(seen.uid, "elsewhere-1"))
    # The list shows only one's own, so the number is in none; by uid Cal.com answers anybody.
    assert (await here.read_of("not-mine"))[1].result == "missing"
    _, read = await here.read_of("elsewhere-1")
    assert (read.result, read.booking) == ("elsewhere", None)


async def test_a_tenant_without_an_account_is_told_that_nobody_can_be_asked(here: Site) -> None:
    await here.ask(about("4fQaaaaaaaaaaaaaaaaaaa", "nobody", tenant="77"))
    key, read = await here.read_of("nobody")
    assert (key, read.result) == ("77", "unusable")


async def test_many_questions_are_answered_by_list_pages(here: Site) -> None:
    bookings = [here.book(starts_in=DAY + HOUR * number) for number in range(40)]
    turn(here, outage=True)
    for number, booking in enumerate(bookings):
        await here.ask(about(booking.uid, f"many-{number}", matters_at=iso(booking.start)))
    await here.read_of("many-39", "unavailable")
    before = here.calcom.requests["harbor"]
    turn(here, outage=False)
    for number, booking in enumerate(bookings):
        _, read = await here.read_of(f"many-{number}", "found")
        assert read.uid == booking.uid
    assert here.calcom.requests["harbor"] - before < len(bookings) / 2


async def test_what_is_no_question_is_a_dead_letter(here: Site) -> None:
    await here.send(Topic.VERIFICATIONS, "1", b"{not json")
    booking = here.book()
    await here.ask(about(booking.uid, "after-garbage"))
    assert (await here.read_of("after-garbage"))[1].result == "found"


async def test_an_outage_stands_in_the_ledger_of_failed_syncs_until_cal_com_answers_again(here: Site) -> None:
    turn(here, outage=True)
    await here.ask(about(here.book().uid, "ledger-1"))
    await here.read_of("ledger-1", "unavailable")
    harbors = "SELECT count(*) FROM calcom_sync_failures WHERE account = 'harbor' AND failure_type = 'network_timeout'"
    await until(lambda: here.store.fetchval(f"{harbors} AND resolution_status = 'pending'"))
    turn(here, outage=False)
    await here.read_of("ledger-1", "found")
    await until(lambda: _is(here, f"SELECT 0 = ({harbors} AND resolution_status = 'pending')", True))
    assert await here.store.fetchval(f"{harbors} AND resolved_at IS NOT NULL") > 0
