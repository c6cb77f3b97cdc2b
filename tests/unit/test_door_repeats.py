"""The memory of accepted bodies: ten minutes, bounded, and per account."""

from api.door.repeats import RecentBodies, body_key

KEY = body_key("harbor", b"body")


def test_a_body_is_a_repeat_for_ten_minutes_from_its_first_acceptance() -> None:
    recent = RecentBodies()
    recent.enter(KEY, now=0)
    recent.enter(KEY, now=500)
    assert recent.has(KEY, now=599)
    assert not recent.has(KEY, now=600)


def test_only_the_same_bytes_for_the_same_account_are_a_repeat() -> None:
    recent = RecentBodies()
    recent.enter(KEY, now=0)
    assert not recent.has(body_key("harbor", b"body "), now=1)
    assert not recent.has(body_key("quay", b"body"), now=1)


def test_memory_is_bounded_and_the_oldest_are_forgotten_first() -> None:
    recent = RecentBodies(entries_max=3)
    keys = [body_key("harbor", bytes([number])) for number in range(5)]
    for number, key in enumerate(keys):
        recent.enter(key, now=number)
    assert len(recent) == 3
    assert [recent.has(key, now=5) for key in keys] == [False, False, True, True, True]
