"""One action of a person on many alerts: tried first and told what would happen, or done.

Done in transactions of ALERTS_PER_TRANSACTION alerts, in the order of their ids as all writers lock them. What a
transaction did stays done if a later one fails, and doing it again finds it done: `unchanged`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from connectors.store.database import Connection, Database
from connectors.store.draft import Draft, draft_of
from connectors.store.rechecks import request_recheck
from connectors.store.rows import tracked_of
from streams.alerts.actions import ActionMistaken, ActionRefused, PersonsAction, Recheck, Remark, apply_action
from streams.alerts.alert import Alert, Step, Through, TrackedAlert
from streams.model.ids import Instant
from streams.model.rule import AlertStatus

ALERTS_MAX = 1_000
ALERTS_PER_TRANSACTION = 100

_TO_LOOK_AT = "SELECT id, alert, ledger FROM data_consistency_alerts WHERE id = ANY($1::uuid[])"

Outcome = Literal["changed", "unchanged", "refused", "not_found"]


class BulkItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one alert, or would: `status` and `version` are those after it, `reason` says why refused."""

    id: str
    outcome: Outcome
    status: AlertStatus | None = None
    version: int | None = None
    reason: str | None = None


class BulkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all of them. `by_rule` and `by_status` count the `matched` alerts as they were before."""

    preview: bool
    matched: int
    by_rule: dict[str, int]
    by_status: dict[str, int]
    changed: int
    unchanged: int
    refused: int
    not_found: int
    items: tuple[BulkItem, ...]


class BulkAction(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, by whom, when; `tenants` None is all, and other tenants' alerts are not found."""

    action: PersonsAction
    actor: str
    tenants: tuple[str, ...] | None
    now: Instant
    through: Through = "api"


class _Tried(msgspec.Struct, frozen=True):
    """One alert as it was, what is told about it, and the step to take, if there is one."""

    known: TrackedAlert | None
    item: BulkItem
    step: Step | None = None


async def preview(database: Database, ids: Sequence[str], bulk: BulkAction) -> BulkAnswer:
    """What `act` would do now; nothing is changed. Raises ActionMistaken, StoreUnavailable."""
    tried: list[_Tried] = []
    for part in _parts(ids):
        async with database.connection() as connection:
            found = {str(row["id"]): tracked_of(row) for row in await connection.fetch(_TO_LOOK_AT, part)}
        tried += [_try(alert_id, found.get(alert_id), bulk) for alert_id in part]
    return _answer(tried, previewed=True)


async def act(database: Database, ids: Sequence[str], bulk: BulkAction) -> BulkAnswer:
    """Do it. Raises ActionMistaken before anything is changed, StoreUnavailable perhaps in between."""
    tried: list[_Tried] = []
    for part in _parts(ids):
        async with database.transaction() as connection:
            draft = await draft_of(connection, part)
            now_tried = [_try(alert_id, draft.alerts.get(alert_id), bulk) for alert_id in part]
            for one in now_tried:
                await _take(connection, draft, one.step, bulk)
            await draft.write(connection)
        tried += now_tried
    return _answer(tried, previewed=False)


def _parts(ids: Sequence[str]) -> Iterator[list[str]]:
    ordered = sorted(set(ids))
    assert len(ordered) <= ALERTS_MAX
    return (ordered[at : at + ALERTS_PER_TRANSACTION] for at in range(0, len(ordered), ALERTS_PER_TRANSACTION))


def _try(alert_id: str, known: TrackedAlert | None, bulk: BulkAction) -> _Tried:
    if known is None or (bulk.tenants is not None and known.alert.tenant not in bulk.tenants):
        return _Tried(None, BulkItem(id=alert_id, outcome="not_found"))
    try:
        step = apply_action(known, bulk.action, actor=bulk.actor, now=bulk.now, through=bulk.through)
    except ActionMistaken:
        raise
    except ActionRefused as refused:
        return _Tried(known, _item(known.alert, "refused", str(refused)))
    # A remark on an alert that stays as it is would come again with each repeat; what only speaks is said each time.
    if step.tracked == known and not isinstance(bulk.action, Remark | Recheck):
        return _Tried(known, _item(known.alert, "unchanged"))
    return _Tried(known, _item(step.tracked.alert, "changed"), step)


def _item(alert: Alert, outcome: Outcome, reason: str | None = None) -> BulkItem:
    return BulkItem(id=alert.id, outcome=outcome, status=alert.status, version=alert.version, reason=reason)


async def _take(connection: Connection, draft: Draft, step: Step | None, bulk: BulkAction) -> None:
    if step is None:
        return
    if isinstance(bulk.action, Recheck):
        await request_recheck(connection, step.tracked.alert, bulk.actor)
    draft.take(step)


def _answer(tried: Sequence[_Tried], *, previewed: bool) -> BulkAnswer:
    before = [one.known.alert for one in tried if one.known is not None]
    outcomes = Counter(one.item.outcome for one in tried)
    return BulkAnswer(
        preview=previewed,
        matched=len(before),
        by_rule=dict(Counter(alert.rule.value for alert in before)),
        by_status=dict(Counter(alert.status.value for alert in before)),
        changed=outcomes["changed"],
        unchanged=outcomes["unchanged"],
        refused=outcomes["refused"],
        not_found=outcomes["not_found"],
        items=tuple(one.item for one in tried),
    )
