"""The questions to Cal.com that wait for their turn, in table `verification_queue`.

They wait in the store and not in Kafka offsets: the order is by urgency, an answer may take hours while
Cal.com is down, and a restart must forget none.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
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

# Asking again changes nothing, and writes nothing, unless it is more urgent now.
_ADD = """
INSERT INTO verification_queue (request_id, tenant, subject, priority, matters_at, question)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[], $6::jsonb[])
ON CONFLICT (request_id) DO UPDATE SET priority = excluded.priority
 WHERE excluded.priority < verification_queue.priority
"""
# Nearest appointment first, then those of unknown time, then those that are over; each branch follows the index.
# Everybody who waits for a booking gets the answer of the read that one of them is due for, also those put off.
_WAITING = """
WITH turn AS (
    SELECT due.tenant, due.subject,
           row_number() OVER (ORDER BY due.priority, due.rank, abs(extract(epoch FROM due.matters_at - now())),
                                       due.created_at, due.request_id) AS place
      FROM unnest($1::text[]) AS asking (tenant)
     CROSS JOIN unnest('{0,2,3}'::smallint[]) AS class (priority)
     CROSS JOIN LATERAL (
        (SELECT tenant, subject, priority, 0 AS rank, matters_at, created_at, request_id FROM verification_queue AS q
          WHERE q.tenant = asking.tenant AND q.priority = class.priority AND q.not_before IS NULL
            AND NOT q.request_id = ANY($2) AND q.matters_at >= now() - make_interval(secs => $4)
            AND (NOT $6 OR q.priority = 0 AND q.matters_at <= now() + make_interval(secs => $5))
          ORDER BY q.matters_at LIMIT $3)
        UNION ALL
        (SELECT tenant, subject, priority, 1, matters_at, created_at, request_id FROM verification_queue AS q
          WHERE q.tenant = asking.tenant AND q.priority = class.priority AND q.not_before IS NULL
            AND NOT q.request_id = ANY($2) AND q.matters_at IS NULL AND NOT $6
          ORDER BY q.matters_at, q.created_at LIMIT $3)
        UNION ALL
        (SELECT tenant, subject, priority, 2, matters_at, created_at, request_id FROM verification_queue AS q
          WHERE q.tenant = asking.tenant AND q.priority = class.priority AND q.not_before IS NULL
            AND NOT q.request_id = ANY($2) AND q.matters_at < now() - make_interval(secs => $4) AND NOT $6
          ORDER BY q.matters_at DESC LIMIT $3)
     ) AS due
     ORDER BY place LIMIT $3)
SELECT waiting.question::text AS question, waiting.attempts
  FROM (SELECT tenant, subject, min(place) AS place FROM turn GROUP BY tenant, subject) AS read
  JOIN verification_queue AS waiting ON waiting.tenant = read.tenant AND waiting.subject = read.subject
 WHERE NOT waiting.request_id = ANY($2)
 ORDER BY read.place, waiting.priority, waiting.request_id
 LIMIT 2 * $3
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
_COME_DUE = "UPDATE verification_queue SET not_before = NULL WHERE tenant = ANY($1) AND not_before <= now()"
_RELEASE = "UPDATE verification_queue SET not_before = NULL WHERE tenant = ANY($1) AND not_before IS NOT NULL"


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
        rows = await self._pool.fetch(
            _WAITING, list(tenants), list(besides), limit, UNDER_WAY_SECONDS, AT_HAND_SECONDS, urgent_only
        )
        return [
            Waiting(question=msgspec.json.decode(row["question"], type=CalcomQuestion), attempts=row["attempts"])
            for row in rows
        ]

    async def come_due(self, tenants: Collection[str]) -> None:
        """What was put off until now waits for its turn again."""
        await self._pool.execute(_COME_DUE, list(tenants))

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

    async def release(self, tenants: Collection[str]) -> None:
        """Cal.com is back: what was put off may be asked now, nearest first."""
        await self._pool.execute(_RELEASE, list(tenants))


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
