"""One request to Slack by slack-sdk, and its answer: over one HTTP session that is made when first used."""

from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from connectors.notify.slack.blocks import Said
from connectors.notify.slack.errors import Answer

SEND_SECONDS_MAX = 10

#: What sending raises when there is no answer.
NoAnswer = (aiohttp.ClientError, TimeoutError, OSError, SlackClientError)


class Session:
    """One HTTP session, made when first used: aiohttp binds it to the running loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def get(self) -> aiohttp.ClientSession:
        """The session, open."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SEND_SECONDS_MAX))
        return self._session

    async def close(self) -> None:
        """Let go of its connections."""
        if self._session is not None:
            await self._session.close()


def web_client(token: str, api_url: str, session: Session) -> AsyncWebClient:
    """Slack's Web API. It retries nothing by itself: the notification log says when again."""
    return AsyncWebClient(
        token, base_url=f"{api_url}/", timeout=SEND_SECONDS_MAX, session=session.get(), retry_handlers=[]
    )


async def call(client: AsyncWebClient, method: str, body: dict[str, Any]) -> tuple[Answer, dict[str, Any]]:
    """Call one method of the Web API: the answer, and its body where all is well. Raises NoAnswer."""
    try:
        said = await client.api_call(method, json=body)
    except SlackApiError as error:
        refused = error.response
        word = refused.get("error") if isinstance(refused.data, dict) else None
        return Answer(status=refused.status_code, word=word or str(refused.data), headers=_low(refused.headers)), {}
    data = said.data if isinstance(said.data, dict) else {}
    return Answer(status=said.status_code, word="ok", headers=_low(said.headers)), data


async def post_to(url: str, session: Session | None, said: Said, **more: Any) -> Answer:
    """Post to an incoming webhook or a `response_url`; None is a session for this once. Raises NoAnswer."""
    held = session.get() if session is not None else None
    client = AsyncWebhookClient(url, timeout=SEND_SECONDS_MAX, session=held, retry_handlers=[])
    blocks = list(said.blocks) or None
    answer = await client.send(text=said.text, blocks=blocks, unfurl_links=False, unfurl_media=False, **more)
    word = answer.body.strip()
    return Answer(status=answer.status_code, word="ok" if word in ("", "ok") else word, headers=_low(answer.headers))


def _low(headers: Any) -> dict[str, str]:
    return {
        str(name).lower(): str(value[0] if isinstance(value, list) else value) for name, value in dict(headers).items()
    }
