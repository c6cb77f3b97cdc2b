"""`GET /v1/alerts`, one alert, its history."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response

from api.bodies import Time, Word
from api.cursor import cursor_after, position_of
from api.keys import Caller
from api.problems import bad_input, not_found
from api.responses import AlertPage, History, alert_response, answers, etag, json_response, names_version, visible
from api.services import Services
from connectors.store.queries import PAGE_MAX, AlertFilter, history_of, one_alert, page_of_alerts
from streams.alerts.alert import Alert
from streams.model.ids import parse_iso
from streams.model.rule import AlertStatus, Rule, Severity, SubjectKind

PAGE_DEFAULT = 50
FILTER_VALUES_MAX = 100

Several = Query(default_factory=list, max_length=FILTER_VALUES_MAX)


def build_router(services: Services) -> APIRouter:
    """Reading; what people do to alerts is in `alert_actions`."""
    router = APIRouter(tags=["alerts"])
    viewer = services.keys.at_least("viewer")

    @router.get(
        "/v1/alerts",
        summary="Alerts, newest change first",
        description="Every filter may be repeated; without `status` resolved alerts are listed too.",
        responses=answers(AlertPage, "One page."),
        response_model=None,
    )
    async def list_alerts(
        caller: Annotated[Caller, Depends(viewer)],
        status: Annotated[list[AlertStatus], Several],
        rule: Annotated[list[Rule], Several],
        severity: Annotated[list[Severity], Several],
        tenant: Annotated[list[Word], Several],
        subject: Annotated[Word | None, Query(description="kind:id", examples=["appointment:17"])] = None,
        since: Annotated[Time | None, Query(description="changed at or after")] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        wanted = AlertFilter(
            tenants=visible_tenants(caller, tenant),
            statuses=tuple(status),
            rules=tuple(rule),
            severities=tuple(severity),
            subject=None if subject is None else subject_of(subject),
            since=parse_iso(since),
        )
        after = None if cursor is None else position_of(cursor)
        # One more than asked for tells whether there is a next page.
        found = await page_of_alerts(services.database, wanted, limit=limit + 1, after=after)
        page = found[:limit]
        next_cursor = cursor_after(page[-1]) if len(found) > limit else None
        return json_response(AlertPage(items=tuple(visible(alert, caller) for alert in page), next_cursor=next_cursor))

    @router.get(
        "/v1/alerts/{alert_id}",
        summary="One alert",
        description="With its version as ETag, for If-Match of a write and If-None-Match of the next read.",
        responses=answers(Alert, "The alert.") | {304: {"description": "Still the version of If-None-Match."}},
        response_model=None,
    )
    async def read_alert(
        alert_id: str,
        caller: Annotated[Caller, Depends(viewer)],
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        alert = await _visible_alert(services, alert_id, caller)
        if if_none_match is not None and names_version(if_none_match, alert):
            return Response(status_code=304, headers={"ETag": etag(alert)})
        return alert_response(alert, caller)

    @router.get(
        "/v1/alerts/{alert_id}/history",
        summary="What happened to an alert, oldest first",
        description="Every change by people and by Plumbline, over all episodes.",
        responses=answers(History, "Every change: when, who, what, from, to, note."),
        response_model=None,
    )
    async def read_history(alert_id: str, caller: Annotated[Caller, Depends(viewer)]) -> Response:
        alert = await _visible_alert(services, alert_id, caller)
        return json_response(History(items=await history_of(services.database, alert.id)))

    return router


def canonical_id(alert_id: str) -> str:
    """The id in its usual form. Raises Problem (404) for what is no id of ours."""
    try:
        return str(UUID(alert_id))
    except ValueError:
        raise not_found("alert") from None


async def _visible_alert(services: Services, alert_id: str, caller: Caller) -> Alert:
    alert = await one_alert(services.database, canonical_id(alert_id), caller.tenants)
    if alert is None:
        raise not_found("alert")
    return alert


def visible_tenants(caller: Caller, asked: Sequence[str]) -> tuple[str, ...] | None:
    """Of the tenants asked for (none: all) those that the caller may see; None is every tenant."""
    if caller.tenants is None:
        return tuple(asked) or None
    return tuple(tenant for tenant in caller.tenants if not asked or tenant in asked)


def subject_of(text: str) -> tuple[str, str]:
    """`kind:id` as a pair. Raises Problem (422)."""
    kind, colon, subject_id = text.partition(":")
    kinds = [kind.value for kind in SubjectKind]
    if kind not in kinds or not colon or not subject_id:
        raise bad_input("subject", text, f"allowed is kind:id with kind one of {', '.join(kinds)}")
    return kind, subject_id
