"""Every way to people that is configured, by the names that routes use."""

from connectors.notify.channel import Channel
from connectors.notify.slack import slack_channels
from streams.settings import Settings


def channels_of(settings: Settings) -> tuple[Channel, ...]:
    """One channel each, names unique; none is silence. No connection is made yet."""
    return (*slack_channels(settings),)
