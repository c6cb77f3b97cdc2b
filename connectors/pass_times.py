"""When passes over a side are due, and what they span. Pure.

A pass lists a side completely. A window pass comes every few hours, a full pass once a day; whichever time fell into a
stop is made up for at once, the window first.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Literal

import msgspec

from streams.settings import Settings

Kind = Literal["window", "full"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
#: A full pass has no end; records need one.
FULL_TO = datetime(9999, 12, 31, tzinfo=UTC)
#: At least as far back as the first poll's back-fill.
FULL_BACK_MIN = timedelta(days=30)
#: With `source.mode = "poll"` only a pass finds what was deleted.
POLLED_DELETES_WITHIN = timedelta(minutes=10)
#: An unfinished pass of this age is begun anew: what its first pages showed proves too little by then.
PASS_AGE_MAX = timedelta(hours=6)


class Timetable(msgspec.Struct, frozen=True, kw_only=True):
    """What `[sweeps]` says. Times of day are UTC: no clock change skips or doubles one."""

    window_every: timedelta
    full_at: time
    back: timedelta
    ahead: timedelta


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """The newest pass of a kind over a unit, by the store's clock.

    `position` is where the next page begins, None at the start. `flaw` says why the pass proves no absence.
    `ended_at` is None while it is under way.
    """

    unit: str
    kind: Kind
    begun_at: datetime
    starts_from: datetime
    starts_to: datetime
    position: bytes | None = None
    pages: int = 0
    rows: int = 0
    flaw: str | None = None
    ended_at: datetime | None = None

    @property
    def complete(self) -> bool:
        """Whether everything in its span was shown."""
        return self.ended_at is not None and self.flaw is None


def timetable_of(settings: Settings) -> Timetable:
    """The timetable of Cal.com's passes, and of the database's where change events tell of deletes."""
    sweeps = settings.sweeps
    return Timetable(
        window_every=timedelta(hours=sweeps.window_hours),
        full_at=time.fromisoformat(sweeps.full_at),
        back=timedelta(days=sweeps.back_days),
        ahead=timedelta(days=sweeps.ahead_days),
    )


def database_timetable_of(settings: Settings) -> Timetable:
    """The timetable of the database's passes: where it is polled, deletes are found by them alone."""
    timetable = timetable_of(settings)
    if settings.source.mode != "poll":
        return timetable
    return msgspec.structs.replace(timetable, window_every=min(timetable.window_every, POLLED_DELETES_WITHIN))


def slot_at(kind: Kind, now: datetime, timetable: Timetable) -> datetime:
    """The newest time of the timetable that is not in the future."""
    if kind == "window":
        return now - (now - _EPOCH) % timetable.window_every
    today = datetime.combine(now.astimezone(UTC).date(), timetable.full_at, UTC)
    return today if today <= now else today - _DAY


def span_at(kind: Kind, now: datetime, timetable: Timetable) -> tuple[datetime, datetime]:
    """Which starts a pass that begins now must show."""
    if kind == "window":
        return now - timetable.back, now + timetable.ahead
    return now - max(timetable.back, FULL_BACK_MIN), FULL_TO


def due(
    passes: Mapping[Kind, Pass], now: datetime, timetable: Timetable, requested_at: datetime | None = None
) -> Kind | None:
    """Which pass must be made now, None if none. `requested_at`: somebody wants a window pass begun after that.

    The window goes first, but only once while a full pass waits: else short windows would put it off for ever.
    """
    window, full = passes.get("window"), passes.get("full")
    full_slot = slot_at("full", now, timetable)
    full_due = _is_due(full, full_slot)
    if window is not None and window.ended_at is not None and _is_wanted(window, requested_at):
        return "window"
    if _is_due(window, slot_at("window", now, timetable)):
        went_first = window is not None and window.ended_at is not None and window.ended_at >= full_slot
        return "full" if full_due and went_first else "window"
    return "full" if full_due else None


def may_go_on(found: Pass | None, now: datetime, requested_at: datetime | None = None) -> bool:
    """Whether this unfinished pass is continued where it stands."""
    if found is None or found.ended_at is not None or now - found.begun_at > PASS_AGE_MAX:
        return False
    return found.kind == "full" or not _is_wanted(found, requested_at)


def _is_due(newest: Pass | None, slot: datetime) -> bool:
    # A time that falls into a pass is that pass's: it is not started twice.
    return newest is None or newest.ended_at is None or newest.ended_at < slot


def _is_wanted(newest: Pass, requested_at: datetime | None) -> bool:
    return requested_at is not None and newest.begun_at < requested_at
