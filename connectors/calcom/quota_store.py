"""How much of each key's quota is used, in table `calcom_quotas`: it outlives a restart, and people can look at it.

A key is named by a digest of it; instants are the store's, so that no two hosts' clocks are compared.
"""

from hashlib import sha256
from typing import Any

from connectors.calcom.quota_window import Usage, urgent_part
from connectors.calcom.rate import WINDOW_SECONDS

_LOAD = """
SELECT ARRAY(SELECT extract(epoch FROM now() - at)::float8 FROM unnest(sent) AS at
              WHERE at > now() - make_interval(secs => $2)) AS ages,
       greatest(0, extract(epoch FROM blocked_until - now()))::float8 AS blocked_seconds,
       told_left,
       greatest(0, extract(epoch FROM told_until - now()))::float8 AS told_seconds
  FROM calcom_quotas WHERE key_digest = $1
"""
_SAVE = """
INSERT INTO calcom_quotas
       (key_digest, accounts, requests_per_minute, urgent_per_minute, sent, answered,
        blocked_until, told_left, told_until)
SELECT $1, $2, $3, $4, ARRAY(SELECT now() - make_interval(secs => age) FROM unnest($5::float8[]) AS age), $6,
       now() + make_interval(secs => $7), $8, now() + make_interval(secs => $9)
ON CONFLICT (key_digest) DO UPDATE
   SET accounts = excluded.accounts, requests_per_minute = excluded.requests_per_minute,
       urgent_per_minute = excluded.urgent_per_minute, sent = excluded.sent, answered = excluded.answered,
       blocked_until = excluded.blocked_until, told_left = excluded.told_left, told_until = excluded.told_until,
       updated_at = now()
"""
_FORGET = "DELETE FROM calcom_quotas WHERE NOT key_digest = ANY($1) AND updated_at < now() - interval '1 day'"


def key_digest(api_key: str) -> str:
    """A name for the key that does not tell it."""
    return sha256(f"plumbline|quota|{api_key}".encode()).hexdigest()[:24]


async def load(pool: Any, digest: str) -> Usage:
    """What was kept of the last 60 s; nothing for a key never used. Raises what asyncpg raises."""
    row = await pool.fetchrow(_LOAD, digest, WINDOW_SECONDS)
    if row is None:
        return Usage()
    return Usage(
        ages=tuple(row["ages"]),
        blocked_seconds=row["blocked_seconds"],
        told_left=row["told_left"],
        told_seconds=row["told_seconds"],
    )


async def save(pool: Any, digest: str, accounts: list[str], requests_per_minute: int, usage: Usage) -> None:
    """Keep it. Raises what asyncpg raises."""
    await pool.execute(
        _SAVE,
        digest,
        accounts,
        requests_per_minute,
        urgent_part(requests_per_minute),
        list(usage.ages),
        usage.answered,
        usage.blocked_seconds,
        usage.told_left,
        usage.told_seconds,
    )


async def forget_others(pool: Any, digests: list[str]) -> None:
    """Drop what was kept of keys that are configured no longer."""
    await pool.execute(_FORGET, digests)
