"""How far each tenant is compared, by side: what is shown at `GET /v1/coverage` and in the figures."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from connectors.store.database import Connection
from connectors.store.instants import iso_of
from streams.model.source_records import DATABASE, EVERY_TENANT, calcom_of, webhooks_of

GAPS_MAX = 20
UNMAPPED_MAX = 100

_SOURCES = "SELECT source, state, heard_through, standing FROM source_states ORDER BY source"
# One line an episode: a gap is as long as its alert was not resolved.
_GAPS = """
SELECT alert.subject_id AS source, history.episode, min(history.at) AS began_at,
       max(history.at) FILTER (WHERE history.to_status = 'resolved') AS ended_at
  FROM data_consistency_alerts AS alert JOIN alert_history AS history ON history.alert_id = alert.id
 WHERE alert.rule = 'coverage_gap' GROUP BY alert.subject_id, history.episode
 ORDER BY (max(history.at) FILTER (WHERE history.to_status = 'resolved')) DESC NULLS FIRST, source LIMIT $1
"""
_PASSES = """
SELECT side, tenant, kind, begun_at, completed_at, starts_from, starts_to FROM sweep_coverage
 WHERE tenant = ANY($1) ORDER BY side, kind
"""
_UNMAPPED = """
SELECT account, event_type, bookings, first_seen_at, last_seen_at FROM unmapped_event_types
 WHERE account = ANY($1) ORDER BY last_seen_at DESC, account, event_type LIMIT $2
"""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """How a source fares; `heard_through`: everything up to there was heard of (null: nothing yet)."""

    source: str
    state: str
    since: str
    heard_through: str | None
    why: str
    tenants: tuple[str, ...] = (EVERY_TENANT,)

    def concerns(self, tenant: str) -> bool:
        """Whether facts of the tenant come from it."""
        return tenant in self.tenants or EVERY_TENANT in self.tenants


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Events of a source were lost; the back-fill began at the start and was over at the end (null: it runs)."""

    source: str
    began_at: str
    ended_at: str | None


class CompletePass(msgspec.Struct, frozen=True, kw_only=True):
    """The newest complete list of one side: every booking or row that starts between the two instants."""

    kind: str
    begun_at: str
    completed_at: str
    starts_from: str
    starts_to: str


class UnmappedEventType(msgspec.Struct, frozen=True, kw_only=True):
    """An event type of a shared account that belongs to no tenant yet; "" where bodies named none."""

    account: str
    event_type: str
    bookings: int
    first_seen_at: str
    last_seen_at: str


class _Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a source's standing."""

    since: int
    why: str = ""
    tenants: tuple[str, ...] = (EVERY_TENANT,)


_standing = msgspec.json.Decoder(_Standing)


async def sources(connection: Connection) -> tuple[Source, ...]:
    """All sources by name: two an account, the database, the clock."""
    found = []
    for row in await connection.fetch(_SOURCES):
        standing = _standing.decode(row["standing"])
        found.append(
            Source(
                source=row["source"],
                state=row["state"],
                since=iso_of(datetime.fromtimestamp(standing.since / 1000, UTC)),
                heard_through=_iso(row["heard_through"]),
                why=standing.why,
                tenants=standing.tenants,
            )
        )
    return tuple(found)


async def gaps(connection: Connection) -> tuple[Gap, ...]:
    """The open ones, then the last that ended."""
    return tuple(
        Gap(source=row["source"], began_at=iso_of(row["began_at"]), ended_at=_iso(row["ended_at"]))
        for row in await connection.fetch(_GAPS, GAPS_MAX)
    )


async def passes(connection: Connection, tenants: Sequence[str]) -> dict[tuple[str, str], list[CompletePass]]:
    """The newest complete passes by side and tenant."""
    found: dict[tuple[str, str], list[CompletePass]] = {}
    for row in await connection.fetch(_PASSES, list(tenants)):
        one = CompletePass(
            kind=row["kind"],
            begun_at=iso_of(row["begun_at"]),
            completed_at=iso_of(row["completed_at"]),
            starts_from=iso_of(row["starts_from"]),
            starts_to=iso_of(row["starts_to"]),
        )
        found.setdefault((row["side"], row["tenant"]), []).append(one)
    return found


async def unmapped(connection: Connection, accounts: Sequence[str]) -> tuple[UnmappedEventType, ...]:
    """Event types of these accounts that are nobody's, newest first."""
    return tuple(
        UnmappedEventType(
            account=row["account"],
            event_type=row["event_type"],
            bookings=row["bookings"],
            first_seen_at=iso_of(row["first_seen_at"]),
            last_seen_at=iso_of(row["last_seen_at"]),
        )
        for row in await connection.fetch(_UNMAPPED, list(accounts), UNMAPPED_MAX)
    )


def through_of_database(compared_through: str, known: Sequence[Source]) -> str | None:
    """Through which instant the database's side is compared: judged, and heard of."""
    return _earliest(compared_through, [source for source in known if source.source == DATABASE])


def through_of_calcom(compared_through: str, known: Sequence[Source], accounts: Sequence[str]) -> str | None:
    """The same of Cal.com's side: by each account's lists, since webhooks claim and lists prove; else by webhooks."""
    by_name = {source.source: source for source in known}
    named = [by_name.get(calcom_of(account)) or by_name.get(webhooks_of(account)) for account in accounts]
    return _earliest(compared_through, [source for source in named if source is not None])


def _earliest(compared_through: str, heard: Sequence[Source]) -> str | None:
    instants = [compared_through]
    for source in heard:
        if source.heard_through is None:
            return None
        instants.append(source.heard_through)
    return min(instants)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso_of(at)
