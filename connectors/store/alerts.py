"""Findings and people's actions into the alert table, each batch one transaction with history and outbox."""

import time
from collections.abc import Callable, Sequence
from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from connectors.store.database import Connection, Database
from connectors.store.draft import draft_of
from connectors.store.rechecks import request_recheck
from streams.alerts.actions import PersonsAction, Recheck, apply_action
from streams.alerts.alert import Alert, Step, Through, TrackedAlert, iso_text
from streams.alerts.lifecycle import apply_finding
from streams.alerts.pages import Pages
from streams.alerts.passing import HOUR_MS, end_snooze, expire_acknowledgement
from streams.alerts.restating import apply_absence, apply_presence, is_restated
from streams.alerts.surroundings import Surroundings
from streams.model.ids import NEVER, Instant, parse_iso
from streams.model.records import Finding, FindingRecord, Restatement

#: Alerts that one transaction of `end_snoozes` or `expire_acknowledgements` changes.
PASS_MAX = 500

#: What the worker restates: all but the alerts about sources, which are none of its findings.
_STANDING = """
SELECT id FROM data_consistency_alerts WHERE tenant = $1 AND standing AND subject_kind <> 'source'
"""
_NEWER_RESTATEMENT = """
INSERT INTO restatements (tenant, at) VALUES ($1, $2::text::timestamptz)
ON CONFLICT (tenant) DO UPDATE SET at = EXCLUDED.at WHERE restatements.at < EXCLUDED.at
RETURNING tenant
"""
_SNOOZES_OVER = """
SELECT id FROM data_consistency_alerts
WHERE snoozed_until <= $1::text::timestamptz ORDER BY snoozed_until LIMIT $2
"""
_ACKNOWLEDGED_BEFORE = """
SELECT id FROM data_consistency_alerts
WHERE status = 'acknowledged' AND acknowledged_at <= $1::text::timestamptz ORDER BY acknowledged_at LIMIT $2
"""


class AlertNotFound(Exception):
    """There is no such alert, or not for this tenant."""


class VersionConflict(Exception):
    """The alert changed since the version that the caller saw."""

    def __init__(self, current: int) -> None:
        super().__init__(f"the alert is at version {current}")
        self.current = current


def wall_clock() -> Instant:
    """This machine's time: for what people read, never for what decides."""
    return Instant(int(time.time() * 1000))


class AlertStore:
    """The one place that writes alerts. `timezone_of` names a tenant's IANA zone, `account_of` its one account."""

    def __init__(
        self,
        database: Database,
        *,
        timezone_of: Callable[[str], str] = lambda _: "UTC",
        account_of: Callable[[str], str | None] = lambda _: None,
        pages: Pages | None = None,
        clock: Callable[[], Instant] = wall_clock,
    ) -> None:
        self._database = database
        self._zone_of = cache(lambda tenant: ZoneInfo(timezone_of(tenant)))
        self._account_of = account_of
        self._pages = pages or Pages()
        self._clock = clock
        self._installed_at: Instant | None = None

    async def apply(self, records: Sequence[FindingRecord]) -> int:
        """Apply findings and restatements in their order, all or none; how many changes people can see.

        Raises StoreUnavailable, or the driver's error for a record that the store refuses.
        """
        async with self._database.transaction() as connection:
            installed_at = await self._installation(connection)
            changes = 0
            for part in _parts(records):
                if isinstance(part, Restatement):
                    changes += await self._restate(connection, part)
                else:
                    changes += await self._find(connection, part, installed_at)
            return changes

    async def act(
        self,
        alert_id: str,
        action: PersonsAction,
        *,
        actor: str,
        tenants: Sequence[str] | None,
        versions: frozenset[int] | None,
        through: Through = "api",
    ) -> Alert:
        """Do what a person asks, `through` one of our doors.

        `tenants` None is all; `versions` are those the person saw, None is any.
        Raises AlertNotFound, VersionConflict, ActionRefused, StoreUnavailable.
        """
        async with self._database.transaction() as connection:
            draft = await draft_of(connection, [alert_id])
            tracked = draft.alerts.get(alert_id)
            if tracked is None or (tenants is not None and tracked.alert.tenant not in tenants):
                raise AlertNotFound(alert_id)
            if versions is not None and tracked.alert.version not in versions:
                raise VersionConflict(tracked.alert.version)
            step = apply_action(tracked, action, actor=actor, now=self._clock(), through=through)
            if isinstance(action, Recheck):
                await request_recheck(connection, step.tracked.alert, actor)
            if step.change is not None or step.tracked != tracked:
                draft.take(step)
                await draft.write(connection)
            return step.tracked.alert

    async def end_snoozes(self) -> int:
        """Wake the alerts whose snooze ran out; how many, at most PASS_MAX at a time."""
        now = self._clock()
        return await self._let_pass(_SNOOZES_OVER, iso_text(now), lambda tracked: end_snooze(tracked, now))

    async def expire_acknowledgements(self, hours: float) -> int:
        """Take back the acknowledgements that are older than so many hours (0: none); how many, at most PASS_MAX."""
        if not hours:
            return 0
        now = self._clock()
        given_by = iso_text(Instant(now - round(hours * HOUR_MS)))
        return await self._let_pass(
            _ACKNOWLEDGED_BEFORE, given_by, lambda tracked: expire_acknowledgement(tracked, now, hours)
        )

    async def _let_pass(self, due: str, instant: str, step_of: Callable[[TrackedAlert], Step | None]) -> int:
        async with self._database.transaction() as connection:
            rows = await connection.fetch(due, instant, PASS_MAX)
            if not rows:
                return 0
            draft = await draft_of(connection, [str(row["id"]) for row in rows])
            for tracked in list(draft.alerts.values()):
                step = step_of(tracked)
                if step is not None:
                    draft.take(step)
            await draft.write(connection)
            return len(draft.touched)

    async def _find(self, connection: Connection, findings: Sequence[Finding], installed_at: Instant) -> int:
        draft = await draft_of(connection, [finding.alert_id for finding in findings])
        for finding in findings:
            around = Surroundings(
                now=self._clock(),
                installed_at=installed_at,
                zone=self._zone(finding.tenant),
                pages=self._pages,
                account=self._account_of(finding.tenant),
            )
            step = apply_finding(draft.alerts.get(finding.alert_id), finding, around)
            if step is not None:
                draft.take(step)
        await draft.write(connection)
        return len(draft.changes)

    async def _restate(self, connection: Connection, restatement: Restatement) -> int:
        if await connection.fetchval(_NEWER_RESTATEMENT, restatement.tenant, restatement.at) is None:
            return 0
        standing = await connection.fetch(_STANDING, restatement.tenant)
        draft = await draft_of(connection, [*(str(row["id"]) for row in standing), *dict(restatement.open)])
        at, now = parse_iso(restatement.at) or NEVER, self._clock()
        for tracked in list(draft.alerts.values()):
            restated = is_restated(tracked, restatement)
            if restated is None:
                continue
            step = (apply_presence if restated else apply_absence)(tracked, at, now)
            if step is not None:
                draft.take(step)
        await draft.write(connection)
        return len(draft.changes)

    async def _installation(self, connection: Connection) -> Instant:
        if self._installed_at is None:
            installed_at = await connection.fetchval("SELECT installed_at FROM installation")
            self._installed_at = Instant(int(installed_at.timestamp() * 1000))
        return self._installed_at

    def _zone(self, tenant: str) -> tzinfo:
        return self._zone_of(tenant)


def _parts(records: Sequence[FindingRecord]) -> list[list[Finding] | Restatement]:
    """Runs of findings, and restatements alone: a restatement counts against what stands before it."""
    parts: list[list[Finding] | Restatement] = []
    for record in records:
        if isinstance(record, Restatement):
            parts.append(record)
        elif parts and isinstance(parts[-1], list):
            parts[-1].append(record)
        else:
            parts.append([record])
    return parts
