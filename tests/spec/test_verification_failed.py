"""verification_failed: a suspicion that could not be checked; three unusable answers, and a person must look."""

from tests.words import World


def refused() -> World:
    """A row names a booking, and Cal.com answers 401 for it."""
    world = World()
    world.writes("17", booking="gone1")
    world.calcom_says = "unusable"
    return world


def test_it_is_told_after_three_unusable_answers_a_minute_and_five_apart() -> None:
    """S1: 60, then 300 s between the tries of one case."""
    world = refused().until(390)
    assert world.told() == ["opened verification_failed appointment 17"]
    assert 360 <= world.told_at("verification_failed") <= 375


def test_it_names_the_rule_and_says_that_nothing_is_verified() -> None:
    finding = refused().until(390).finding("verification_failed")
    assert finding.verification.state == "unverified"
    assert finding.verification.attempts == 3
    assert "orphaned_local could not be checked" in finding.evidence[0].what


def test_the_quota_is_spared_between_the_tries() -> None:
    world = refused().until(390)
    assert len(world.asked) <= 4


def test_unavailable_is_no_attempt_however_long() -> None:
    world = refused()
    world.calcom_says = "unavailable"
    assert world.until(900).told() == []


def test_one_usable_answer_begins_the_count_anew() -> None:
    world = refused().until(100)
    world.calcom_says = None
    world.booking("gone1")
    world.until(500)
    world.calcom_says = "unusable"
    assert world.until(560).told() == []


def test_the_suspicion_speaks_for_itself_once_it_can_be_checked() -> None:
    """The fourth try comes 15 minutes after the third."""
    world = refused().until(390)
    world.calcom_says = None
    world.until(1400)
    assert world.told() == [
        "opened verification_failed appointment 17",
        "resolved verification_failed appointment 17 (recovered)",
        "opened orphaned_local appointment 17",
    ]


def test_it_ends_when_the_suspicion_does() -> None:
    world = refused().until(390)
    world.deletes("17")
    world.until(400)
    assert world.told()[1:] == ["resolved verification_failed appointment 17 (recovered)"]


def test_one_that_could_not_be_checked_silences_nothing() -> None:
    """Design §5: a higher rule silences the lower only as long as it is being checked."""
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="4fQx")
    world.calcom_says = "unusable"
    world.until(400)
    assert sorted(world.told()) == ["opened verification_failed booking 4fQx", "opened verification_failed call 5"]


def test_an_answer_of_the_database_counts_alike() -> None:
    world = World()
    world.rows_say = "unusable"
    world.calls("5", direction="")
    world.until(390)
    assert world.told() == ["opened verification_failed call 5"]
