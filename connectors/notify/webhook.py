"""Signed webhooks (Standard Webhooks): each change of an alert as JSON to a receiver of one's own.

The receiver sees what a key of one tenant may see: restricted evidence is left out. Where it may be is decided in
`ssrf.py`, anew for each request.
"""

import ssl
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from standardwebhooks import Webhook

from connectors.notify.channel import Channel, Outcome, Refused, Telling, TryLater
from connectors.notify.http_answers import (
    HEADERS,
    MISCONFIGURED_SECONDS,
    SEND_SECONDS_MAX,
    HttpClient,
    deliver,
    outcome_of,
    unreachable,
)
from connectors.notify.ssrf import Address, NotAllowed, checked_address
from streams.alerts.alert import for_tenants_own_eyes
from streams.alerts.notice import NoticeKind, Pace, Reason
from streams.settings import Settings
from streams.settings_notices import WebhookSettings

GONE = 410
#: A receiver that says it is gone for ever is believed for so long: a proxy on a bad day says so too.
GONE_SECONDS = 3600.0


def webhook_channels(settings: Settings) -> tuple[Channel, ...]:
    """`webhook:<name>` for each receiver."""
    return tuple(WebhookChannel(one) for one in settings.webhooks)


class WebhookChannel:
    """One receiver."""

    pace: Pace = "each"
    kinds = frozenset(NoticeKind)

    def __init__(self, settings: WebhookSettings) -> None:
        self.name = f"webhook:{settings.name}"
        self._url = httpx.URL(settings.url)
        self._allow_private = settings.allow_private
        self._signing = Webhook(settings.secret.get_secret_value())
        self._ca_file = settings.ca_file
        self._gone_until = 0.0
        self._http = HttpClient(self._opened)

    async def tell(self, telling: Telling) -> Outcome:
        """Post it once."""
        if time.monotonic() < self._gone_until:
            return Refused("410: the receiver said that it is gone")
        try:
            address = await checked_address(self._url, allow_private=self._allow_private)
        except NotAllowed as error:
            return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, str(error))
        except (OSError, TimeoutError, UnicodeError) as error:
            return unreachable(error)
        try:
            client = self._http.get()
        except OSError as error:
            return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, f"webhooks.ca_file cannot be used: {error}")
        answer = await deliver(client, self._request(client, telling, address))
        if isinstance(answer, TryLater):
            return answer
        if answer.status == GONE:
            self._gone_until = time.monotonic() + GONE_SECONDS
        return outcome_of(answer, datetime.now(UTC))

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    def _opened(self) -> httpx.AsyncClient:
        """Raises OSError for a CA file that is not there or holds no certificate."""
        return httpx.AsyncClient(
            verify=ssl.create_default_context(cafile=self._ca_file) if self._ca_file else True,
            timeout=SEND_SECONDS_MAX,
            # No proxy of the environment: it would resolve the name again. No kept connection: each is checked.
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers=HEADERS,
        )

    def _request(self, client: httpx.AsyncClient, telling: Telling, address: Address) -> httpx.Request:
        """To the checked address, under the receiver's own name: Host, SNI and certificate are as by name."""
        now = datetime.now(UTC)
        body = webhook_body(telling, now)
        return client.build_request(
            "POST",
            self._url.copy_with(host=str(address)),
            content=body,
            headers={
                "Host": self._url.netloc.decode("ascii"),
                "Content-Type": "application/json",
                "webhook-id": telling.key,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": self._signing.sign(telling.key, now, body.decode()),
            },
            extensions={"sni_hostname": self._url.raw_host.decode("ascii")},
        )


def webhook_body(telling: Telling, now: datetime) -> bytes:
    """`{"type": "alert.opened", "timestamp": …, "data": {…}}`; `now` dates what is about no single alert."""
    data: dict[str, Any] = {
        "alerts": [for_tenants_own_eyes(alert) for alert in telling.alerts],
        "total": telling.total,
        "by_rule": telling.by_rule,
        "common": telling.common,
    }
    latest = max((alert.updated_at for alert in telling.alerts), default=now.isoformat(timespec="milliseconds"))
    return msgspec.json.encode({"type": f"alert.{telling.kind}", "timestamp": latest, "data": data})
