"""The replication slot as Postgres tells of it, and how to see that it is not the one it was.

A slot has no identity: the same name made anew looks the same. What gives it away (tried, Postgres 18 with Debezium
3.7): its counters of decoded transactions begin again at 0. They also do after a crash of the server, so they are
compared only while the server has not been restarted; a clean restart keeps them. Whatever this misses shows as a new
snapshot in the change topics (feed_records.py).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

#: Runs one short statement in the monitored database. Raises what the database module raises.
Query = Callable[..., Awaitable[Sequence[Any]]]

_LOOK = """
SELECT s.active, coalesce(s.wal_status, '') AS wal_status,
       coalesce(to_jsonb(s) ->> 'invalidation_reason', '') AS invalidation_reason,
       (s.confirmed_flush_lsn - '0/0'::pg_lsn)::bigint AS confirmed,
       (at.lsn - s.restart_lsn)::bigint AS retained_bytes,
       coalesce(t.total_txns, 0) AS decoded,
       (at.lsn - '0/0'::pg_lsn)::bigint AS written,
       coalesce(t.stats_reset::text, '') AS counted_since,
       pg_postmaster_start_time()::text AS server_started
FROM (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END AS lsn) AS at
LEFT JOIN pg_replication_slots AS s ON s.slot_name = $1
LEFT JOIN pg_stat_replication_slots AS t USING (slot_name)
"""
LOST = "lost"


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One look. Positions in the log are bytes since its beginning; the two instants are texts that only compare.

    `counted_since`: when somebody set the counters back by hand, empty where nobody did.
    """

    active: bool
    wal_status: str
    invalidation_reason: str
    confirmed: int
    retained_bytes: int
    decoded: int
    written: int
    counted_since: str
    server_started: str

    @property
    def is_lost(self) -> bool:
        """Postgres gave its log away: it can never be read on from."""
        return self.wal_status == LOST or bool(self.invalidation_reason)


class SlotMark(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a slot, to know it again."""

    server_started: str
    counted_since: str
    decoded: int


class SlotLook(msgspec.Struct, frozen=True, kw_only=True):
    """An answered question about the slot; `slot` is None where there is none of that name."""

    slot: Slot | None


async def look(query: Query, name: str) -> SlotLook:
    """The slot now. Raises what `query` raises."""
    [row] = await query(_LOOK, name)
    if row["active"] is None:
        return SlotLook(slot=None)
    return SlotLook(
        slot=Slot(
            active=row["active"],
            wal_status=row["wal_status"],
            invalidation_reason=row["invalidation_reason"],
            confirmed=row["confirmed"] or 0,
            retained_bytes=row["retained_bytes"] or 0,
            decoded=row["decoded"],
            written=row["written"] or 0,
            counted_since=row["counted_since"],
            server_started=row["server_started"],
        )
    )


def mark_of(slot: Slot) -> SlotMark:
    """What to remember of it."""
    return SlotMark(server_started=slot.server_started, counted_since=slot.counted_since, decoded=slot.decoded)


def made_anew(before: SlotMark | None, now: Slot) -> bool:
    """Whether it is another slot of the same name."""
    if before is None or before.server_started != now.server_started:
        return False
    set_back_by_hand = now.counted_since not in ("", before.counted_since)
    return now.decoded < before.decoded and not set_back_by_hand
