"""The words of a large store: very many alerts, skewed as alerts are, and every combination of the list's filters."""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from connectors.store.database import Database
from connectors.store.listing import AlertFilter
from connectors.store.rows import AlertRow, row_of
from streams.model.rule import SEVERITY, AlertStatus, Rule, Severity
from tests.alert_words import Life, finding

#: Half of all alerts are the first tenant's.
TENANTS = tuple(str(number) for number in range(1, 41))
BIG, SMALL = TENANTS[0], TENANTS[-1]
SPAN_DAYS = 90
NEWEST = "2026-11-26T12:00:00.000Z"
#: Only these are ever snoozed with this rule: few, and of a small tenant.
RARE = (SMALL, Rule.MISSING_TENANT, AlertStatus.SNOOZED)
CHUNK = 50_000
STATEMENT_SECONDS_MAX = 600

_COLUMNS = ", ".join(AlertRow.__struct_fields__)
# Rules and tenants come with the square of a random number: a few have most.
_FILL = f"""
WITH drawn AS MATERIALIZED (
    SELECT n, md5('alert ' || n)::uuid AS id, random() AS standing,
           (CASE WHEN random() < 0.5 THEN 1 ELSE 2 + floor(39 * power(random(), 2)) END)::text AS tenant,
           ($2::text[])[1 + floor(cardinality($2::text[]) * power(random(), 2))::int] AS rule,
           date_trunc('milliseconds', $4::text::timestamptz - random() * interval '{SPAN_DAYS} days') AS updated_at
      FROM generate_series($5::int, $6::int) AS n
), told AS (
    SELECT n, id, tenant, rule, updated_at,
           CASE WHEN rule = 'never_synced' AND n % 10 = 0 THEN 'critical' ELSE $3::jsonb ->> rule END AS severity,
           CASE WHEN standing < 0.97 THEN 'resolved' WHEN standing < 0.99 THEN 'open'
                WHEN standing < 0.997 THEN 'acknowledged'
                WHEN rule <> '{RARE[1]}' OR tenant = '{RARE[0]}' THEN 'snoozed' ELSE 'open' END AS status
      FROM drawn
)
INSERT INTO data_consistency_alerts ({_COLUMNS})
SELECT {", ".join(f"filled.{name}" for name in AlertRow.__struct_fields__)}
  FROM told CROSS JOIN LATERAL jsonb_build_object(
           'id', id, 'tenant', tenant, 'rule', rule, 'severity', severity, 'status', status,
           'updated_at', to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
       ) AS changed CROSS JOIN LATERAL jsonb_populate_record(
           NULL::data_consistency_alerts,
           $1::jsonb || changed || jsonb_build_object(
               'subject_id', n::text,
               'alert', $1::jsonb -> 'alert' || changed
                        || jsonb_build_object('subject', jsonb_build_object('kind', 'booking', 'id', n::text)))
       ) AS filled
"""


async def fill(database: Database, count: int) -> None:
    """So many alerts over 90 days, of 40 tenants and every rule; the same ones each time."""
    tracked = Life().hears(finding("opened", 1)).tracked
    assert tracked is not None
    severity = {rule.value: SEVERITY[rule].value for rule in Rule}
    values = (msgspec.json.encode(row_of(tracked)).decode(), list(Rule), msgspec.json.encode(severity).decode(), NEWEST)
    async with database.connection() as connection:
        await connection.execute("SELECT setseed(0.25)")
        for first in range(1, count + 1, CHUNK):
            last = min(count, first + CHUNK - 1)
            await connection.execute(_FILL, *values, first, last, timeout=STATEMENT_SECONDS_MAX)
        await connection.execute("VACUUM (ANALYZE) data_consistency_alerts", timeout=STATEMENT_SECONDS_MAX)


class Combination(NamedTuple):
    """One way to ask for the list."""

    name: str
    wanted: AlertFilter


_TENANTS: dict[str, tuple[str, ...] | None] = {
    "all tenants": None,
    "half of all": (BIG,),
    "one small": (SMALL,),
    "five": (BIG, "7", "19", "33", SMALL),
    "all but one": TENANTS[1:],
    "unknown": ("nobody's",),
}
_STATUSES: dict[str, tuple[str, ...]] = {
    "": (),
    "open": (AlertStatus.OPEN,),
    "resolved": (AlertStatus.RESOLVED,),
    "snoozed": (AlertStatus.SNOOZED,),
    "unresolved": (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED, AlertStatus.SNOOZED),
}
_RULES: dict[str, tuple[str, ...]] = {
    "": (),
    "frequent rule": (Rule.ORPHANED_LOCAL,),
    "rare rule": (Rule.WEBHOOK_SUBSCRIPTION_DRIFT,),
    "three rules": (Rule.NEVER_SYNCED, RARE[1], Rule.END_TIME_DRIFT),
}
_SEVERITIES: dict[str, tuple[str, ...]] = {
    "": (),
    "critical": (Severity.CRITICAL,),
    "info (none)": (Severity.INFO,),
    "warning, info": (Severity.WARNING, Severity.INFO),
}


def combinations() -> Iterator[Combination]:
    """None, one, several and impossible values of every filter, with every other."""
    for parts in itertools.product(_TENANTS.items(), _STATUSES.items(), _RULES.items(), _SEVERITIES.items()):
        name = " · ".join(part for part, _ in parts if part)
        values: Any = [value for _, value in parts]
        yield Combination(
            name, AlertFilter(tenants=values[0], statuses=values[1], rules=values[2], severities=values[3])
        )
