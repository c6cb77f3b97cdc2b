"""Every way to people that is configured, by the names that routes use."""

from connectors.notify.alertmanager import alertmanager_channels
from connectors.notify.channel import Channel
from connectors.notify.mail.channel import mail_channels
from connectors.notify.pagerduty import pagerduty_channels
from connectors.notify.slack import slack_channels
from connectors.notify.webhook import webhook_channels
from streams.settings import Settings


def channels_of(settings: Settings) -> tuple[Channel, ...]:
    """One channel each, names unique; none is silence. No connection is made yet."""
    return (
        *slack_channels(settings),
        *mail_channels(settings),
        *pagerduty_channels(settings),
        *alertmanager_channels(settings),
        *webhook_channels(settings),
    )
