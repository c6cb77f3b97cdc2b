"""`GET /v1/notices`, `GET /v1/alerts/{id}/notices`: what was told where and when, or why not."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.alerts import canonical_id
from api.bodies import Time, Word
from api.cursor import cursor_of_number, number_of
from api.keys import Caller
from api.notice_answers import NoticePage, NoticesOfAlert
from api.problems import not_found
from api.responses import answers, json_response
from api.services import Services
from connectors.store.notice_log import NoticeFilter, notices_of_alert, page_of_notices
from connectors.store.queries import one_alert
from streams.alerts.notice import NoticeState, Reason
from streams.model.ids import parse_iso

PAGE_MAX = 200
PAGE_DEFAULT = 50


def build_router(services: Services) -> APIRouter:
    """Reading the notification log."""
    router = APIRouter(tags=["notices"])
    viewer = services.keys.at_least("viewer")

    @router.get(
        "/v1/notices",
        summary="The notification log, newest first",
        description="For each alert and configured channel: sent, when, why, or why not. `reason` is a closed list.",
        responses=answers(NoticePage, "One page."),
        response_model=None,
    )
    async def list_notices(
        caller: Annotated[Caller, Depends(viewer)],
        channel: Annotated[Word | None, Query(description="as routes name it", examples=["slack"])] = None,
        state: Annotated[NoticeState | None, Query()] = None,
        reason: Annotated[Reason | None, Query()] = None,
        since: Annotated[Time | None, Query(description="decided at or after")] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        wanted = NoticeFilter(
            tenants=caller.tenants, channel=channel, state=state, reason=reason, since=parse_iso(since)
        )
        before = None if cursor is None else number_of(cursor)
        # One more than asked for tells whether there is a next page.
        found = await page_of_notices(services.database, wanted, limit=limit + 1, before=before)
        page = found[:limit]
        next_cursor = cursor_of_number(page[-1][0]) if len(found) > limit else None
        return json_response(NoticePage(items=tuple(line for _, line in page), next_cursor=next_cursor))

    @router.get(
        "/v1/alerts/{alert_id}/notices",
        summary="Who was told of an alert, and who was not",
        description="The notification log of one alert over all channels, oldest first: sent, when, why, or why not.",
        responses=answers(NoticesOfAlert, "Every notice of it."),
        response_model=None,
    )
    async def read_notices(alert_id: str, caller: Annotated[Caller, Depends(viewer)]) -> Response:
        alert = await one_alert(services.database, canonical_id(alert_id), caller.tenants)
        if alert is None:
            raise not_found("alert")
        return json_response(NoticesOfAlert(items=await notices_of_alert(services.database, alert.id)))

    return router
