"""Socket Mode: presses come through a websocket that Plumbline opens, where Slack cannot reach it.

Any number of processes may listen: Slack gives each press to one of them. slack-sdk's client connects again by itself,
also when Slack asks for it every few hours.
"""

import asyncio
import logging
from contextlib import suppress

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from connectors.slack_presses import Presses
from streams.settings_notices import SlackSettings

logger = logging.getLogger(__name__)

CALL_SECONDS_MAX = 10
#: Between pings, and before the next try to connect.
PING_SECONDS = 5.0
#: How often it is looked whether the socket is open, to say so when that changes.
LOOK_SECONDS = 5.0
CLOSE_SECONDS_MAX = 3.0


def hears_through_socket(settings: SlackSettings) -> bool:
    """Whether a socket is to be opened: there is a bot that shows buttons, and a token to listen by."""
    return settings.bot_token is not None and settings.app_token is not None


async def listen_to_slack(settings: SlackSettings, presses: Presses, *, ping_seconds: float = PING_SECONDS) -> None:
    """Hear presses until cancelled. `slack.app_token` must be set."""
    assert settings.app_token is not None
    token = settings.app_token.get_secret_value()
    client = SocketModeClient(
        app_token=token,
        web_client=AsyncWebClient(base_url=f"{settings.api_url}/", timeout=CALL_SECONDS_MAX, logger=_silent()),
        # Its own lines name the socket's address, which is a secret, and tell every try to connect with a traceback.
        logger=_silent(),
        ping_interval=ping_seconds,
    )

    async def hear(socket: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        if request.type == "interactive":
            await presses.hear(request.payload)
        await socket.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client.socket_mode_request_listeners.append(hear)
    connecting = asyncio.create_task(client.connect(), name="slack-connect")  # type: ignore[no-untyped-call]  # slack-sdk's
    try:
        await _watch(client)
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await client.close()  # type: ignore[no-untyped-call]  # slack-sdk's


async def _watch(client: SocketModeClient) -> None:
    """Say when the socket opens, and when there is none."""
    was_open: bool | None = None
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        is_open = await client.is_connected()
        if is_open and not was_open:
            logger.info("buttons in Slack are heard through a socket")
        if not is_open and was_open is not False:
            logger.warning("there is no socket to Slack: buttons are not heard; it is tried again and again")
        was_open = is_open


def _silent() -> logging.Logger:
    return logging.Logger("slack-socket", level=logging.CRITICAL + 1)
