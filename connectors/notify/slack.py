"""Slack by slack-sdk: an incoming webhook, or a bot with its channel. One message in, one outcome out."""

import time
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from connectors.notify.audience import Audience, audience_of
from connectors.notify.channel import Channel, Delivered, Outcome, Pace, Refused, Telling, TryLater
from connectors.notify.message import telling_text
from streams.alerts.notice import NoticeKind, Reason
from streams.model.ids import Instant
from streams.settings import Settings

NAME = "slack"
SEND_SECONDS_MAX = 10
#: Where Slack says 429 without how long.
RATE_LIMIT_SECONDS = 30.0
#: A wrong token or address: people must mend it, so asking often is of no use.
MISCONFIGURED_SECONDS = 60.0

#: Slack's errors about one message; every other one is about us or about Slack, and passes.
_ABOUT_THE_MESSAGE = frozenset(
    {
        "invalid_payload",
        "invalid_blocks",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
        "invalid_arguments",
    }
)
_ABOUT_SLACK = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})


def slack_channels(settings: Settings) -> tuple[Channel, ...]:
    """`slack`, and with a bot each `slack:#channel` that routes or escalation name; none is silence."""
    audience, slack = audience_of(settings), settings.slack
    if slack.bot_token is not None and slack.channel:
        token, places = slack.bot_token.get_secret_value(), {NAME: slack.channel}
        routed = {name for route in settings.routes for name in route.channels} | set(settings.notices.escalate_to)
        places |= {name: name.removeprefix(f"{NAME}:") for name in sorted(routed) if name.startswith(f"{NAME}:")}
        return tuple(SlackBot(name, token, place, audience, slack.api_url) for name, place in places.items())
    if slack.webhook_url is not None:
        return (SlackWebhook(slack.webhook_url.get_secret_value(), audience),)
    return ()


class _Session:
    """One HTTP session, made when first used: aiohttp binds it to the running loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def get(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SEND_SECONDS_MAX))
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class SlackWebhook:
    """An incoming webhook: says, and never edits."""

    name = NAME
    pace: Pace = "grouped"
    kinds = frozenset(NoticeKind) - {NoticeKind.CHANGED}

    def __init__(self, url: str, audience: Audience) -> None:
        self._url = url
        self._audience = audience
        self._session = _Session()

    async def tell(self, telling: Telling) -> Outcome:
        """Post one message."""
        text = telling_text(telling, self._audience, _now())
        client = AsyncWebhookClient(self._url, timeout=SEND_SECONDS_MAX, session=self._session.get(), retry_handlers=[])
        try:
            answer = await client.send(text=text)
        except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError) as error:
            return _unreachable(error)
        return _outcome(answer.status_code, answer.headers, answer.body.strip())

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


class SlackBot:
    """`chat.postMessage` with a bot token."""

    pace: Pace = "grouped"
    kinds = frozenset(NoticeKind) - {NoticeKind.CHANGED}

    def __init__(self, name: str, token: str, channel: str, audience: Audience, api_url: str) -> None:
        self.name = name
        self._token = token
        self._channel = channel
        self._audience = audience
        self._base_url = f"{api_url}/"
        self._session = _Session()

    async def tell(self, telling: Telling) -> Outcome:
        """Post one message into the channel."""
        text = telling_text(telling, self._audience, _now())
        client = AsyncWebClient(
            self._token,
            base_url=self._base_url,
            timeout=SEND_SECONDS_MAX,
            session=self._session.get(),
            retry_handlers=[],
        )
        try:
            said = await client.chat_postMessage(channel=self._channel, text=text, unfurl_links=False)
        except SlackApiError as error:
            answer = error.response
            word = answer.get("error") if isinstance(answer.data, dict) else None
            return _outcome(answer.status_code, answer.headers, word or str(answer.data))
        except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError) as error:
            return _unreachable(error)
        return Delivered(f"{said['channel']}/{said['ts']}")

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


def _now() -> Instant:
    return Instant(int(time.time() * 1000))


def _outcome(status: int, headers: Any, word: str) -> Outcome:
    if status == 200 and word in ("ok", ""):
        return Delivered()
    detail = f"{status} {word[:200]}"
    if status == 429 or word in ("ratelimited", "rate_limited"):
        return TryLater(Reason.RATE_LIMITED, _retry_after(headers), detail)
    if status >= 500 or word in _ABOUT_SLACK:
        return TryLater(Reason.UNREACHABLE, None, detail)
    if status == 413 or word in _ABOUT_THE_MESSAGE:
        return Refused(detail)
    return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, detail)


def _retry_after(headers: Any) -> float:
    given = {str(name).lower(): value for name, value in dict(headers).items()}.get("retry-after")
    try:
        return max(0.0, float(str(given[0] if isinstance(given, list) else given)))
    except ValueError:
        return RATE_LIMIT_SECONDS


def _unreachable(error: Exception) -> TryLater:
    return TryLater(Reason.UNREACHABLE, None, f"{type(error).__name__}: {error}")
