"""The manual review queue: its pages, its length, and what people do with its items.

What a person decides is done to the alert in the same transaction, by the actions that people have anyhow.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from connectors.store.database import Connection, Database
from connectors.store.draft import draft_of
from connectors.store.instants import moment
from connectors.store.review_rows import SELECT, item_of, locked_items, write_items
from streams.alerts.actions import Remark, Resolve, apply_action
from streams.alerts.review import RESOLUTION_OF, Decision, ReviewItem, claim, decide, release
from streams.model.ids import Instant
from streams.model.rule import AlertStatus

PAGE_MAX = 200

#: By priority: waiting or claimed now, and ever put into the queue.
_FIGURES = """
SELECT priority, count(*) FILTER (WHERE state IN ('pending', 'claimed')) AS waiting, sum(times) AS queued
  FROM manual_review_queue GROUP BY priority
"""


class ReviewNotFound(Exception):
    """There is no such item, or not for these tenants."""


class ReviewChanged(Exception):
    """The item changed since the version that the caller saw."""

    def __init__(self, current: int) -> None:
        super().__init__(f"the item is at version {current}")
        self.current = current


class ReviewPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a page ended: priority, instant and id of its last item."""

    priority: int
    queued_at: Instant
    id: str


class ReviewFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which items; an empty tuple is any, `tenants` None is all that there are."""

    tenants: tuple[str, ...] | None = None
    states: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()


class QueueFigure(msgspec.Struct, frozen=True, kw_only=True):
    """Items of one priority: in the queue now, and how often any was put there."""

    waiting: int
    queued: int


async def queue_figures(database: Database) -> Mapping[int, QueueFigure]:
    """How long the queue is, by priority. Raises StoreUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_FIGURES)
    return {row["priority"]: QueueFigure(waiting=row["waiting"], queued=row["queued"]) for row in rows}


class ReviewQueue:
    """The table `manual_review_queue`. Every method raises StoreUnavailable."""

    def __init__(self, database: Database, clock: Callable[[], Instant]) -> None:
        self._database = database
        self._clock = clock

    async def page(self, wanted: ReviewFilter, *, limit: int, after: ReviewPlace | None) -> tuple[ReviewItem, ...]:
        """Most urgent first, of those the one that waits longest; at most `limit`, those behind `after`."""
        values: list[object] = []
        clauses = ["true"]
        for column, type_, allowed in (
            ("tenant", "text", wanted.tenants),
            ("state", "text", wanted.states or None),
            ("reason", "text", wanted.reasons or None),
            ("priority", "smallint", wanted.priorities or None),
        ):
            if allowed is not None:
                values.append(list(allowed))
                clauses.append(f"{column} = ANY(${len(values)}::{type_}[])")
        if wanted.states and set(wanted.states) <= {"pending", "claimed"}:
            clauses.append("state IN ('pending', 'claimed')")  # as the index of the queue says it
        if after is not None:
            values += [after.priority, moment(after.queued_at), after.id]
            number = len(values)
            clauses.append(f"(priority, queued_at, id) > (${number - 2}::smallint, ${number - 1}, ${number}::uuid)")
        values.append(limit)
        where = " AND ".join(clauses)
        statement = f"{SELECT} WHERE {where} ORDER BY priority, queued_at, id LIMIT ${len(values)}"
        async with self._database.connection() as connection:
            return tuple(item_of(row) for row in await connection.fetch(statement, *values))

    async def one(self, item_id: str, tenants: Sequence[str] | None) -> ReviewItem:
        """One item. Raises ReviewNotFound."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(f"{SELECT} WHERE id = $1", item_id)
        if row is None:
            raise ReviewNotFound(item_id)
        return _visible(item_of(row), tenants)

    async def claim(
        self, item_id: str, by: str, tenants: Sequence[str] | None, versions: frozenset[int] | None
    ) -> ReviewItem:
        """Somebody is at it. Raises ReviewNotFound, ReviewChanged, ReviewRefused."""
        return await self._change(item_id, tenants, versions, lambda item: claim(item, by, self._clock()))

    async def release(
        self, item_id: str, by: str | None, tenants: Sequence[str] | None, versions: frozenset[int] | None
    ) -> ReviewItem:
        """Nobody is at it any more; `by` None may take it from anybody. Raises as `claim`."""
        return await self._change(item_id, tenants, versions, lambda item: release(item, by, self._clock()))

    async def decide(
        self,
        item_id: str,
        decision: Decision,
        note: str | None,
        by: str,
        tenants: Sequence[str] | None,
        versions: frozenset[int] | None,
    ) -> ReviewItem:
        """A person said what it is; the alert hears of it. Raises as `claim`, and ActionRefused."""
        async with self._database.transaction() as connection:
            draft = await draft_of(connection, [item_id])  # the alert first, as every writer locks
            item = await _locked(connection, item_id, tenants, versions)
            decided = decide(item, decision, note, by, self._clock())
            if decided == item:
                return item
            await write_items(connection, [decided])
            tracked = draft.alerts[item_id]
            said = f"review: {decision.value}" + (f" – {note}" if note else "")
            resolution = RESOLUTION_OF[decision]
            is_open = tracked.alert.status is not AlertStatus.RESOLVED
            action = Resolve(resolution=resolution, note=said) if resolution and is_open else Remark(note=said)
            draft.take(apply_action(tracked, action, actor=by, now=self._clock()))
            await draft.write(connection)
            return (await locked_items(connection, [item_id]))[item_id]

    async def _change(
        self,
        item_id: str,
        tenants: Sequence[str] | None,
        versions: frozenset[int] | None,
        change: Callable[[ReviewItem], ReviewItem],
    ) -> ReviewItem:
        async with self._database.transaction() as connection:
            item = await _locked(connection, item_id, tenants, versions)
            after = change(item)
            if after != item:
                await write_items(connection, [after])
            return after


async def _locked(
    connection: Connection, item_id: str, tenants: Sequence[str] | None, versions: frozenset[int] | None
) -> ReviewItem:
    item = (await locked_items(connection, [item_id])).get(item_id)
    if item is None:
        raise ReviewNotFound(item_id)
    _visible(item, tenants)
    if versions is not None and item.version not in versions:
        raise ReviewChanged(item.version)
    return item


def _visible(item: ReviewItem, tenants: Sequence[str] | None) -> ReviewItem:
    if tenants is not None and item.tenant not in tenants:
        raise ReviewNotFound(item.id)
    return item
