"""Connect's word about the connector, for people: told beside what was seen, and never trusted.

RUNNING is also said of a Debezium that died of too few connections (tried). A Connect that hangs must not delay the
word about the feed, so it is asked in the background.
"""

import asyncio

from connectors.source.errors import SourceError
from connectors.source.rest import ConnectorState, ConnectRest


class ConnectorLook:
    """Asks again whenever the last question is answered; closes its client."""

    def __init__(self, connect: ConnectRest, connector: str) -> None:
        self._connect = connect
        self._connector = connector
        self._word = "not asked yet"
        self._asking: asyncio.Task[str] | None = None

    def word(self) -> str:
        """The newest answer in a few words; it never waits."""
        if self._asking is not None and self._asking.done():
            self._word, self._asking = self._asking.result(), None
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="connector-look")
        return self._word

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._connect.close()

    async def _ask(self) -> str:
        try:
            return word_of(await self._connect.look(self._connector))
        except SourceError:
            return "no answer"


def word_of(state: ConnectorState | None) -> str:
    """How the connector fares, by Connect's word."""
    if state is None:
        return "not registered"
    if state.failure is not None:
        return "failed"
    return "running" if state.running else f"{state.connector.state.lower()}, no task runs"
