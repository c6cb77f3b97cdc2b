"""How often to poll: seldom while the quota is low, often while it is free. Pure."""

#: Bounds of the interval, whatever is configured.
INTERVAL_SECONDS_MIN = 5.0
INTERVAL_SECONDS_MAX = 300.0
#: Of the configured interval: with a free quota, and with one that is nearly used up. A round costs two requests, so
#: little is saved by polling seldom, and what webhooks lost would be found late.
FACTOR_FREE, FACTOR_LOW = 0.5, 1.5
#: Shares of the quota that count as free and as low; between them the interval grows evenly.
SHARE_FREE, SHARE_LOW = 0.75, 0.25


def poll_interval_seconds(configured: float, left_share: float) -> float:
    """The pause until the next round. `left_share` of the quota is free, 0 to 1."""
    scarcity = (SHARE_FREE - left_share) / (SHARE_FREE - SHARE_LOW)
    factor = FACTOR_FREE + min(1.0, max(0.0, scarcity)) * (FACTOR_LOW - FACTOR_FREE)
    return min(INTERVAL_SECONDS_MAX, max(INTERVAL_SECONDS_MIN, configured * factor))
