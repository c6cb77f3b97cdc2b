"""The words in which tests of channels speak: what is told, of which alerts, to whom."""

from datetime import UTC, tzinfo
from typing import Any

from connectors.notify.audience import Audience
from connectors.notify.channel import Telling
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind


def audience(zone: tzinfo = UTC) -> Audience:
    """Tenants are called `company <id>`."""
    return Audience(name_of=lambda tenant: f"company {tenant}", zone_of=lambda _: zone)


def telling(kind: NoticeKind, *alerts: Alert, **more: Any) -> Telling:
    """A message about these; `more` are its other fields."""
    by_rule: dict[str, int] = {}
    for alert in alerts:
        by_rule[alert.rule] = by_rule.get(alert.rule, 0) + 1
    known = {"total": len(alerts), "by_rule": by_rule, "key": "notice-1"}
    return Telling(kind=kind, alerts=alerts, **(known | more))
