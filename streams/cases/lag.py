"""How far behind Cal.com's reads run, measured per tenant (design §4a, "The lag wait is measured").

A sample: a read contradicted a webhook with a state from before it, and a later read confirms the webhook; it is that
first read's begin less the webhook's arrival. A state from after the webhook is news and no lag: a host who moves a
booking in place sends no webhook, and when he moves it back the old webhook seems to be confirmed.
"""

from collections import deque

from streams.facts.booking import agrees, newest_told
from streams.model.facts import BookingFacts, Read

SAMPLE_WINDOW_MS = 15 * 60_000
LAG_WAIT_MAX_MS = 15_000
_FACTOR = 1.5
_MARGIN_MS = 500
_SAMPLES_MAX = 1_000
#: The clocks of Cal.com's own hosts may differ by so much (design §4a).
HOSTS_APART_MS = 2_000


class LagMeter:
    """Samples of one tenant; kept in memory only: after a restart the least wait holds until the next sample."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=_SAMPLES_MAX)

    def observe(self, facts: BookingFacts, read: Read) -> None:
        """Take a sample, if this read confirms a webhook that an earlier read contradicted."""
        told = newest_told(facts)
        if told is None or not agrees(told, read):
            return
        for earlier in facts.reads:
            stale = earlier.updated_at <= told.created_at + HOSTS_APART_MS
            if told.arrived <= earlier.begun < read.begun and stale and not agrees(told, earlier):
                self._samples.append((read.answered, earlier.begun - told.arrived))
                return

    def wait_ms(self, least_ms: int, now: int) -> int:
        """max(least, 1.5 × the largest sample of the last 15 min + 0.5 s), at most 15 s."""
        while self._samples and self._samples[0][0] < now - SAMPLE_WINDOW_MS:
            self._samples.popleft()
        if not self._samples:
            return least_ms
        largest = max(sample for _, sample in self._samples)
        return min(max(least_ms, round(_FACTOR * largest) + _MARGIN_MS), LAG_WAIT_MAX_MS)
