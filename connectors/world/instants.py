"""Instants as whole milliseconds since 1970 (UTC), and the ways in which Cal.com writes them (calcom.md §1.4)."""

import time
from datetime import UTC, datetime

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def now() -> int:
    """The world's clock."""
    return time.time_ns() // 1_000_000


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def with_millis(at: int) -> str:
    """`2026-03-02T09:30:00.000Z`: the API, and webhooks after a confirmation or a rejection."""
    return moment(at).isoformat(timespec="milliseconds")[:-6] + "Z"


def with_seconds(at: int) -> str:
    """`2026-03-02T09:30:00Z`: older webhooks of a new booking."""
    return moment(at).isoformat(timespec="seconds")[:-6] + "Z"


def with_offset(at: int) -> str:
    """`2026-03-02T09:30:00+00:00`: older cancellations."""
    return moment(at).isoformat(timespec="seconds")


def parse(text: str) -> int:
    """An instant from ISO 8601; without an offset UTC is meant, as in Cal.com. Raises ValueError."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        read = read.replace(tzinfo=UTC)
    return round(read.timestamp() * 1000)
