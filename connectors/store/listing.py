"""The list of alerts as one statement that is quick for every combination of filters, however many alerts there are.

An index holds the list's order (newest change first) only behind columns that each have one value. So a filtered list
is merged from *groups*: parts of the table in which each of an index's leading columns has one value. Of the groups in
question only those with the newest alerts can add to a page, and of each of these at most a page is read, mostly less:

    groups ──newest alert of each──▶ the `limit` newest groups ──`limit` alerts of each──▶ the `limit` newest alerts

Nothing is scanned and thrown away, whatever is rare; the cost grows with the number of groups. Where tenants are asked
for together with something else, the groups are those that were ever counted (connectors/store/counts.py).
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import msgspec

from connectors.store.instants import moment
from streams.model.ids import Instant
from streams.model.rule import AlertStatus, Rule, Severity


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


class Statement(NamedTuple):
    """A statement with the values of its parameters."""

    text: str
    values: tuple[object, ...]


class _Groups(NamedTuple):
    """SQL that gives a row for each group, by the columns that have one value in it."""

    text: str
    columns: tuple[str, ...]


class _Parameters:
    """Values by the numbers that stand for them; only names of ours go into a statement's text."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def __call__(self, value: object) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


_TENANTS = "SELECT unnest({tenants}::text[]) AS tenant"
_KINDS = """
SELECT status, rule, severity
  FROM unnest({statuses}::text[]) AS status, unnest({rules}::text[]) AS rule, unnest({severities}::text[]) AS severity
"""
_TENANTS_KINDS = """
SELECT tenant, status, rule, severity FROM (
    TABLE alert_counts UNION ALL TABLE alert_count_changes
) AS counted
 WHERE tenant = ANY({tenants}::text[]) AND status = ANY({statuses}::text[])
   AND rule = ANY({rules}::text[]) AND severity = ANY({severities}::text[])
 GROUP BY tenant, status, rule, severity
"""
# Where the newest groups fill a page with their heads, nothing older than these can be on it.
# The scalar subquery at the end keeps the planner from reading the whole table to join so few rows.
_MERGED = """
WITH groups AS MATERIALIZED ({groups}),
newest AS MATERIALIZED (
    SELECT one.*, head.updated_at, head.id
      FROM groups AS one CROSS JOIN LATERAL ({first}) AS head
     ORDER BY head.updated_at DESC, head.id DESC LIMIT {limit}
), full_page AS MATERIALIZED (
    SELECT updated_at FROM newest OFFSET {limit} - 1
), places AS MATERIALIZED (
    SELECT place.updated_at, place.id
      FROM newest AS one CROSS JOIN LATERAL ({page}) AS place
     ORDER BY place.updated_at DESC, place.id DESC LIMIT {limit}
)
SELECT (SELECT alert FROM data_consistency_alerts WHERE id = places.id) AS alert
  FROM places ORDER BY updated_at DESC, id DESC
"""
_ON_THE_PAGE = "alerts.updated_at >= COALESCE((SELECT updated_at FROM full_page), '-infinity')"
_UNORDERED = """
WITH groups AS MATERIALIZED ({groups})
SELECT place.id FROM groups AS one CROSS JOIN LATERAL ({page}) AS place LIMIT {limit}
"""
_ORDERED = """
SELECT {columns} FROM data_consistency_alerts AS alerts
 WHERE {clauses} ORDER BY alerts.updated_at DESC, alerts.id DESC LIMIT {limit}
"""


def listed(wanted: AlertFilter, *, limit: int, after: Position | None) -> Statement:
    """Column `alert`: newest change first, at most `limit`, those behind `after`."""
    parameter = _Parameters()
    most, span = parameter(limit), _span(wanted, after, parameter)
    groups = _groups(wanted, parameter)
    if groups is None:
        text = _ORDERED.format(columns="alerts.alert", clauses=_single(wanted, span, parameter), limit=most)
    else:
        first = _of_a_group(groups, span)(limit=1)
        page = _of_a_group(groups, [*span, _ON_THE_PAGE])(limit=most)
        text = _MERGED.format(groups=groups.text, first=first, page=page, limit=most)
    return Statement(text, tuple(parameter.values))


def unordered_ids(wanted: AlertFilter, *, limit: int) -> Statement:
    """Column `id`: at most `limit` of these alerts, whichever."""
    parameter = _Parameters()
    most, span = parameter(limit), _span(wanted, None, parameter)
    groups = _groups(wanted, parameter)
    if groups is None:
        text = _ORDERED.format(columns="alerts.id", clauses=_single(wanted, span, parameter), limit=most)
    else:
        text = _UNORDERED.format(groups=groups.text, page=_of_a_group(groups, span)(limit=most), limit=most)
    return Statement(text, tuple(parameter.values))


def _single(wanted: AlertFilter, span: list[str], parameter: _Parameters) -> str:
    """The clauses of one scan, in order and filtered: of all alerts, or of one subject, which has few."""
    return " AND ".join([*span, *_filters(wanted, parameter)]) or "true"


def _of_a_group(groups: _Groups, span: list[str]) -> Callable[..., str]:
    """The scan of group `one`; it lacks its limit."""
    same = [f"alerts.{column} = one.{column}" for column in groups.columns]
    return partial(_ORDERED.format, columns="alerts.updated_at, alerts.id", clauses=" AND ".join([*same, *span]))


def _span(wanted: AlertFilter, after: Position | None, parameter: _Parameters) -> list[str]:
    """Which stretch of the order."""
    span = []
    if wanted.since is not None:
        span.append(f"alerts.updated_at >= {parameter(moment(wanted.since))}")
    if after is not None:
        place = f"{parameter(moment(after.updated_at))}, {parameter(after.id)}::uuid"
        span.append(f"(alerts.updated_at, alerts.id) < ({place})")
    return span


def _groups(wanted: AlertFilter, parameter: _Parameters) -> _Groups | None:
    """The groups to be merged; None where one scan does it."""
    of_some_kinds = wanted.statuses or wanted.rules or wanted.severities
    if wanted.subject is not None or (wanted.tenants is None and not of_some_kinds):
        return None
    asked: dict[str, str] = {}
    if wanted.tenants is not None:
        asked["tenants"] = parameter(_once(wanted.tenants))
    if not of_some_kinds:
        return _Groups(_TENANTS.format(**asked), ("tenant",))
    asked["statuses"] = parameter(_once(wanted.statuses or AlertStatus))
    asked["rules"] = parameter(_once(wanted.rules or Rule))
    asked["severities"] = parameter(_once(wanted.severities or Severity))
    if wanted.tenants is None:
        return _Groups(_KINDS.format(**asked), ("status", "rule", "severity"))
    return _Groups(_TENANTS_KINDS.format(**asked), ("tenant", "status", "rule", "severity"))


def _once(values: Iterable[str]) -> list[str]:
    """Each value once: a group that is named twice would be listed twice."""
    return list(dict.fromkeys(values))


def _filters(wanted: AlertFilter, parameter: _Parameters) -> list[str]:
    """The filters as conditions of one scan."""
    clauses = []
    if wanted.subject is not None:
        kind, subject_id = wanted.subject
        clauses.append(f"alerts.subject_kind = {parameter(kind)} AND alerts.subject_id = {parameter(subject_id)}")
    for column, allowed in (
        ("tenant", wanted.tenants),
        ("status", wanted.statuses or None),
        ("rule", wanted.rules or None),
        ("severity", wanted.severities or None),
    ):
        if allowed is not None:
            clauses.append(f"alerts.{column} = ANY({parameter(list(allowed))}::text[])")
    return clauses
