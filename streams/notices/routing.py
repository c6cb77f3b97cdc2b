"""Which channels an alert is led to: the first route that fits decides, unless it says `go_on`.

Without routes every channel hears of everything, and `mail-now` of what is critical.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from enum import StrEnum

import msgspec

from streams.alerts.alert import Alert
from streams.model.ids import Instant
from streams.model.rule import Rule, Severity

#: Mail at once: without routes for critical alerts alone, since the digest tells of the others.
MAIL_NOW = "mail-now"
_MINUTES_A_DAY = 24 * 60


class Led(StrEnum):
    """Whether a route leads an alert to a channel."""

    NOW = "now"
    LATER = "later"  # its hours have not begun
    NOT = "not"


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """A span of the day in a zone, by minutes after midnight; it may end on the next day. `days`: 0 is Monday.

    The days are those on which the span begins. From and to the same minute is the whole day.
    """

    from_minute: int = 0
    to_minute: int = 0
    days: frozenset[int] = frozenset(range(7))
    zone: tzinfo

    def contain(self, now: Instant) -> bool:
        """Whether it is within the span."""
        local = datetime.fromtimestamp(now / 1000, self.zone)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        length = (self.to_minute - self.from_minute) % _MINUTES_A_DAY or _MINUTES_A_DAY
        begun_today = 0 <= minute - self.from_minute < length and today in self.days
        begun_yesterday = minute + _MINUTES_A_DAY - self.from_minute < length and (today - 1) % 7 in self.days
        return begun_today or begun_yesterday


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Empty matchers fit everything. `hours` None is always."""

    channels: frozenset[str]
    tenants: frozenset[str] = frozenset()
    severities: frozenset[Severity] = frozenset()
    rules: frozenset[Rule] = frozenset()
    labels: dict[str, str] = {}
    hours: Hours | None = None
    go_on: bool = False

    def fits(self, alert: Alert, labels: Mapping[str, str]) -> bool:
        """Whether an alert, of a tenant with these labels, is this route's."""
        return (
            (not self.tenants or alert.tenant in self.tenants)
            and (not self.severities or alert.severity in self.severities)
            and (not self.rules or alert.rule in self.rules)
            and all(labels.get(name) == value for name, value in self.labels.items())
        )


def led_to(channel: str, alert: Alert, labels: Mapping[str, str], routes: Sequence[Route], now: Instant) -> Led:
    """Whether the routes lead this alert to the channel now."""
    if not routes:
        return Led.NOW if channel != MAIL_NOW or alert.severity is Severity.CRITICAL else Led.NOT
    led = Led.NOT
    for route in routes:
        if not route.fits(alert, labels):
            continue
        if channel in route.channels:
            if route.hours is None or route.hours.contain(now):
                return Led.NOW
            led = Led.LATER
        if not route.go_on:
            break
    return led
