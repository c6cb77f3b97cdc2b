"""What the monitor asks: one watcher for one or several sources."""

from collections.abc import Sequence
from typing import Protocol

from streams.sources.report import SourceReport


class Watcher(Protocol):
    """Knows how its sources fare. Made anew whenever this process becomes the one that watches."""

    @property
    def sources(self) -> Sequence[str]:
        """The names of all sources that it may report of; each source has exactly one watcher."""

    async def report(self) -> Sequence[SourceReport]:
        """How they fare now, asked about once a second.

        A source that it cannot judge now (just started, or its own way there is broken) is left out: what was told
        of it stands, and after a minute it counts as stalled. Whatever it raises is logged and means the same.
        """

    async def close(self) -> None:
        """The watching is over: end what was begun."""
