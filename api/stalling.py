"""Cuts a connection whose other end takes nothing: uvicorn itself would keep it, and its buffer, for ever."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol


class StallGuarded(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; what cannot be written for so long ends the connection."""

    #: From the moment that the write buffer is full until enough of it went out.
    STALLED_SECONDS_MAX: ClassVar[float] = 60.0

    _cut: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The buffer is full."""
        super().pause_writing()
        self._cut = self.loop.call_later(self.STALLED_SECONDS_MAX, self.transport.abort)

    def resume_writing(self) -> None:
        """The other end took something."""
        super().resume_writing()
        self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
