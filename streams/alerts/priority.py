"""Priority: what starts soonest comes first, within a severity (design §5)."""

from streams.model.ids import Instant
from streams.model.rule import Severity

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

#: Priority of a fault whose appointment is far off, over, or unknown.
_AT_REST: dict[Severity, int] = {Severity.CRITICAL: 3, Severity.WARNING: 4, Severity.INFO: 5}


def priority(severity: Severity, starts_at: Instant | None, now: Instant) -> int:
    """1 (first) to 5: two steps up within an hour of the start, one step within a day."""
    at_rest = _AT_REST[severity]
    if starts_at is None or starts_at < now:
        return at_rest
    if starts_at - now <= HOUR_MS:
        return at_rest - 2
    if starts_at - now <= DAY_MS:
        return at_rest - 1
    return at_rest
