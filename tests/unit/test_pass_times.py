"""When passes are due: window before full, what a stop skipped at once, never the same time twice."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from connectors.pass_times import (
    FULL_TO,
    PASS_AGE_MAX,
    Kind,
    Pass,
    Timetable,
    database_timetable_of,
    due,
    may_go_on,
    slot_at,
    span_at,
    timetable_of,
)
from streams.settings import Settings

TABLE = Timetable(
    window_every=timedelta(hours=6), full_at=time(3, 30), back=timedelta(days=30), ahead=timedelta(days=90)
)


def at(clock: str, day: int = 29) -> datetime:
    """On a day of March 2026; on the 29th clocks go forward in Berlin at 01:00 UTC."""
    return datetime.combine(date(2026, 3, day), time.fromisoformat(clock), UTC)


def made(kind: Kind, begun: datetime, ended: datetime | None = None, flaw: str | None = None) -> Pass:
    return Pass(unit="harbor", kind=kind, begun_at=begun, starts_from=begun, starts_to=begun, ended_at=ended, flaw=flaw)


def both(window_ended: datetime, full_ended: datetime) -> dict[Kind, Pass]:
    minute = timedelta(minutes=1)
    return {
        "window": made("window", window_ended - minute, window_ended),
        "full": made("full", full_ended - minute, full_ended),
    }


@pytest.mark.parametrize(
    ("kind", "now", "slot"),
    [
        ("window", at("05:59"), at("00:00")),
        ("window", at("06:00"), at("06:00")),
        ("full", at("03:29"), at("03:30", day=28)),
        ("full", at("03:30"), at("03:30")),  # a day of 23 hours in Berlin has its full pass all the same
    ],
)
def test_the_timetable_is_in_utc(kind: Kind, now: datetime, slot: datetime) -> None:
    assert slot_at(kind, now, TABLE) == slot


def test_at_first_the_window_goes_before_the_full_pass() -> None:
    assert due({}, at("12:00"), TABLE) == "window"
    assert due({"window": made("window", at("12:00"), at("12:01"))}, at("12:02"), TABLE) == "full"
    assert due(both(at("12:01"), at("12:10")), at("12:11"), TABLE) is None


def test_after_a_long_stop_both_are_made_up_for_the_window_first() -> None:
    before = both(at("18:00", day=20), at("03:40", day=20))
    assert due(before, at("12:00"), TABLE) == "window"
    assert due({**before, "window": made("window", at("12:00"), at("12:01"))}, at("12:02"), TABLE) == "full"


def test_a_time_that_falls_into_a_pass_is_that_passes() -> None:
    long = {**both(at("06:30"), at("03:40")), "window": made("window", at("05:50"), at("06:30"))}
    assert due(long, at("06:31"), TABLE) is None
    assert due(long, at("12:00"), TABLE) == "window"


def test_windows_that_are_always_due_do_not_put_off_the_full_pass() -> None:
    table = Timetable(window_every=timedelta(seconds=36), full_at=time(3, 30), back=TABLE.back, ahead=TABLE.ahead)
    assert due(both(at("03:31"), at("03:40", day=28)), at("03:35"), table) == "full"


def test_an_unfinished_pass_goes_on_where_it_stands() -> None:
    under_way = made("window", at("06:00"))
    assert due({"window": under_way}, at("06:10"), TABLE) == "window"
    assert may_go_on(under_way, at("06:10"))


def test_what_began_too_long_ago_is_begun_anew() -> None:
    assert not may_go_on(made("full", at("03:30")), at("03:31") + PASS_AGE_MAX)


def test_a_pass_that_proved_nothing_is_tried_again_at_its_next_time() -> None:
    flawed = {**both(at("06:01"), at("03:40")), "window": made("window", at("06:00"), at("06:01"), "a filter")}
    assert not flawed["window"].complete
    assert due(flawed, at("06:02"), TABLE) is None
    assert due(flawed, at("12:00"), TABLE) == "window"


def test_a_wish_is_met_at_once_by_a_window_begun_after_it() -> None:
    wished = at("08:00")
    assert due(both(at("07:00"), at("03:40")), at("08:01"), TABLE, wished) == "window"
    assert due(both(at("08:05"), at("03:40")), at("08:06"), TABLE, wished) is None
    begun_before = made("window", at("07:59"))
    assert not may_go_on(begun_before, at("08:01"), wished)
    assert due({"window": begun_before}, at("08:01"), TABLE, wished) == "window"


def test_a_window_has_an_end_and_a_full_pass_none() -> None:
    now = at("12:00")
    assert span_at("window", now, TABLE) == (now - timedelta(days=30), now + timedelta(days=90))
    assert span_at("full", now, TABLE) == (now - timedelta(days=30), FULL_TO)


def test_a_polled_database_is_swept_every_ten_minutes_for_its_deletes() -> None:
    settings = Settings.model_validate({"source": {"mode": "poll"}})
    assert database_timetable_of(settings).window_every == timedelta(minutes=10)
    assert timetable_of(settings).window_every == timedelta(hours=6)
    assert database_timetable_of(Settings()).window_every == timedelta(hours=6)
