"""What Cal.com's rate headers say. Pure.

The names carry a suffix ("Default", "Short"); several limits may be told at once, and the tightest counts.
Reset is seconds left, though some say Unix time (calcom.md §4, "Rate limit").
"""

from collections.abc import Mapping

import msgspec

_REMAINING = "x-ratelimit-remaining"
_RESET = "x-ratelimit-reset"
_LIMIT = "x-ratelimit-limit"
#: A reset above this is an instant, not a duration.
EPOCH_SECONDS_MIN = 1e9
#: Cal.com's window, and its block after too many requests.
WINDOW_SECONDS = 60.0


class RateNotice(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests the server still takes, of how many, and for how many seconds that holds."""

    remaining: int
    limit: int | None
    reset_seconds: float


def rate_notice(headers: Mapping[str, str], now_epoch: float) -> RateNotice | None:
    """The tightest of the told limits; None where none is told. `now_epoch` in seconds since 1970."""
    lowered = {name.lower(): value for name, value in headers.items()}
    notices = []
    for name, value in lowered.items():
        suffix = _suffix(name)
        remaining = _number(value)
        if suffix is None or remaining is None:
            continue
        limit = _number(lowered.get(_LIMIT + suffix, ""))
        notices.append(
            RateNotice(
                remaining=max(0, int(remaining)),
                limit=None if limit is None else int(limit),
                reset_seconds=_reset_seconds(lowered.get(_RESET + suffix, ""), now_epoch),
            )
        )
    return min(notices, key=lambda notice: (notice.remaining, -notice.reset_seconds), default=None)


def _suffix(name: str) -> str | None:
    """ "-default" of "x-ratelimit-remaining-default", "" of the bare name, None of another header."""
    if not name.startswith(_REMAINING):
        return None
    suffix = name[len(_REMAINING) :]
    return suffix if not suffix or suffix.startswith("-") else None


def _reset_seconds(value: str, now_epoch: float) -> float:
    told = _number(value)
    if told is None:
        return WINDOW_SECONDS
    left = told - now_epoch if told > EPOCH_SECONDS_MIN else told
    # A clock that is off must not block us for hours.
    return min(max(left, 0.0), WINDOW_SECONDS)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number == number and abs(number) < float("inf") else None
