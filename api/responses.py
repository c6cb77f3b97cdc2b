"""Alerts and lists as responses, and their examples for the OpenAPI document."""

from typing import Any

import msgspec
from starlette.responses import Response

from api import coverage_examples, examples, notice_answers, report_examples, review_answers
from api.coverage_answers import CircuitBreakers, CoveragePage
from api.keys import Caller
from api.review_answers import ReviewEntry, ReviewPage, SyncFailurePage
from connectors.store.audit import WrittenLine
from connectors.store.bulk import BulkAnswer
from connectors.store.queries import HistoryLine
from connectors.store.verdicts import Consistency
from connectors.store.webhook_stats import WebhookStats
from streams.alerts.alert import Alert, for_tenants_own_eyes
from streams.reports.figures import Figures
from streams.reports.report import DailyReport
from streams.validation_words import Validation


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page; `next_cursor` is null on the last."""

    items: tuple[Alert, ...]
    next_cursor: str | None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """An alert's history, oldest first."""

    items: tuple[HistoryLine, ...]


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page; `next_cursor` is null on the last."""

    items: tuple[WrittenLine, ...]
    next_cursor: str | None


def json_response(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Any of our structs as JSON."""
    return Response(msgspec.json.encode(value), status_code=status, headers=headers, media_type="application/json")


def alert_response(alert: Alert, caller: Caller) -> Response:
    """One alert with its ETag, as far as this caller may see it."""
    return json_response(visible(alert, caller), headers={"ETag": etag(alert)})


def visible(alert: Alert, caller: Caller) -> Alert:
    """Restricted evidence is for keys of all tenants."""
    return alert if caller.tenants is None else for_tenants_own_eyes(alert)


def etag(alert: Alert) -> str:
    """The version, as a strong ETag."""
    return f'"{alert.version}"'


def names_version(if_none_match: str, alert: Alert) -> bool:
    """Whether a list of ETags names the alert's version, weakly compared; `*` names any."""
    named = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return bool(named & {"*", etag(alert)})


#: Every struct that a route answers with, and an example of it for the OpenAPI document.
EXAMPLES: dict[type, dict[str, Any]] = {
    AlertPage: examples.PAGE,
    Alert: examples.ALERT,
    History: examples.HISTORY,
    Consistency: examples.CONSISTENCY,
    WebhookStats: examples.WEBHOOK_STATS,
    AuditPage: examples.AUDIT_PAGE,
    BulkAnswer: examples.BULK,
    CoveragePage: coverage_examples.PAGE,
    Validation: review_answers.VALIDATION,
    ReviewPage: review_answers.REVIEW_PAGE,
    ReviewEntry: review_answers.REVIEW_ENTRY,
    SyncFailurePage: review_answers.SYNC_FAILURES,
    CircuitBreakers: coverage_examples.BREAKERS,
    Figures: report_examples.FIGURES,
    DailyReport: report_examples.REPORT,
    **notice_answers.EXAMPLES,
}


def answers(struct: type, description: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with one of our structs (it stands in EXAMPLES); errors are added."""
    schema = {"$ref": f"#/components/schemas/{struct.__name__}"}
    return {
        200: {
            "description": description,
            "content": {"application/json": {"schema": schema}},
        },
    }
