"""What the reads of Cal.com still wait for: questions by purpose, the quota left, the time until all is proved."""

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from connectors.store.database import Connection

#: Cal.com's window, and ours.
WINDOW_SECONDS = 60
#: A numeric id takes a pass by start and one by making.
REQUESTS_OF_A_NUMERIC_ID = 2

_WAITING = """
SELECT tenant, priority, count(*) AS questions, count(*) FILTER (WHERE subject LIKE 'numeric:%') AS numeric
  FROM verification_queue WHERE $1::text[] IS NULL OR tenant = ANY($1) GROUP BY tenant, priority
"""
_QUOTAS = """
SELECT accounts, requests_per_minute, urgent_per_minute,
       (SELECT count(*) FROM unnest(sent) AS at WHERE at > now() - make_interval(secs => $1)) AS used,
       CASE WHEN updated_at > now() - make_interval(secs => $1) THEN answered ELSE 0 END AS answered,
       CASE WHEN told_until > now() THEN told_left END AS told_left,
       greatest(0, extract(epoch FROM blocked_until - now()))::float8 AS blocked_seconds
  FROM calcom_quotas ORDER BY accounts
"""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Questions that wait, by what they are for."""

    proof: int = 0
    settle: int = 0
    reread: int = 0


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant's queue: its questions, and the requests that its proofs take if each is read singly."""

    waiting: Waiting = Waiting()
    requests: int = 0


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """What one key may still ask. `left` of `requests_per_minute` now, the last `urgent_per_minute` for the urgent."""

    accounts: tuple[str, ...]
    requests_per_minute: int
    urgent_per_minute: int
    left: int
    answered_last_minute: int
    blocked_seconds: float


async def queued(connection: Connection, tenants: Sequence[str] | None) -> dict[str, Queued]:
    """By tenant (None is all); those for whom nothing waits are left out."""
    found: dict[str, Queued] = {}
    for row in await connection.fetch(_WAITING, None if tenants is None else list(tenants)):
        one = found.get(row["tenant"], Queued())
        purpose = {0: "proof", 2: "settle"}.get(row["priority"], "reread")
        waiting = msgspec.structs.replace(one.waiting, **{purpose: row["questions"]})
        one = msgspec.structs.replace(one, waiting=waiting)
        if purpose == "proof":
            requests = row["questions"] + row["numeric"] * (REQUESTS_OF_A_NUMERIC_ID - 1)
            one = msgspec.structs.replace(one, requests=requests)
        found[row["tenant"]] = one
    return found


async def quotas(connection: Connection) -> tuple[Quota, ...]:
    """Of each key that was used."""
    return tuple(
        Quota(
            accounts=tuple(row["accounts"]),
            requests_per_minute=row["requests_per_minute"],
            urgent_per_minute=row["urgent_per_minute"],
            left=_left(row["requests_per_minute"] - row["used"], row["told_left"], row["blocked_seconds"]),
            answered_last_minute=row["answered"],
            blocked_seconds=row["blocked_seconds"],
        )
        for row in await connection.fetch(_QUOTAS, WINDOW_SECONDS)
    )


def full_proof_seconds(
    quota: Quota,
    waiting: Mapping[str, Queued],
    accounts_of: Callable[[str], Collection[str]],
    away: Collection[str],
) -> float | None:
    """How long until all proofs that wait for this key are made: an estimate, by the waits for the quota alone.

    At the pace of the last minute (list pages answer many at once), at least at that of single reads. None while one
    of its accounts is `away`: nobody can say.
    """
    if set(quota.accounts) & set(away):
        return None
    here = [(one, accounts_of(tenant)) for tenant, one in waiting.items()]
    mine = [(one, len(accounts)) for one, accounts in here if set(accounts) & set(quota.accounts)]
    proofs = sum(one.waiting.proof for one, _ in mine)
    requests = sum(one.requests * accounts for one, accounts in mine)
    allowed = max(1, quota.requests_per_minute - quota.urgent_per_minute)
    free = max(0, quota.left - quota.urgent_per_minute)
    singly = WINDOW_SECONDS * max(0, requests - free) / allowed
    if quota.answered_last_minute and singly > 0:
        singly = min(singly, WINDOW_SECONDS * proofs / quota.answered_last_minute)
    return round(quota.blocked_seconds + singly, 1) if proofs else 0.0


def _left(of_ours: int, told: int | None, blocked_seconds: float) -> int:
    if blocked_seconds > 0:
        return 0
    return max(0, of_ours if told is None else min(of_ours, told))
