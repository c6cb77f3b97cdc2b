"""`POST /v1/alerts/bulk`: one action on many alerts, tried first if asked to."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from starlette.responses import Response

from api.alerts import subject_of, visible_tenants
from api.bulk_bodies import AnyBulk, BulkBody, BulkFilter, action_of
from api.keys import Caller
from api.problems import Problem
from api.responses import answers, json_response
from api.services import Services
from connectors.store.alerts import wall_clock
from connectors.store.bulk import ALERTS_MAX, BulkAction, BulkAnswer, act, preview
from connectors.store.queries import AlertFilter, ids_of_alerts
from streams.alerts.actions import ActionMistaken
from streams.model.ids import parse_iso

DESCRIPTION = f"""
The alerts are named by `ids` (at most {ALERTS_MAX}) or by `filter`, as in the list; `params` is the body of the single
action. With `preview` nothing is changed, and the answer says what would be.

Each alert is answered for itself: `changed`, `unchanged` (it was so before, nothing is written), `refused` with the
reason, or `not_found`. Sent again it finds done what was done, but `notes` and `recheck` say their line each time.
"""

REQUESTS: dict[str, Any] = {
    "preview": {
        "summary": "What would be acknowledged",
        "value": {"action": "acknowledge", "filter": {"rule": ["orphaned_local"], "status": ["open"]}, "preview": True},
    },
    "resolve": {
        "summary": "Close two alerts",
        "value": {
            "action": "resolve",
            "params": {"resolution": "expected", "note": "Test bookings"},
            "ids": ["e9f7ded4-8814-53a6-9e1c-75f76957e487", "0b7f3c1e-50a6-5a0e-8d55-9b0c54a4ad3a"],
        },
    },
    "snooze": {
        "summary": "Be silent about a tenant for an hour",
        "value": {"action": "snooze", "params": {"for_seconds": 3600}, "filter": {"tenant": ["1"]}},
    },
}


def build_router(services: Services) -> APIRouter:
    """For keys of role operator, like the single actions."""
    router = APIRouter(tags=["actions"])
    operator = services.keys.at_least("operator")

    @router.post(
        "/v1/alerts/bulk",
        summary="Do one thing to many alerts, or see first what it would do",
        description=DESCRIPTION,
        responses=answers(BulkAnswer, "What became of each alert, or would."),
        response_model=None,
    )
    async def act_on_many(
        caller: Annotated[Caller, Depends(operator)], body: Annotated[BulkBody, Body(openapi_examples=REQUESTS)]
    ) -> Response:
        now = wall_clock()
        bulk = BulkAction(action=action_of(body, now), actor=caller.name, tenants=caller.tenants, now=now)
        ids = await _ids(services, caller, body)
        do = preview if body.preview else act
        try:
            return json_response(await do(services.database, ids, bulk))
        except ActionMistaken as mistaken:
            raise Problem(422, "invalid-request", str(mistaken)) from None

    return router


async def _ids(services: Services, caller: Caller, body: AnyBulk) -> tuple[str, ...]:
    if body.filter is None:
        return tuple(map(str, body.ids or ()))
    found = await ids_of_alerts(services.database, _wanted(caller, body.filter), limit=ALERTS_MAX + 1)
    if len(found) > ALERTS_MAX:
        detail = f"The filter fits more than {ALERTS_MAX} alerts. Narrow it, and act in several steps."
        raise Problem(422, "too-many-alerts", detail)
    return found


def _wanted(caller: Caller, asked: BulkFilter) -> AlertFilter:
    return AlertFilter(
        tenants=visible_tenants(caller, asked.tenant),
        statuses=tuple(asked.status),
        rules=tuple(asked.rule),
        severities=tuple(asked.severity),
        subject=None if asked.subject is None else subject_of(asked.subject),
        since=parse_iso(asked.since),
    )
