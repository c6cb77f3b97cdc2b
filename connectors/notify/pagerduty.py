"""PagerDuty by its Events API v2: each alert is an incident of its own, and PagerDuty groups and repeats by itself.

    open                     trigger      (an open incident takes it as news, and calls nobody twice)
    acknowledged, snoozed    acknowledge
    resolved                 resolve

An incident is an episode of an alert: `dedup_key` is both, so that a repeat changes nothing and a return calls again.
"""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from connectors.notify.audience import Audience, audience_of
from connectors.notify.channel import Channel, Delivered, Outcome, Telling, TryLater
from connectors.notify.http_answers import (
    MISCONFIGURED_SECONDS,
    Answer,
    HttpClient,
    deliver,
    outcome_of,
)
from connectors.notify.pages import alert_page, pages_of
from connectors.notify.words import compared_fields, fit, headline, names_of, standing_text
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, Pace, Reason
from streams.model.rule import AlertStatus, Severity
from streams.settings import Settings
from streams.settings_notices import LinkSettings

NAME = "pagerduty"
#: PagerDuty's own bound.
SUMMARY_CHARACTERS_MAX = 1024

_ACTIONS: dict[AlertStatus, Literal["trigger", "acknowledge", "resolve"]] = {
    AlertStatus.OPEN: "trigger",
    AlertStatus.ACKNOWLEDGED: "acknowledge",
    AlertStatus.SNOOZED: "acknowledge",
    AlertStatus.RESOLVED: "resolve",
}
_SEVERITIES = {Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.INFO: "info"}


def pagerduty_channels(settings: Settings) -> tuple[Channel, ...]:
    """`pagerduty`, where a routing key is configured."""
    key = settings.pagerduty.routing_key
    if key is None:
        return ()
    return (PagerDuty(key.get_secret_value(), settings.pagerduty.url, settings.links, audience_of(settings)),)


class PagerDuty:
    """One service of PagerDuty, known by its routing key."""

    name = NAME
    pace: Pace = "each"
    kinds = frozenset(
        {NoticeKind.OPENED, NoticeKind.REOPENED, NoticeKind.CHANGED, NoticeKind.RESOLVED, NoticeKind.ESCALATED}
    )

    def __init__(self, routing_key: str, url: str, links: LinkSettings, audience: Audience) -> None:
        self._routing_key = routing_key
        self._url = f"{url}/v2/enqueue"
        self._links = links
        self._audience = audience
        self._http = HttpClient()

    async def tell(self, telling: Telling) -> Outcome:
        """One event an alert. Where PagerDuty stops taking them, all are sent again: repeats change nothing."""
        for alert in telling.alerts:
            outcome = await self._send(incident_event(alert, telling.kind, self._links, self._audience))
            if not isinstance(outcome, Delivered):
                return outcome
        return Delivered()

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    async def _send(self, event: dict[str, Any]) -> Outcome:
        body = msgspec.json.encode({"routing_key": self._routing_key, **event})
        client = self._http.get()
        request = client.build_request("POST", self._url, content=body, headers={"Content-Type": "application/json"})
        answer = await deliver(client, request)
        return answer if isinstance(answer, TryLater) else _judged(answer)


def incident_event(alert: Alert, kind: NoticeKind, links: LinkSettings, audience: Audience) -> dict[str, Any]:
    """An event of the Events API v2, without the routing key. Only what an alert carries: no personal data."""
    event: dict[str, Any] = {
        "event_action": _ACTIONS[alert.status],
        "dedup_key": f"{alert.id}:{alert.episode}",
    }
    if alert.status is not AlertStatus.OPEN:
        return event
    # Whoever is told because nobody looked after it is told loudly.
    severity = Severity.CRITICAL if kind is NoticeKind.ESCALATED else alert.severity
    where = audience.name_of(alert.tenant)
    page = alert_page(links, alert.id)
    return event | {
        "payload": {
            "summary": fit(f"{headline(alert)} ({where}, {names_of(alert)})", SUMMARY_CHARACTERS_MAX),
            "source": where,
            "severity": _SEVERITIES[severity],
            "timestamp": alert.opened_at,
            "component": f"{alert.subject.kind} {alert.subject.id}",
            "group": alert.tenant,
            "class": alert.rule,
            "custom_details": _details(alert, audience),
        },
        "links": [{"href": url, "text": text} for text, url in pages_of(alert)],
        "client": "Plumbline",
        **({"client_url": page} if page else {}),
    }


def _details(alert: Alert, audience: Audience) -> dict[str, Any]:
    compared = compared_fields(alert, audience)
    details: dict[str, Any] = {
        "summary": alert.summary,
        "priority": alert.priority,
        "standing": standing_text(alert, audience),
        "database": {field.field: field.local for field in compared if field.local is not None},
        "Cal.com": {field.field: field.calcom for field in compared if field.calcom is not None},
        "differs": ", ".join(field.field for field in compared if field.differs),
    }
    return {name: value for name, value in details.items() if value}


def _judged(answer: Answer) -> Outcome:
    """A key that PagerDuty does not know is 400 there, and about us rather than about the event."""
    words = answer.body.lower()
    if answer.status == 400 and ("routing_key" in words or "routing key" in words):
        return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, f"400 {answer.body[:200]}")
    return outcome_of(answer, datetime.now(UTC))
