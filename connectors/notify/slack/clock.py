"""This machine's time, for what people read."""

import time

from streams.model.ids import Instant


def now() -> Instant:
    """Milliseconds since 1970."""
    return Instant(int(time.time() * 1000))
