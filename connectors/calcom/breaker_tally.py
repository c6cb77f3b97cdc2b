"""What a breaker has done so far, for the metrics of S4 §5. Pure; kept with the breaker's state, so it only grows."""

from bisect import bisect_left

import msgspec

#: Upper bounds of the histogram of recovery times; behind the last one is everything longer.
RECOVERY_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


class BreakerTally(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the account was first configured.

    `opens`: times it left closed. `fast_fails`: calls refused because it was open. `recoveries`: how many fell into
    each bucket of RECOVERY_SECONDS, and behind the last.
    """

    opens: int = 0
    state_changes: int = 0
    fast_fails: int = 0
    recoveries: tuple[int, ...] = (0,) * (len(RECOVERY_SECONDS) + 1)
    recovery_seconds: float = 0.0


def counted(tally: BreakerTally, before: str, after: str, open_seconds: float) -> BreakerTally:
    """The tally after the breaker went from one state to another; `open_seconds` since it last left closed."""
    if before == after:
        return tally
    tally = msgspec.structs.replace(tally, state_changes=tally.state_changes + 1)
    if before == "closed":
        return msgspec.structs.replace(tally, opens=tally.opens + 1)
    return _recovered(tally, open_seconds) if after == "closed" else tally


def fast_failed(tally: BreakerTally, calls: int) -> BreakerTally:
    """The tally after so many calls were refused."""
    return msgspec.structs.replace(tally, fast_fails=tally.fast_fails + calls)


def _recovered(tally: BreakerTally, seconds: float) -> BreakerTally:
    bucket = bisect_left(RECOVERY_SECONDS, seconds)
    recoveries = tuple(count + (number == bucket) for number, count in enumerate(tally.recoveries))
    return msgspec.structs.replace(tally, recoveries=recoveries, recovery_seconds=tally.recovery_seconds + seconds)
