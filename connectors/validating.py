"""Answers the API's questions about rows out of the monitored database: its reads and the store's channels together."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from connectors.crm.database import CrmDatabase, Kind, NotAnswerable, NotAnswered
from connectors.crm.neighbours import CrmNeighbours, Neighbours
from connectors.validation.answering import answer_validations
from connectors.validation.messages import (
    ANSWERS,
    WHY_CHARACTERS_MAX,
    RowsAnswer,
    RowsAsked,
    fitting_payload_of,
)
from streams.configured import column_names
from streams.decode.columns import appointment_row, call_row, is_deleted, text
from streams.decode.names import ColumnNames
from streams.model.ids import NO_TENANT, Instant
from streams.settings import Settings
from streams.validation_words import SeenRow


async def answer_rows(settings: Settings, crm: CrmDatabase, pool: Any, listener: Any) -> None:
    """Answer until cancelled; to be run by one process, under a lock.

    `pool` is the store's, `listener` a connection to it for LISTEN.
    """
    neighbours = CrmNeighbours(crm, has_calls=settings.source.has_calls)
    names: dict[Kind, ColumnNames] = {
        "appointments": column_names(settings, "appointments"),
        "calls": column_names(settings, "calls"),
    }
    await answer_validations(listener, partial(_read, neighbours, names), partial(_tell, pool))


async def _tell(pool: Any, answer: RowsAnswer) -> None:
    await pool.execute("SELECT pg_notify($1, $2)", ANSWERS, fitting_payload_of(answer))


async def _read(neighbours: CrmNeighbours, names: Mapping[Kind, ColumnNames], asked: RowsAsked) -> RowsAnswer:
    kind: Kind = "calls" if asked.kind == "call" else "appointments"
    try:
        found = await neighbours.read(kind, asked.key)
        return RowsAnswer(
            id=asked.id,
            result="read",
            read_at=Instant(round(found.read_at.timestamp() * 1000)),
            rows=_seen(found, names, asked),
        )
    except NotAnswered as away:
        return RowsAnswer(id=asked.id, result="unavailable", why=str(away)[:WHY_CHARACTERS_MAX])
    except (NotAnswerable, ValueError) as no:
        return RowsAnswer(id=asked.id, result="unusable", why=str(no)[:WHY_CHARACTERS_MAX])


def _seen(found: Neighbours, names: Mapping[Kind, ColumnNames], asked: RowsAsked) -> tuple[SeenRow, ...]:
    """The rows as facts, the one asked for first; a deleted one is not there. Raises ValueError for bad values."""
    rows = [_seen_row(kind, row, names[kind]) for kind, row in found.rows if not is_deleted(row)]
    return tuple(sorted(rows, key=lambda seen: (seen.kind, seen.id) != (asked.kind, asked.key)))


def _seen_row(kind: Kind, row: Mapping[str, object], names: ColumnNames) -> SeenRow:
    columns = names.translate(row)
    return SeenRow(
        kind="call" if kind == "calls" else "appointment",
        id=text(columns.get("id")) or "",
        tenant=text(columns.get("company_id")) or NO_TENANT,
        row=call_row(columns) if kind == "calls" else appointment_row(columns),
    )
