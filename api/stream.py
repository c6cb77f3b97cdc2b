"""`GET /v1/alerts/stream`: every change as a server-sent event, resumable over reconnects and replicas.

The id of an event is the outbox's sequence number, so any process can go on where another was cut off. A block without
data only moves the id: a reader whose filters let nothing through need not be led through all of it again.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Query
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.responses import Response

from api import examples
from api.alerts import Several, visible_tenants
from api.bodies import Word
from api.keys import Caller
from api.responses import visible
from api.services import Services
from connectors.store.database import StoreUnavailable
from connectors.store.listing import AlertFilter
from connectors.store.tail import PositionLost, Tail
from streams.alerts.alert import Alert
from streams.model.rule import AlertStatus, Rule, Severity

HEARTBEAT_SECONDS = 15.0
#: Before a store that is away is asked again.
TRY_AGAIN_SECONDS = 1.0
#: How long a browser waits before it connects again.
RECONNECT_MS = 2_000
SEQUENCE_MAX = 2**63 - 1

DESCRIPTION = f"""
Server-sent events. Each change of an alert that the key may see, and that passes the filters after the change, is an
`event: alert`: `data` is the whole alert as `GET /v1/alerts/{{id}}` shows it, `id` a position. `Last-Event-ID` resumes
behind a position, at any process, without gap or repetition; browsers send it by themselves. Without it the stream
begins with what comes next.

A block of nothing but an `id` moves the position: the first of a stream, and one at least every
{HEARTBEAT_SECONDS:.0f} s. `event: reset` says that the position is not kept any more (changes are kept for 7 days):
list the alerts again; the stream goes on from now. A change may be told that the list already shows: compare `version`.

Filtered by status, an alert that leaves that status is told no more: filter by status only what may be missed.
"""
EXAMPLE = (
    f": from here on\r\nid: 4711\r\nretry: {RECONNECT_MS}\r\n\r\n"
    f"id: 4712\r\nevent: alert\r\ndata: {msgspec.json.encode(examples.ALERT).decode()}\r\n\r\n"
)

_CONTENT: dict[str, Any] = {"schema": {"type": "string"}, "example": EXAMPLE}

Asked = Annotated[int | None, Query(ge=0, le=SEQUENCE_MAX, description="For readers that cannot set the header.")]
AskedByHeader = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=SEQUENCE_MAX, description="The last `id` seen; the query counts less."),
]


class EventStream(EventSourceResponse):
    """Text of events. Heartbeats come from the stream itself: they carry a position, so they must come in order."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[ServerSentEvent]) -> None:
        super().__init__(events, media_type=self.media_type, ping=0)


def build_router(services: Services) -> APIRouter:
    """One route."""
    router = APIRouter(tags=["alerts"])
    viewer = services.keys.at_least("viewer")

    async def admitted(caller: Annotated[Caller, Depends(viewer)]) -> AsyncIterator[Tail]:
        with services.readers.admitted(caller.name) as tail:
            yield tail  # until the stream has ended

    @router.get(
        "/v1/alerts/stream",
        status_code=200,  # the class of the answer does not say it, and the OpenAPI document wants to know
        summary="Changes of alerts as they come",
        description=DESCRIPTION,
        responses={200: {"description": "Until somebody hangs up.", "content": {EventStream.media_type: _CONTENT}}},
        response_class=EventStream,
        response_model=None,
    )
    async def stream_alerts(
        caller: Annotated[Caller, Depends(viewer)],
        tail: Annotated[Tail, Depends(admitted)],
        status: Annotated[list[AlertStatus], Several],
        rule: Annotated[list[Rule], Several],
        severity: Annotated[list[Severity], Several],
        tenant: Annotated[list[Word], Several],
        by_header: AskedByHeader = None,
        last_event_id: Asked = None,
    ) -> Response:
        wanted = AlertFilter(
            tenants=visible_tenants(caller, tenant),
            statuses=tuple(status),
            rules=tuple(rule),
            severities=tuple(severity),
        )
        asked = last_event_id if by_header is None else by_header
        kept = await tail.extent()
        # A position that was never given is of another store, or of one that was set back.
        lost = asked is not None and not kept.pruned_through <= asked <= kept.newest
        first = _reset(kept.newest) if lost else _here(kept.newest if asked is None else asked)
        return EventStream(_events(tail, first, wanted, caller))

    return router


async def _events(
    tail: Tail, first: ServerSentEvent, wanted: AlertFilter, caller: Caller
) -> AsyncIterator[ServerSentEvent]:
    """From the first block until the tail is closed; a reader that hangs up ends it where it stands."""
    yield first
    position, due = int(str(first.id)), time.monotonic() + HEARTBEAT_SECONDS
    while not tail.closed:
        try:
            page = await tail.behind(position)
        except StoreUnavailable:
            page = ()
            await asyncio.sleep(TRY_AGAIN_SECONDS)
        except PositionLost:  # so slow that the pruning overtook it; connected again it is told to list
            return
        for entry in page:
            position = entry.sequence
            if _is_wanted(entry.alert, wanted):
                yield _told(position, visible(entry.alert, caller))
                due = time.monotonic() + HEARTBEAT_SECONDS
                # Writing need not wait: without this a page is written before others, or a hang-up, have their turn.
                await asyncio.sleep(0)
        if time.monotonic() >= due:
            yield ServerSentEvent(id=str(position), comment="heartbeat")
            due = time.monotonic() + HEARTBEAT_SECONDS
        if not page:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - time.monotonic())):
                    await tail.until_moved(position)


def _is_wanted(alert: Alert, wanted: AlertFilter) -> bool:
    return (
        (wanted.tenants is None or alert.tenant in wanted.tenants)
        and (not wanted.statuses or alert.status in wanted.statuses)
        and (not wanted.rules or alert.rule in wanted.rules)
        and (not wanted.severities or alert.severity in wanted.severities)
    )


def _told(position: int, alert: Alert) -> ServerSentEvent:
    return ServerSentEvent(msgspec.json.encode(alert).decode(), id=str(position), event="alert")


def _here(position: int) -> ServerSentEvent:
    return ServerSentEvent(id=str(position), retry=RECONNECT_MS, comment="from here on")


def _reset(position: int) -> ServerSentEvent:
    reason = "The position is not kept any more: list the alerts again."
    return ServerSentEvent(msgspec.json.encode({"reason": reason}).decode(), id=str(position), event="reset")
