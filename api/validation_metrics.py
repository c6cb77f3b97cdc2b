"""Figures of validations, by the names of S4 §5; of this process alone, as every counter is."""

import time
from collections import deque

from prometheus_client import Counter, Gauge, Histogram

from streams.validation_words import Validation

#: The success rate is that of so many seconds back, of so many validations at most.
RATE_SECONDS = 900.0
RATE_VALIDATIONS_MAX = 10_000

FAILURES = Counter("appointment_validation_failure", "Calls and appointments that were not whole.", ["type"])
UNREAD = Counter("appointment_validation_unread", "Validations whose rows could not be read in time.")
SECONDS = Histogram(
    "appointment_validation_duration_seconds",
    "From the question to the answer.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.0),
)
SUCCESS_RATE = Gauge(
    "appointment_validation_success_rate",
    "Share of validations that found all whole, of the last 15 minutes; NaN where there were none.",
)

_recent: deque[tuple[float, bool]] = deque(maxlen=RATE_VALIDATIONS_MAX)


def validated(validation: Validation, seconds: float) -> None:
    """Count one answer."""
    SECONDS.observe(seconds)
    if validation.reason is not None:
        FAILURES.labels(validation.reason.value).inc()
    _recent.append((time.monotonic(), validation.success))


def _success_rate() -> float:
    since = time.monotonic() - RATE_SECONDS
    while _recent and _recent[0][0] < since:
        _recent.popleft()
    return sum(success for _, success in _recent) / len(_recent) if _recent else float("nan")


SUCCESS_RATE.set_function(_success_rate)
