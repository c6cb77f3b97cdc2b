"""Answers kept for a while, so that a write that is sent again is answered again and not done again.

Nothing is reserved. The turn is an advisory lock of the transaction in which the write acts, and the kept answer is
written by that very transaction. So it commits together with the effect, or neither is there: a process that dies in
between leaves nothing behind (Postgres rolls back and frees the lock when its connection ends, or was idle for too
long: `Database.one_transaction`), and the retry acts for the first time. Where the answer to COMMIT itself is lost,
the caller hears 503, and the retry finds either the answer or nothing, whichever is true.
"""

from collections.abc import Mapping

import msgspec

from connectors.store.database import Connection

KEPT_HOURS = 24
#: The oldest go earlier when there are more.
ANSWERS_MAX = 200_000
ANSWERS_PER_PASS_MAX = 10_000


class UnderWay(Exception):
    """The first request of this key has not been answered yet."""


class SentDifferently(Exception):
    """The key was used for a request that said something else."""


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Digests of one request: `id` of who asked, the key and the path; `request` of everything that was sent."""

    id: bytes
    request: bytes


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it was given."""

    status: int
    headers: Mapping[str, str]
    body: bytes


_TURN = "SELECT pg_try_advisory_xact_lock($1)"
# A statement of its own: it must see what the holder of the lock committed.
_KEPT = f"""
SELECT request, status, headers, body FROM idempotent_answers
WHERE id = $1 AND at > now() - interval '{KEPT_HOURS} hours'
"""
_KEEP = """
INSERT INTO idempotent_answers (id, request, status, headers, body) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET request = $2, status = $3, headers = $4, body = $5, at = now()
"""
_PRUNE_OLD = f"""
DELETE FROM idempotent_answers WHERE id IN (
    SELECT id FROM idempotent_answers WHERE at < now() - interval '{KEPT_HOURS} hours'
    ORDER BY at LIMIT {ANSWERS_PER_PASS_MAX})
"""
_PRUNE_MANY = f"""
DELETE FROM idempotent_answers WHERE id IN (
    SELECT id FROM idempotent_answers ORDER BY at DESC OFFSET $1 LIMIT {ANSWERS_PER_PASS_MAX})
"""


async def take_turn(connection: Connection, ticket: Ticket) -> KeptAnswer | None:
    """The answer that was given before; None if this request is the first, and alone until its transaction ends.

    Raises UnderWay, SentDifferently.
    """
    if not await connection.fetchval(_TURN, int.from_bytes(ticket.id[:8], signed=True)):
        raise UnderWay
    kept = await connection.fetchrow(_KEPT, ticket.id)
    if kept is None:
        return None
    if kept["request"] != ticket.request:
        raise SentDifferently
    return KeptAnswer(status=kept["status"], headers=msgspec.json.decode(kept["headers"]), body=kept["body"])


async def keep_answer(connection: Connection, ticket: Ticket, answer: KeptAnswer) -> None:
    """Keep an answer in the transaction of what it answers."""
    headers = msgspec.json.encode(answer.headers).decode()
    await connection.execute(_KEEP, ticket.id, ticket.request, answer.status, headers, answer.body)


async def prune_answers(connection: Connection, *, answers_max: int = ANSWERS_MAX) -> None:
    """One bounded pass: what is older than a day goes, and the oldest beyond the bound."""
    await connection.execute(_PRUNE_OLD)
    await connection.execute(_PRUNE_MANY, answers_max)
