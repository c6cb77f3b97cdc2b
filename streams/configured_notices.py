"""What the pure decisions about notices need of the settings."""

from zoneinfo import ZoneInfo

from streams.notices.planning import Policy
from streams.notices.routing import Hours, Route
from streams.settings import Settings
from streams.settings_notices import EVERY_DAY, RouteSettings

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


def notice_policy(settings: Settings) -> Policy:
    """Routes, labels and times as configured."""
    labels = {tenant.id: tenant.labels for tenant in settings.tenants}
    return Policy(
        routes=tuple(_route(route) for route in settings.routes),
        labels_of=lambda tenant: labels.get(tenant, {}),
        accounts_of=lambda tenant: frozenset(account.name for account in settings.accounts_of(tenant)),
        repeat_ms=round(settings.notices.repeat_hours * _HOUR_MS),
        escalate_after_ms=round(settings.notices.escalate_after_minutes * _MINUTE_MS),
        escalate_to=frozenset(settings.notices.escalate_to),
        digest_hours=settings.mail.digest_hours or 24,
    )


def _route(route: RouteSettings) -> Route:
    return Route(
        channels=frozenset(route.channels),
        tenants=frozenset(route.tenants),
        severities=frozenset(route.severities),
        rules=frozenset(route.rules),
        labels=route.labels,
        hours=_hours(route),
        go_on=route.go_on,
    )


def _hours(route: RouteSettings) -> Hours | None:
    if route.hours_from is None and set(route.days) == set(EVERY_DAY):
        return None
    return Hours(
        from_minute=_minute(route.hours_from or "00:00"),
        to_minute=_minute(route.hours_to or "00:00"),
        days=frozenset(EVERY_DAY.index(day) for day in route.days),
        zone=ZoneInfo(route.timezone),
    )


def _minute(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)
