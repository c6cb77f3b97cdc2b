"""The questions to Cal.com that wait for their turn, in table `verification_queue`.

They wait in the store and not in Kafka offsets: the order is by urgency, an answer may take hours while
Cal.com is down, and a restart must forget none.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import product
from typing import Any

import msgspec

from connectors.calcom.quota import Priority
from streams.model.ids import is_numeric
from streams.model.records import BookingQuestion, NumericQuestion

CalcomQuestion = BookingQuestion | NumericQuestion

#: Told on this channel with the tenant as payload, so that whichever process reads Cal.com wakes at once.
CHANNEL = "plumbline_questions"
#: Between two tries of a question that Cal.com did not answer: doubled each time, at most this.
RETRY_FIRST_SECONDS = 2.0
RETRY_SECONDS_MAX = 60.0

_PRIORITY = {"proof": Priority.PROOF, "settle": Priority.SETTLE, "reread": Priority.REREAD}

#: An appointment that began so recently, or begins so soon, is at hand: its proof is urgent.
UNDER_WAY_SECONDS = 3_600
AT_HAND_SECONDS = 86_400
#: Questions on one booking that one read answers; more of them wait for the next.
QUESTIONS_OF_A_BOOKING_MAX = 20
#: Rows that become due with one statement.
DUE_AT_ONCE_MAX = 5_000

# Asking again changes nothing, and writes nothing, unless it is more urgent now.
_ADD = """
INSERT INTO verification_queue (request_id, tenant, subject, priority, matters_at, question)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[], $6::jsonb[])
ON CONFLICT (request_id) DO UPDATE SET priority = excluded.priority
 WHERE excluded.priority < verification_queue.priority
"""
# Questions of one priority whose time is known, unknown, or over, of each tenant as far as they may be needed: it
# follows the index, and those under way are left out afterwards.
_STEP = """
(SELECT {step} AS step, row_number() OVER (ORDER BY {order}) AS place, due.tenant, due.subject
   FROM unnest($1::text[]) AS asking (tenant)
  CROSS JOIN LATERAL (
        SELECT q.tenant, q.subject, q.request_id, q.matters_at, q.created_at FROM verification_queue AS q
         WHERE q.tenant = asking.tenant AND q.priority = {priority} AND q.not_before IS NULL AND {time}
         ORDER BY {order} LIMIT $3 + cardinality($2::text[])) AS due
  WHERE NOT EXISTS (SELECT FROM unnest($2::text[]) AS flight (id) WHERE flight.id = due.request_id)
  ORDER BY {order} LIMIT $3)
"""
# The steps are taken one after the other, only as many as fill the limit. Everybody who waits for a booking gets the
# answer of the read that one of them is due for, also those put off.
_WAITING = """
WITH turn AS (SELECT * FROM ({steps}) AS steps LIMIT $3)
SELECT waiting.question::text AS question, waiting.attempts
  FROM (SELECT tenant, subject, min((step, place)) AS place FROM turn GROUP BY tenant, subject) AS read
 CROSS JOIN LATERAL (
        SELECT q.question, q.attempts FROM verification_queue AS q
         WHERE q.tenant = read.tenant AND q.subject = read.subject
           AND NOT EXISTS (SELECT FROM unnest($2::text[]) AS flight (id) WHERE flight.id = q.request_id)
         ORDER BY q.priority, q.request_id LIMIT {questions_max}) AS waiting
 ORDER BY read.place
"""
# 2, 4, 8 … seconds, up to the bound, with a tenth of jitter so that a thousand do not come back as one.
_POSTPONE = """
UPDATE verification_queue
   SET attempts = attempts + 1,
       not_before = now() + make_interval(
           secs => least($2::float8, $3::float8 * power(2, least(attempts, 10))) * (1 + random() / 10))
 WHERE request_id = ANY($1)
"""
_NEXT_AT = """
SELECT extract(epoch FROM min(not_before) - now())::float8
  FROM verification_queue WHERE tenant = ANY($1) AND not_before IS NOT NULL
"""
# In steps: a hundred thousand at once would outlast a statement's time.
_COME_DUE = """
UPDATE verification_queue SET not_before = NULL WHERE request_id = ANY(ARRAY(
    SELECT request_id FROM verification_queue WHERE tenant = ANY($1) AND not_before <= now() LIMIT $2))
"""
_RELEASE = """
UPDATE verification_queue SET not_before = NULL WHERE request_id = ANY(ARRAY(
    SELECT request_id FROM verification_queue WHERE tenant = ANY($1) AND not_before IS NOT NULL
     ORDER BY priority, matters_at LIMIT $2))
"""


def _steps(priorities: Sequence[int], times: Sequence[tuple[str, str]]) -> str:
    """The statement that takes these steps, in their order; nothing but constants of this file goes into its text."""
    steps = [
        _STEP.format(step=number, priority=priority, time=time, order=order)
        for number, (priority, (time, order)) in enumerate(product(priorities, times))
    ]
    return _WAITING.format(steps="UNION ALL".join(steps), questions_max=QUESTIONS_OF_A_BOOKING_MAX)


_UPCOMING = (f"matters_at >= now() - interval '{UNDER_WAY_SECONDS} s'", "matters_at")
_AT_HAND = (f"{_UPCOMING[0]} AND matters_at <= now() + interval '{AT_HAND_SECONDS} s'", "matters_at")
_UNKNOWN = ("matters_at IS NULL", "matters_at, created_at")
_OVER = (f"matters_at < now() - interval '{UNDER_WAY_SECONDS} s'", "matters_at DESC")
_ALL = _steps((Priority.PROOF, Priority.SETTLE, Priority.REREAD), (_UPCOMING, _UNKNOWN, _OVER))
_URGENT_ONLY = _steps((Priority.PROOF,), (_AT_HAND,))


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One question that waits; `attempts` counts how often Cal.com gave no answer."""

    question: CalcomQuestion
    attempts: int


class QuestionQueue:
    """The queue in the store. Raises what asyncpg raises when the store is away."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def add(self, questions: Sequence[CalcomQuestion]) -> None:
        """Queue them; a request_id that waits already stays as it is, or moves up."""
        # One INSERT may not touch a row twice.
        distinct = list({question.request_id: question for question in questions}.values())
        if not distinct:
            return
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                _ADD,
                [question.request_id for question in distinct],
                [question.tenant for question in distinct],
                [subject_of(question) for question in distinct],
                [priority_of(question) for question in distinct],
                [_moment(question.matters_at) for question in distinct],
                [msgspec.json.encode(question).decode() for question in distinct],
            )
            for tenant in {question.tenant for question in distinct}:
                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, tenant)

    async def waiting(
        self, tenants: Collection[str], besides: Collection[str], limit: int, *, urgent_only: bool = False
    ) -> list[Waiting]:
        """The most urgent questions of these tenants whose time has come, without those of `besides`.

        At most `limit` bookings. `urgent_only`: proofs of appointments that are at hand.
        """
        if not tenants:
            return []
        statement = _URGENT_ONLY if urgent_only else _ALL
        rows = await self._pool.fetch(statement, list(tenants), list(besides), limit)
        return [
            Waiting(question=msgspec.json.decode(row["question"], type=CalcomQuestion), attempts=row["attempts"])
            for row in rows
        ]

    async def come_due(self, tenants: Collection[str]) -> None:
        """What was put off until now waits for its turn again; DUE_AT_ONCE_MAX at most, the rest next time."""
        await self._pool.execute(_COME_DUE, list(tenants), DUE_AT_ONCE_MAX)

    async def next_in_seconds(self, tenants: Collection[str]) -> float | None:
        """How long until a question that was put off comes due; None if none is put off."""
        seconds = await self._pool.fetchval(_NEXT_AT, list(tenants))
        return None if seconds is None else max(0.0, float(seconds))

    async def answered(self, request_ids: Collection[str]) -> None:
        """Take answered questions out."""
        await self._pool.execute("DELETE FROM verification_queue WHERE request_id = ANY($1)", list(request_ids))

    async def postpone(self, request_ids: Collection[str]) -> None:
        """Cal.com gave no answer: ask again later, each time a little later."""
        await self._pool.execute(_POSTPONE, list(request_ids), RETRY_SECONDS_MAX, RETRY_FIRST_SECONDS)

    async def release(self, tenants: Collection[str]) -> bool:
        """Cal.com is back: the nearest of what was put off may be asked now. Whether there may be more of it."""
        status = await self._pool.execute(_RELEASE, list(tenants), DUE_AT_ONCE_MAX)
        return int(status.rpartition(" ")[2]) == DUE_AT_ONCE_MAX


def priority_of(question: CalcomQuestion) -> Priority:
    """Who goes first: proofs, settling reads, re-reads."""
    return _PRIORITY[question.purpose]


def is_urgent(question: CalcomQuestion, now: datetime) -> bool:
    """Whether people may be about to stand before a closed door: a proof whose appointment is at hand."""
    matters_at = _moment(question.matters_at)
    if question.purpose != "proof" or matters_at is None:
        return False
    return -UNDER_WAY_SECONDS <= (matters_at - now).total_seconds() <= AT_HAND_SECONDS


def subject_of(question: CalcomQuestion) -> str:
    """What one read answers: questions of a tenant with the same subject are answered together."""
    if isinstance(question, BookingQuestion) and not is_numeric(question.uid):
        return f"booking:{question.uid}"
    return f"numeric:{numeric_id_of(question)}"


def numeric_id_of(question: CalcomQuestion) -> str:
    """The numeric id asked for, also where it was asked as if it were a uid."""
    return question.uid if isinstance(question, BookingQuestion) else question.numeric_id


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
