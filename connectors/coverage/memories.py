"""What a watcher must not forget over a restart, as one document of its own in the store."""

from typing import Any

import msgspec

_RECALL = "SELECT memory FROM source_memories WHERE watcher = $1"
_REMEMBER = """
INSERT INTO source_memories (watcher, memory) VALUES ($1, $2::jsonb)
ON CONFLICT (watcher) DO UPDATE SET memory = EXCLUDED.memory, updated_at = now()
"""


class WatcherMemory:
    """Table `source_memories`, one row a watcher. `pool` is an asyncpg pool; its errors are raised as they are."""

    def __init__(self, pool: Any, watcher: str) -> None:
        self._pool = pool
        self._watcher = watcher

    async def recall(self) -> bytes | None:
        """The JSON document as it was remembered last; None for a watcher that never did."""
        found = await self._pool.fetchval(_RECALL, self._watcher)
        return None if found is None else str(found).encode()

    async def remember(self, memory: msgspec.Struct) -> None:
        """Keep it in place of the one before."""
        await self._pool.execute(_REMEMBER, self._watcher, msgspec.json.encode(memory).decode())
