"""Alertmanager as the place that groups, silences and tells: it is fed with what stands, by POST /api/v2/alerts.

Alertmanager forgets what is not repeated. So each standing alert is pushed every minute with an end some minutes
ahead, by whichever process leads (`keep_fed`); `tell` pushes a change at once, with the true end where it is over.
A feed that stops looks like recovery there: watch Plumbline itself by other means.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.notify.channel import Delivered, Outcome, Telling, TryLater
from connectors.notify.http_answers import HttpClient, deliver, outcome_of
from connectors.notify.pages import alert_page, pages_of
from connectors.notify.words import fit
from streams.alerts.alert import Alert, iso_text
from streams.alerts.notice import NoticeKind, Pace
from streams.model.ids import Instant, parse_iso
from streams.model.rule import AlertStatus
from streams.settings import Settings
from streams.settings_notices import LinkSettings

logger = logging.getLogger(__name__)

NAME = "alertmanager"
FEED_SECONDS = 60.0
#: How far ahead an end is set: three pushes may fail before Alertmanager takes an alert for over.
AHEAD_MS = 4 * 60_000
ALERTS_PER_PUSH_MAX = 200
#: Alertmanager keeps all of them in memory, and nobody reads more.
FED_MAX = 10_000
LABEL_CHARACTERS_MAX = 200
ANNOTATION_CHARACTERS_MAX = 1_000

#: What stands, in batches; each call reads anew. Raises ConnectionError when the store is away.
StandingAlerts = Callable[[], AsyncIterator[Sequence[Alert]]]

_STANDING = frozenset({AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED})


def alertmanager_channels(settings: Settings) -> tuple["Alertmanager", ...]:
    """`alertmanager`, where its address is configured."""
    url = settings.alertmanager.url
    return () if url is None else (Alertmanager(url, settings.links),)


class Alertmanager:
    """One Alertmanager."""

    name = NAME
    pace: Pace = "each"
    kinds = frozenset({NoticeKind.OPENED, NoticeKind.REOPENED, NoticeKind.CHANGED, NoticeKind.RESOLVED})

    def __init__(self, url: str, links: LinkSettings) -> None:
        self._url = f"{url}/api/v2/alerts"
        self._links = links
        self._http = HttpClient()

    async def tell(self, telling: Telling) -> Outcome:
        """Push a change at once."""
        return await self.push(telling.alerts)

    async def push(self, alerts: Sequence[Alert]) -> Outcome:
        """Push alerts as they are, at most ALERTS_PER_PUSH_MAX a request; a repeat changes nothing."""
        for first in range(0, len(alerts), ALERTS_PER_PUSH_MAX):
            outcome = await self._post(alerts[first : first + ALERTS_PER_PUSH_MAX])
            if not isinstance(outcome, Delivered):
                return outcome
        return Delivered()

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    async def _post(self, alerts: Sequence[Alert]) -> Outcome:
        now = Instant(int(time.time() * 1000))
        body = msgspec.json.encode([posted_alert(alert, self._links, now) for alert in alerts])
        client = self._http.get()
        request = client.build_request("POST", self._url, content=body, headers={"Content-Type": "application/json"})
        answer = await deliver(client, request)
        return answer if isinstance(answer, TryLater) else outcome_of(answer, datetime.now(UTC))


async def keep_fed(channel: Alertmanager, standing: StandingAlerts, *, interval_seconds: float = FEED_SECONDS) -> None:
    """Until cancelled: push everything that stands, every interval. What fails is pushed at the next one."""
    while True:
        began = time.monotonic()
        try:
            await _feed(channel, standing)
        except ConnectionError as away:
            logger.warning("alertmanager is not fed: %s", away)
        await asyncio.sleep(max(0.0, interval_seconds - (time.monotonic() - began)))


async def _feed(channel: Alertmanager, standing: StandingAlerts) -> None:
    pushed = 0
    async for alerts in standing():
        if pushed + len(alerts) > FED_MAX:
            logger.warning("alertmanager is fed with %d alerts; the others that stand are left out", pushed)
            return
        outcome = await channel.push(alerts)
        if not isinstance(outcome, Delivered):
            logger.warning("alertmanager is not fed: %s", outcome.detail)
            return
        pushed += len(alerts)


def posted_alert(alert: Alert, links: LinkSettings, now: Instant) -> dict[str, Any]:
    """An alert as Alertmanager takes it. What labels say names it there; what changes stands in annotations."""
    starts_at = min(parse_iso(alert.opened_at) or now, now)
    page = alert_page(links, alert.id)
    return {
        "labels": _bounded(
            {
                "alertname": alert.rule,
                "severity": alert.severity,
                "tenant": alert.tenant,
                "alert_id": alert.id,
                "subject_kind": alert.subject.kind,
            },
            LABEL_CHARACTERS_MAX,
        ),
        "annotations": _bounded(
            {
                "title": alert.title,
                "summary": alert.summary,
                "subject": f"{alert.subject.kind} {alert.subject.id}",
                "status": alert.status,
                "priority": str(alert.priority),
                "runbook_url": alert.runbook_url,
                **{name.lower().replace(" ", "_"): url for name, url in pages_of(alert)},
            },
            ANNOTATION_CHARACTERS_MAX,
        ),
        "startsAt": iso_text(Instant(starts_at)),
        "endsAt": iso_text(_ends_at(alert, Instant(starts_at), now)),
        **({"generatorURL": page} if page else {}),
    }


def _ends_at(alert: Alert, starts_at: Instant, now: Instant) -> Instant:
    """Ahead while it stands; for one that is over or snoozed its end, never before its start and never ahead."""
    if alert.status in _STANDING:
        return Instant(now + AHEAD_MS)
    return Instant(max(starts_at, min(parse_iso(alert.resolved_at) or now, now)))


def _bounded(texts: dict[str, str], characters_max: int) -> dict[str, str]:
    """Without those that say nothing: Alertmanager takes an empty label for none."""
    return {name: fit(str(text), characters_max) for name, text in texts.items() if text}
