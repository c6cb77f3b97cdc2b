"""Settling: a webhook that no read has confirmed is settled by one read 3.5 s after it came (design §4a)."""

from streams.cases.advance import ASK_AGAIN_MS, FAR, Ask
from streams.facts.booking import needs_settling
from streams.facts.cause import Cause
from streams.rules.violation import ReadOf

#: When a webhook is settled, ms after it came.
SETTLE_MS = 3_500


def settle(cause: Cause, now: int) -> tuple[list[Ask], int]:
    """Reads that are due, and when to look again. A booking that is over needs none."""
    asks, wake_at = [], FAR
    for chain in cause.chains:
        for link in chain.links:
            told = needs_settling(link.facts)
            if told is None or (told.end is not None and told.end <= now):
                continue
            due = told.arrived + SETTLE_MS
            if now < due:
                wake_at = min(wake_at, due)
                continue
            asks.append(Ask(ReadOf(link.uid), "settle", f"settle|{told.body}", told.start))
            wake_at = min(wake_at, now + ASK_AGAIN_MS)
    return asks, wake_at
