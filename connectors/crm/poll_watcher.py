"""The source `database` with `source.mode = "poll"`: live while rounds of the poll come to their end."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from streams.model.source_records import DATABASE
from streams.sources.report import SourceReport

#: As with change events (design §5): three rounds long nothing was heard.
STALLED_AFTER = timedelta(seconds=15)

_STANDING = """
SELECT min(polled_through) AS polled_through, clock_timestamp() - min(updated_at) AS age FROM row_poll_cursors
"""


class PollWatcher:
    """A watcher of the monitor's (connectors/coverage/watcher.py). `pool` is the store's."""

    sources: Sequence[str] = (DATABASE,)

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def report(self) -> Sequence[SourceReport]:
        """How the poll fares; nothing before its first round. Raises what the store raises."""
        row = await self._pool.fetchrow(_STANDING)
        if row["polled_through"] is None:
            return ()
        live = row["age"] <= STALLED_AFTER
        seconds = row["age"].total_seconds()
        return (
            SourceReport(
                source=DATABASE,
                word="live" if live else "stalled",
                why="it is polled" if live else f"no round of the poll came to its end for {seconds:.0f} s",
                heard_through=round(row["polled_through"].timestamp() * 1000),
            ),
        )

    async def close(self) -> None:
        """Nothing is held open."""
