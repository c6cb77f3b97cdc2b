"""`/v1/review`: the queue of what a person must decide."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.alert_actions import IfMatch, versions_of
from api.alerts import canonical_id
from api.audit import about
from api.bodies import Word
from api.coverage import visible_tenants
from api.cursor import cursor_of, instant_of, not_a_cursor, parts_of
from api.keys import Caller
from api.problems import Problem, not_found
from api.responses import answers, json_response
from api.review_answers import ReviewEntry, ReviewPage, entry_of
from api.services import Services
from api.validation_bodies import DecideBody
from connectors.store.alerts import wall_clock
from connectors.store.review import PAGE_MAX, ReviewChanged, ReviewFilter, ReviewNotFound, ReviewPlace, ReviewQueue
from streams.alerts.actions import ActionRefused
from streams.alerts.review import IN_QUEUE, ReviewItem, ReviewReason, ReviewRefused, ReviewState

PAGE_DEFAULT = 50
FILTER_VALUES_MAX = 100

Several = Query(default_factory=list, max_length=FILTER_VALUES_MAX)
Change = Callable[[], Awaitable[ReviewItem]]


def build_router(services: Services) -> APIRouter:
    """Viewers see the queue of their tenants, operators work on it."""
    router = APIRouter(tags=["review"])
    queue = ReviewQueue(services.database, wall_clock)
    _add_reading(router, services, queue)
    _add_work(router, services, queue)
    return router


def _add_reading(router: APIRouter, services: Services, queue: ReviewQueue) -> None:
    viewer = services.keys.at_least("viewer")

    @router.get(
        "/v1/review",
        summary="What a person must decide, most urgent first",
        description="By priority (1 first, by reason), of one priority the one that waits longest. Without `state` "
        "what is in the queue: `pending` and `claimed`. An item leaves by itself when its alert ends.",
        responses=answers(ReviewPage, "One page."),
        response_model=None,
    )
    async def list_items(
        caller: Annotated[Caller, Depends(viewer)],
        state: Annotated[list[ReviewState], Several],
        reason: Annotated[list[ReviewReason], Several],
        priority: Annotated[list[Annotated[int, Query(ge=1, le=5)]], Several],
        tenant: Annotated[list[Word], Several],
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        wanted = ReviewFilter(
            tenants=visible_tenants(caller, tenant),
            states=tuple(state or sorted(IN_QUEUE)),
            reasons=tuple(reason),
            priorities=tuple(priority),
        )
        after = None if cursor is None else _place(cursor)
        found = await queue.page(wanted, limit=limit + 1, after=after)  # one more tells whether there is a next page
        page, now = found[:limit], wall_clock()
        last = page[-1] if len(found) > limit else None
        next_cursor = None if last is None else cursor_of(str(last.priority), last.queued_at, last.id)
        return json_response(ReviewPage(items=tuple(entry_of(item, now) for item in page), next_cursor=next_cursor))

    @router.get(
        "/v1/review/{item_id}",
        summary="One item of the queue, in it or not any more",
        description="Its id is its alert's.",
        responses=answers(ReviewEntry, "The item, with its version as ETag."),
        response_model=None,
    )
    async def read_item(item_id: str, caller: Annotated[Caller, Depends(viewer)]) -> Response:
        return await _answered(lambda: queue.one(canonical_id(item_id), caller.tenants))


def _add_work(router: APIRouter, services: Services, queue: ReviewQueue) -> None:
    operator = services.keys.at_least("operator")
    Operator = Annotated[Caller, Depends(operator)]
    answered = answers(ReviewEntry, "The item after it.")

    @router.post(
        "/v1/review/{item_id}/claim",
        summary="Say that you are at it",
        description="Others cannot claim or decide it until you release it; an admin may release it too.",
        responses=answered,
        response_model=None,
    )
    async def claim(item_id: str, caller: Operator, if_match: IfMatch = None) -> Response:
        versions = versions_of(if_match)
        return await _answered(lambda: queue.claim(canonical_id(item_id), caller.name, caller.tenants, versions))

    @router.post(
        "/v1/review/{item_id}/release",
        summary="Say that you are not at it any more",
        description="It goes back to its old place in the queue.",
        responses=answered,
        response_model=None,
    )
    async def release(item_id: str, caller: Operator, if_match: IfMatch = None) -> Response:
        versions, by = versions_of(if_match), None if caller.role == "admin" else caller.name
        return await _answered(lambda: queue.release(canonical_id(item_id), by, caller.tenants, versions))

    @router.post(
        "/v1/review/{item_id}/decide",
        summary="Say what it is",
        description="`mended`, `expected` and `false_positive` resolve the alert (`mended` as manual), `wait` leaves "
        "it open. The decision is in the alert's history.",
        responses=answered,
        response_model=None,
    )
    async def decide(item_id: str, caller: Operator, body: DecideBody, if_match: IfMatch = None) -> Response:
        versions = versions_of(if_match)
        return await _answered(
            lambda: queue.decide(canonical_id(item_id), body.decision, body.note, caller.name, caller.tenants, versions)
        )


async def _answered(change: Change) -> Response:
    """The item with its ETag. Raises Problem."""
    try:
        item = await change()
    except ReviewNotFound:
        raise not_found("item of the review queue") from None
    except ReviewChanged as changed:
        raise Problem(412, "precondition-failed", f"The item is at version {changed.current}. Read it again.") from None
    except (ReviewRefused, ActionRefused) as refused:
        raise Problem(409, "conflict", str(refused)) from None
    about(tenant=item.tenant, object_id=item.id)
    return json_response(entry_of(item, wall_clock()), headers={"ETag": f'"{item.version}"'})


def _place(cursor: str) -> ReviewPlace:
    priority, queued_at, item_id = parts_of(cursor, 3)
    try:
        place = ReviewPlace(priority=int(priority), queued_at=instant_of(queued_at), id=str(UUID(item_id)))
    except (ValueError, OverflowError):
        raise not_a_cursor(cursor) from None
    if not 1 <= place.priority <= 5:
        raise not_a_cursor(cursor)
    return place
