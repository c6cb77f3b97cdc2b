"""Slack by slack-sdk: an incoming webhook, or a bot with its channel. One message in, one outcome out."""

from typing import Any, Protocol

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from connectors.notify.channel import Delivered, Outcome, Refused, TryLater
from streams.alerts.notice import Reason
from streams.settings_notices import SlackSettings

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


class SlackChannel(Protocol):
    """Slack, either way."""

    name: str

    async def send(self, text: str) -> Outcome:
        """Say it once. Never raises for what the other end does."""

    async def close(self) -> None:
        """Let go of connections."""


def slack_channel(settings: SlackSettings, *, base_url: str | None = None) -> SlackChannel | None:
    """The channel that is configured; None is silence. `base_url` replaces Slack's API for a bot, in tests."""
    if settings.bot_token is not None and settings.channel:
        return SlackBot(settings.bot_token.get_secret_value(), settings.channel, base_url=base_url)
    if settings.webhook_url is not None:
        return SlackWebhook(settings.webhook_url.get_secret_value())
    return None


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

    name = "slack"

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = _Session()

    async def send(self, text: str) -> Outcome:
        """Post one message."""
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

    name = "slack"

    def __init__(self, token: str, channel: str, *, base_url: str | None = None) -> None:
        self._token = token
        self._channel = channel
        self._base_url = base_url or AsyncWebClient.BASE_URL
        self._session = _Session()

    async def send(self, text: str) -> Outcome:
        """Post one message into the channel."""
        client = AsyncWebClient(
            self._token,
            base_url=self._base_url,
            timeout=SEND_SECONDS_MAX,
            session=self._session.get(),
            retry_handlers=[],
        )
        try:
            await client.chat_postMessage(channel=self._channel, text=text, unfurl_links=False)
        except SlackApiError as error:
            answer = error.response
            word = answer.get("error") if isinstance(answer.data, dict) else None
            return _outcome(answer.status_code, answer.headers, word or str(answer.data))
        except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError) as error:
            return _unreachable(error)
        return Delivered()

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


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
