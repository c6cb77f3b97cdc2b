"""Settling: a webhook that no read has confirmed is settled by one read 3.5 s after it came (design §4a)."""

from streams.cases.step import ASK_AGAIN_MS, FAR, Ask
from streams.facts.booking import ABSENCE_GAP_MS, denied_at, needs_settling
from streams.facts.cause import Cause
from streams.model.facts import BookingFacts, Told
from streams.rules.violation import ReadOf

#: When a webhook is settled, ms after it came.
SETTLE_MS = 3_500
#: The longest pause before an unanswered one is asked again, ms. After an outage hundreds of thousands wait, and the
#: poll answers most of them: asking all again every 10 s would leave time for nothing else.
SETTLE_AGAIN_MS_MAX = 300_000


def settle(cause: Cause, now: int) -> tuple[list[Ask], int]:
    """Reads that are due, and when to look again. A booking that is over needs none."""
    asks, wake_at = [], FAR
    for chain in cause.chains:
        for link in chain.links:
            told = needs_settling(link.facts)
            if told is None or (told.end is not None and told.end <= now):
                continue
            due = _due(told, link.facts)
            if now < due:
                wake_at = min(wake_at, due)
                continue
            asks.append(Ask(ReadOf(link.uid), "settle", f"settle|{told.body}|{due}", told.start))
            wake_at = min(wake_at, now + min(max(ASK_AGAIN_MS, (now - told.arrived) // 2), SETTLE_AGAIN_MS_MAX))
    return asks, wake_at


def _due(told: Told, facts: BookingFacts) -> int:
    """The second look, where the first denies what the webhook claims."""
    denied = denied_at(told, facts)
    return told.arrived + SETTLE_MS if denied is None else denied + ABSENCE_GAP_MS
