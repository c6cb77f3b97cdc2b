"""How each source stood, in the store: a restart or another leader goes on where this one ended."""

from typing import Any

import msgspec

from streams.sources.standing import Standing

_LOAD = "SELECT standing FROM source_states"
_SAVE = """
INSERT INTO source_states (source, state, heard_through, standing)
VALUES ($1, $2, to_timestamp($3::float8 / 1000), $4::jsonb)
ON CONFLICT (source) DO UPDATE SET state = EXCLUDED.state, heard_through = EXCLUDED.heard_through,
    standing = EXCLUDED.standing, updated_at = now()
"""
_decoder = msgspec.json.Decoder(Standing)


class StandingStore:
    """Table `source_states`. `pool` is an asyncpg pool; its errors are raised as they are."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def load(self) -> dict[str, Standing]:
        """All standings by source."""
        standings = [_decoder.decode(row["standing"]) for row in await self._pool.fetch(_LOAD)]
        return {standing.source: standing for standing in standings}

    async def save(self, standing: Standing) -> None:
        """Keep one source's standing."""
        document = msgspec.json.encode(standing).decode()
        await self._pool.execute(_SAVE, standing.source, standing.word, standing.heard_through, document)
