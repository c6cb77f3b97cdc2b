"""Verdicts: whoever asks how a booking stands is answered for every booking that any side has named."""

from streams.model.records import Verdict
from tests.words import HOUR, World


def told(world: World, uid: str) -> list[str]:
    """What was said of a booking, in order."""
    return [f"{one.verdict} {one.reason}" for one in newest_first(world, uid)][::-1]


def newest_first(world: World, uid: str) -> list[Verdict]:
    return [verdict for _, verdict in reversed(world.verdicts) if uid in verdict.aliases]


def test_a_booking_that_only_a_webhook_named_is_unknown_until_it_is_read() -> None:
    world = World(answer_after=3_600)  # nobody answers
    world.booking("uidA", start=HOUR * 2)
    world.hears("BOOKING_CREATED", "uidA")
    world.writes("17", booking="uidA", start=HOUR * 2)
    world.until(2)
    assert told(world, "uidA") == ["unknown unread"]


def test_a_booking_that_only_a_row_names_is_unknown_too_be_the_row_active_or_not() -> None:
    world = World(answer_after=3_600)
    world.writes("17", booking="uidA", status="cancelled", start=HOUR * 2)
    world.calls("5", appointment_made=False, session_outcome="no_interest", booking_id="uidB")
    world.until(2)
    assert told(world, "uidA") == ["unknown unread"]
    assert told(world, "uidB") == ["unknown unread"]


def test_what_was_unread_agrees_once_both_sides_were_read() -> None:
    world = World()
    world.booking("uidA", start=HOUR * 2)
    world.hears("BOOKING_CREATED", "uidA")
    world.writes("17", booking="uidA", start=HOUR * 2)
    world.until(15)
    assert told(world, "uidA")[0] == "unknown unread"
    assert newest_first(world, "uidA")[0].verdict == "agree"


def test_an_older_link_and_the_numeric_id_are_names_of_the_booking() -> None:
    world = World()
    world.booking("uidA", start=HOUR * 2, id=901)
    world.hears("BOOKING_CREATED", "uidA")
    world.writes("17", booking="uidA", start=HOUR * 2)
    world.until(10)
    assert set(newest_first(world, "uidA")[0].aliases) == {"uidA", "901"}


def test_a_call_of_the_same_number_says_nothing_about_the_appointment() -> None:
    """Ids of calls and appointments are numbers of their own tables."""
    world = World()
    world.booking("uidA", start=HOUR * 2)
    world.hears("BOOKING_CREATED", "uidA")
    world.writes("17", booking="uidA", start=HOUR * 2, call="17")
    world.calls("17", booking_id="uidA", session_outcome="appointment_booked", appointment_made=False)
    world.until(30)
    assert world.told() == ["opened phantom_booking call 17"]
    assert newest_first(world, "uidA")[0].verdict == "agree"
