"""What the API asks of the store: pages of alerts, one, its history, and figures."""

from collections.abc import Sequence

import msgspec

from connectors.store.database import Database
from connectors.store.instants import iso_of, moment
from connectors.store.rows import alert_of
from streams.alerts.alert import Alert
from streams.model.ids import Instant

PAGE_MAX = 200
HISTORY_MAX = 5_000


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where a page ended: change and id of its last alert. Inserts before it move nothing behind it."""

    updated_at: Instant
    id: str


class AlertFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts; an empty tuple is any, `tenants` None is all that there are."""

    tenants: tuple[str, ...] | None = None
    statuses: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    subject: tuple[str, str] | None = None
    since: Instant | None = None


class HistoryLine(msgspec.Struct, frozen=True, kw_only=True, rename={"from_status": "from", "to_status": "to"}):
    """One line of an alert's history, as the API shows it."""

    at: str
    actor: str
    action: str
    from_status: str | None
    to_status: str
    note: str | None
    through: str


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """How many alerts, and episodes of them, there are of one kind."""

    rule: str
    severity: str
    status: str
    alerts: int
    episodes: int


_HISTORY = """
SELECT at, actor, action, from_status, to_status, note, through FROM alert_history
WHERE alert_id = $1 ORDER BY id LIMIT $2
"""
_FIGURES = """
SELECT rule, severity, status, count(*) AS alerts, sum(episode) AS episodes
FROM data_consistency_alerts GROUP BY rule, severity, status
"""


async def page_of_alerts(
    database: Database, wanted: AlertFilter, *, limit: int, after: Position | None
) -> tuple[Alert, ...]:
    """Newest change first, at most `limit`, those behind `after`. Raises StoreUnavailable."""
    where, values = _conditions(wanted, after)
    values.append(limit)
    statement = (
        f"SELECT alert FROM data_consistency_alerts WHERE {where} "
        f"ORDER BY updated_at DESC, id DESC LIMIT ${len(values)}"
    )
    async with database.connection() as connection:
        rows = await connection.fetch(statement, *values)
    return tuple(alert_of(row["alert"]) for row in rows)


async def one_alert(database: Database, alert_id: str, tenants: Sequence[str] | None) -> Alert | None:
    """The alert, if it is there and one of these tenants' (None is all). Raises StoreUnavailable."""
    async with database.connection() as connection:
        text = await connection.fetchval(
            "SELECT alert FROM data_consistency_alerts WHERE id = $1 AND ($2::text[] IS NULL OR tenant = ANY($2))",
            alert_id,
            None if tenants is None else list(tenants),
        )
    return None if text is None else alert_of(text)


async def history_of(database: Database, alert_id: str) -> tuple[HistoryLine, ...]:
    """What happened to an alert, oldest first. Raises StoreUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_HISTORY, alert_id, HISTORY_MAX)
    return tuple(
        HistoryLine(
            at=iso_of(row["at"]),
            actor=row["actor"],
            action=row["action"],
            from_status=row["from_status"],
            to_status=row["to_status"],
            note=row["note"],
            through=row["through"],
        )
        for row in rows
    )


async def figures(database: Database) -> tuple[Figure, ...]:
    """Alerts and episodes by rule, severity and status. Raises StoreUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_FIGURES)
    return tuple(Figure(**dict(row)) for row in rows)


async def outbox_waiting(database: Database) -> int:
    """Changes that are not on plumbline.alerts yet. Raises StoreUnavailable."""
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL"))


async def notices_by_state(database: Database) -> dict[tuple[str, str], int]:
    """Notices by channel and state. Raises StoreUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT channel, state, count(*) AS n FROM notices GROUP BY channel, state")
    return {(row["channel"], row["state"]): row["n"] for row in rows}


def _conditions(wanted: AlertFilter, after: Position | None) -> tuple[str, list[object]]:
    """The WHERE clause with its values; only names of ours go into the text, every value is a parameter."""
    values: list[object] = []
    clauses = ["true"]

    def clause(text: str, *given: object) -> None:
        numbers = range(len(values) + 1, len(values) + 1 + len(given))
        clauses.append(text.format(*(f"${number}" for number in numbers)))
        values.extend(given)

    for column, allowed in (
        ("tenant", wanted.tenants),
        ("status", wanted.statuses or None),
        ("rule", wanted.rules or None),
        ("severity", wanted.severities or None),
    ):
        if allowed is not None and len(allowed) == 1:
            clause(f"{column} = {{}}", allowed[0])  # keeps the index's order, where ANY would sort
        elif allowed is not None:
            clause(f"{column} = ANY({{}}::text[])", list(allowed))
    if wanted.subject is not None:
        clause("subject_kind = {} AND subject_id = {}", *wanted.subject)
    if wanted.since is not None:
        clause("updated_at >= {}", moment(wanted.since))
    if after is not None:
        clause("(updated_at, id) < ({}, {}::uuid)", moment(after.updated_at), after.id)
    return " AND ".join(clauses), values
