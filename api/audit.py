"""`GET /v1/audit`: who wrote what. And what a route says of the write in hand, for its line."""

from contextvars import ContextVar
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.bodies import Time, Word
from api.cursor import cursor_of_number, number_of
from api.keys import Caller
from api.responses import AuditPage, answers, json_response
from api.services import Services
from connectors.store.audit import AuditFilter, page_of_audit
from streams.model.ids import parse_iso

PAGE_MAX = 200
PAGE_DEFAULT = 50


class WriteInHand(msgspec.Struct):
    """What the write of this request is about, as far as its route said."""

    tenant: str | None = None
    object_id: str | None = None


_in_hand: ContextVar[WriteInHand | None] = ContextVar("write_in_hand", default=None)


def take_in_hand() -> WriteInHand:
    """A new write begins: what `about` will say belongs to it."""
    write = WriteInHand()
    _in_hand.set(write)
    return write


def about(*, tenant: str | None, object_id: str | None = None) -> None:
    """Say whose object the write concerns; without `object_id` the path's last parameter stands in the audit."""
    write = _in_hand.get()
    if write is not None:
        write.tenant = tenant
        write.object_id = object_id


def build_router(services: Services) -> APIRouter:
    """One route, for administrators: a key sees lines about its own tenants, and of keys that see no more than it."""
    router = APIRouter(tags=["audit"])
    admin = services.keys.at_least("admin")

    @router.get(
        "/v1/audit",
        summary="Who wrote what, newest first",
        description="Every write with a known key, accepted or refused, but for those that the rate limit turned away.",
        responses=answers(AuditPage, "One page."),
        response_model=None,
    )
    async def read_audit(
        caller: Annotated[Caller, Depends(admin)],
        actor: Annotated[Word | None, Query(description="a key's name")] = None,
        object_id: Annotated[Word | None, Query(description="such as an alert's id")] = None,
        since: Annotated[Time | None, Query(description="written at or after")] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        wanted = AuditFilter(tenants=caller.tenants, actor=actor, object_id=object_id, since=parse_iso(since))
        before = None if cursor is None else number_of(cursor)
        # One more than asked for tells whether there is a next page.
        found = await page_of_audit(services.database, wanted, limit=limit + 1, before=before)
        page = found[:limit]
        next_cursor = cursor_of_number(page[-1][0]) if len(found) > limit else None
        return json_response(AuditPage(items=tuple(line for _, line in page), next_cursor=next_cursor))

    return router
