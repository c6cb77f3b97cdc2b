"""From a finding to every channel at once: mail, PagerDuty, Alertmanager and a webhook, each in its own form."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from connectors.notify.channels import channels_of
from connectors.notify.dispatch import Dispatcher
from connectors.stack.stack import LocalStack
from connectors.store.notices import StoredNotices
from connectors.store.relay import Relay
from connectors.world.serving import serving
from streams.alerts.actions import Acknowledge
from streams.configured_notices import notice_policy
from streams.settings import Settings
from tests.alert_words import finding
from tests.certificates import Certificate, certificate
from tests.integration.alerting import Ground, new_ground, running
from tests.integration.waiting import until
from tests.mail_receiver import PASSWORD, USER, receiving_mail
from tests.notice_receivers import ROUTING_KEY, AlertmanagerReceiver, PagerDutyReceiver, WebhookReceiver

pytestmark = pytest.mark.stack

SECRET = f"whsec_{b64encode(b'k' * 32).decode()}"


class Outside:
    """Everybody who is told."""

    def __init__(self) -> None:
        self.pagerduty = PagerDutyReceiver()
        self.alertmanager = AlertmanagerReceiver()
        self.webhook = WebhookReceiver(SECRET)

    @asynccontextmanager
    async def open(self, own: Certificate) -> AsyncIterator[dict[str, Any]]:
        """The sections of the settings that lead to them."""
        async with AsyncExitStack() as servers:
            self.mail = await servers.enter_async_context(receiving_mail(starttls=own.context, login=True))
            pager, manager, hook = [
                await servers.enter_async_context(serving(one.app()))
                for one in (self.pagerduty, self.alertmanager, self.webhook)
            ]
            mail = {"host": "localhost", "port": self.mail.port, "ca_file": str(own.ca_file), "immediate": True}
            login = {"username": USER.decode(), "password": PASSWORD.decode(), "recipients": ["ops@example.com"]}
            yield {
                "mail": mail | login,
                "pagerduty": {"routing_key": ROUTING_KEY, "url": pager},
                "alertmanager": {"url": manager},
                "webhooks": [{"name": "crm", "url": f"{hook}/hook", "secret": SECRET, "allow_private": True}],
            }

    def heard(self) -> dict[str, Any]:
        """What each has understood so far."""
        return {
            "mail": [str(mail.message["Subject"])[:1] for mail in self.mail.mails],
            "pagerduty": list(self.pagerduty.incidents.values()),
            "alertmanager": len(self.alertmanager.firing()),
            "webhook": [body["type"] for body in self.webhook.bodies],
        }


@pytest.fixture
async def ground(stack: LocalStack) -> AsyncIterator[Ground]:
    async with new_ground(stack) as made:
        yield made


async def test_each_channel_follows_an_alert_in_its_own_way(ground: Ground, tmp_path: Path) -> None:
    outside = Outside()
    # One that fails holds up no other, and is told when it is back.
    outside.pagerduty.answers += [Response(status_code=500), Response(status_code=429, headers={"Retry-After": "1"})]
    async with outside.open(certificate(tmp_path)) as sections:
        settings = Settings.model_validate(sections)
        dispatcher = Dispatcher(
            ground.settings, StoredNotices(ground.database, notice_policy(settings)), channels_of(settings)
        )
        opened = finding("opened", 1)
        async with running(Relay(ground.settings, ground.dsn).run, dispatcher.run):
            await ground.store.apply([opened])
            told = {"mail": ["🔴"], "pagerduty": ["triggered"], "alertmanager": 1, "webhook": ["alert.opened"]}
            await until(lambda: outside.heard() == told)
            await ground.store.act(opened.alert_id, Acknowledge(), actor="ana", tenants=None, versions=None)
            told |= {"pagerduty": ["acknowledged"], "webhook": ["alert.opened", "alert.changed"]}
            await until(lambda: outside.heard() == told)
            await ground.store.apply([finding("resolved", 9, proved=1)])
            told |= {"mail": ["🔴", "✅"], "pagerduty": ["resolved"], "alertmanager": 0}
            told |= {"webhook": ["alert.opened", "alert.changed", "alert.resolved"]}
            await until(lambda: outside.heard() == told)
    rows = await ground.query("SELECT DISTINCT channel, state FROM notices WHERE channel <> 'mail'")
    assert {(row["channel"], row["state"]) for row in rows} == {
        (channel, "sent") for channel in ("mail-now", "pagerduty", "alertmanager", "webhook:crm")
    }
