"""The figures of a period, read from the store in one snapshot, so that they agree with one another."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import msgspec

from connectors.store.booking_minutes import measure, measured
from connectors.store.database import Connection, Database
from connectors.store.period import Scope
from connectors.store.statistics import (
    RuleCount,
    detection_seconds,
    peaks,
    resolutions,
    resolving_seconds,
    response,
    review_waiting,
    rows_made,
    rule_counts,
    standings,
    unmatched,
)
from streams.alerts.alert import iso_text
from streams.reports.figures import Counted, Figures, RuleFigures, Standing, TenantLine, figures_of
from streams.reports.objective import Inconsistent, Measured, WrongTime

#: Tenants listed beside one another, those with most alerts first.
TENANT_LINES_MAX = 200


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Connection]:
    """One connection that sees the store as of now until it is given back. Raises StoreUnavailable."""
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def figures_in(connection: Connection, scope: Scope) -> Figures:
    """Of all tenants of the scope together."""
    counts = await rule_counts(connection, scope)
    stood = await standings(connection, scope)
    seen = await measured(connection, scope)
    calls, appointments = await rows_made(connection, scope)
    worst = await peaks(connection, scope)
    return figures_of(
        Counted(
            tenant=scope.label,
            since=iso_text(scope.since),
            until=iso_text(scope.until),
            measured=seen,
            inconsistent=await _inconsistent(connection, scope, seen),
            rules=_by_rule(counts),
            resolutions=await resolutions(connection, scope),
            detection=await detection_seconds(connection, scope),
            response=await response(connection, scope),
            resolving=await resolving_seconds(connection, scope),
            standing=_together(stood.values()),
            calls=calls,
            appointments=appointments,
            review_waiting=await review_waiting(connection, scope),
            unmatched=await unmatched(connection, scope),
            orphans_last_day=worst.orphans,
            failed_verifications_peak=worst.failed,
            tenants=_by_tenant(counts, stood),
        )
    )


async def _inconsistent(connection: Connection, scope: Scope, seen: Iterable[Measured]) -> Inconsistent:
    spans = {one.tenant: one.spans for one in seen}
    wrong = WrongTime(lambda tenant: spans.get(tenant, ()))
    await measure(connection, scope, wrong)
    return Inconsistent(lasted_ms=sum(map(sum, wrong.by_tenant())), bookings=wrong.bookings)


def _by_rule(counts: Iterable[RuleCount]) -> tuple[RuleFigures, ...]:
    found: dict[tuple[str, str], RuleFigures] = {}
    for one in counts:
        kept = found.get((one.rule, one.severity)) or RuleFigures(rule=one.rule, severity=one.severity)
        found[one.rule, one.severity] = msgspec.structs.replace(
            kept,
            opened=kept.opened + one.opened,
            baseline=kept.baseline + one.baseline,
            resolved=kept.resolved + one.resolved,
            open=kept.open + one.open,
        )
    return tuple(found[key] for key in sorted(found))


def _by_tenant(counts: Iterable[RuleCount], stood: dict[str, Standing]) -> tuple[TenantLine, ...]:
    opened: defaultdict[str, list[RuleCount]] = defaultdict(list, {tenant: [] for tenant in stood})
    for one in counts:
        opened[one.tenant].append(one)
    lines = []
    for tenant, mine in opened.items():
        standing = stood.get(tenant)
        lines.append(
            TenantLine(
                tenant=tenant,
                opened=sum(one.opened for one in mine),
                resolved=sum(one.resolved for one in mine),
                open=sum(one.open for one in mine),
                in_sync=standing.in_sync if standing else None,
                differing=standing.differing if standing else None,
                unknown=standing.unknown if standing else None,
            )
        )
    lines.sort(key=lambda line: (-line.opened, -line.open, line.tenant))
    return tuple(lines[:TENANT_LINES_MAX])


def _together(stood: Iterable[Standing]) -> Standing | None:
    """All tenants at once, as old as the oldest of them."""
    known = list(stood)
    if not known:
        return None
    return Standing(
        at=min(one.at for one in known),
        in_sync=sum(one.in_sync for one in known),
        differing=sum(one.differing for one in known),
        unknown=sum(one.unknown for one in known),
    )
