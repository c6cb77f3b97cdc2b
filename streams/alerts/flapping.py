"""Whether a fault comes and goes: it is one alert with a count (`episode`), and need not be told each time.

RETURNS_TO_FLAP returns within WINDOW_MS begin it; REST_MS without coming or going end it. All instants are event
times, so the answer is the same in whatever order the findings arrived.
"""

from streams.alerts.alert import Ledger
from streams.model.ids import Instant, parse_iso

RETURNS_TO_FLAP = 3
WINDOW_MS = 60 * 60_000
REST_MS = 10 * 60_000
#: Of each alert, in its ledger.
RETURNS_KEPT = 8


def is_flapping(ledger: Ledger, now: Instant) -> bool:
    """Whether the fault came back so often of late that one more return is no news."""
    until = flapping_until(ledger)
    return until is not None and now < until


def flapping_until(ledger: Ledger) -> Instant | None:
    """When it has rested, if nothing moves any more; None where it does not come and go."""
    returns = [at for _, at in ledger.returns]
    if not returns or sum(returns[-1] - at <= WINDOW_MS for at in returns) < RETURNS_TO_FLAP:
        return None
    last, ended = returns[-1], parse_iso(ledger.resolved_at)
    # Its end is a movement too, unless it had stood still before.
    moved = ended if ended is not None and last < ended <= last + REST_MS else last
    return Instant(moved + REST_MS)


def with_return(returns: tuple[tuple[int, int], ...], episode: int, at: int) -> tuple[tuple[int, int], ...]:
    """The last RETURNS_KEPT returns with this one; the first episode is none. Any order gives the same."""
    if episode <= 1:
        return returns
    known = dict(returns)
    known[episode] = min(at, known.get(episode, at))
    return tuple(sorted(known.items())[-RETURNS_KEPT:])
