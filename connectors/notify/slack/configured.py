"""Which channels of Slack are configured."""

from connectors.notify.audience import audience_of
from connectors.notify.channel import Channel
from connectors.notify.slack.bot import SlackBot
from connectors.notify.slack.webhook import SlackWebhook
from streams.settings import Settings

NAME = "slack"


def slack_channels(settings: Settings) -> tuple[Channel, ...]:
    """`slack`, and with a bot each `slack:#channel` that routes or escalation name; none is silence."""
    audience, slack = audience_of(settings), settings.slack
    if slack.bot_token is not None:
        token = slack.bot_token.get_secret_value()
        # Without somebody to hear it, a button would only say that something went wrong.
        heard = slack.signing_secret is not None or slack.app_token is not None
        return tuple(
            SlackBot(name, token, place, audience, slack.api_url, buttons=heard)
            for name, place in bots_places(settings).items()
        )
    if slack.webhook_url is not None:
        return (SlackWebhook(slack.webhook_url.get_secret_value(), audience),)
    return ()


def bots_places(settings: Settings) -> dict[str, str]:
    """Where a bot speaks: Slack's channel by our name of it; empty without a bot."""
    slack = settings.slack
    if slack.bot_token is None or not slack.channel:
        return {}
    named = {name for route in settings.routes for name in route.channels} | set(settings.notices.escalate_to)
    others = sorted(name for name in named if name.startswith(f"{NAME}:"))
    return {NAME: slack.channel} | {name: name.removeprefix(f"{NAME}:") for name in others}
