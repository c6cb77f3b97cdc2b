"""`POST /v1/alerts/{id}/<action>`: what people do, each answered with the whole alert."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from starlette.responses import Response

from api.alerts import canonical_id
from api.audit import about
from api.bodies import AssignBody, NoteBody, RemarkBody, ResolveBody, SnoozeBody
from api.keys import Caller
from api.problems import Problem, not_found
from api.responses import alert_response, answers
from api.services import Services
from connectors.store.alerts import AlertNotFound, VersionConflict, wall_clock
from streams.alerts import actions
from streams.alerts.alert import Alert
from streams.model.rule import Resolution

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')

IfMatch = Annotated[str | None, Header(description="The ETag that was seen; 412 if the alert changed since.")]
Act = Callable[[str, Caller, str | None, actions.PersonsAction], Awaitable[Response]]


def build_router(services: Services) -> APIRouter:
    """All actions need a key of role operator."""
    router = APIRouter(
        prefix="/v1/alerts/{alert_id}", tags=["actions"], responses=answers(Alert, "The alert after it.")
    )
    operator = services.keys.at_least("operator")
    act = _acting(services)
    _add_attention(router, operator, act)
    _add_endings(router, operator, act)
    _add_words(router, operator, act)
    return router


def _acting(services: Services) -> Act:
    async def act(alert_id: str, caller: Caller, if_match: str | None, action: actions.PersonsAction) -> Response:
        try:
            alert = await services.store.act(
                canonical_id(alert_id),
                action,
                actor=caller.name,
                tenants=caller.tenants,
                versions=versions_of(if_match),
            )
        except AlertNotFound:
            raise not_found("alert") from None
        except VersionConflict as conflict:
            raise Problem(
                412, "precondition-failed", f"The alert is at version {conflict.current}. Read it again."
            ) from None
        except actions.ActionMistaken as mistaken:
            raise Problem(422, "invalid-request", str(mistaken)) from None
        except actions.ActionRefused as refused:
            raise Problem(409, "conflict", str(refused)) from None
        about(tenant=alert.tenant, object_id=alert.id)
        return alert_response(alert, caller)

    return act


def _add_attention(router: APIRouter, operator: Callable[..., Awaitable[Caller]], act: Act) -> None:
    """Who looks after it, and when."""
    Operator = Annotated[Caller, Depends(operator)]

    @router.post(
        "/acknowledge",
        summary="Somebody looks after it",
        description="Nobody else need look; notices about it stop until it changes.",
        response_model=None,
    )
    async def acknowledge(
        alert_id: str, caller: Operator, body: NoteBody | None = None, if_match: IfMatch = None
    ) -> Response:
        return await act(alert_id, caller, if_match, actions.Acknowledge(note=_note(body)))

    @router.post(
        "/unacknowledge",
        summary="Nobody looks after it any more",
        description="Takes the acknowledgement back: the alert is open again.",
        response_model=None,
    )
    async def unacknowledge(
        alert_id: str, caller: Operator, body: NoteBody | None = None, if_match: IfMatch = None
    ) -> Response:
        return await act(alert_id, caller, if_match, actions.Unacknowledge(note=_note(body)))

    @router.post(
        "/snooze",
        summary="Be silent for a while",
        description="No notices until then. Exactly one of the fields says when it ends; it always does.",
        response_model=None,
    )
    async def snooze(alert_id: str, caller: Operator, body: SnoozeBody, if_match: IfMatch = None) -> Response:
        return await act(alert_id, caller, if_match, body.action(wall_clock()))

    @router.post(
        "/assign",
        summary="Say whose it is",
        description="A name of your choice; null gives it back.",
        response_model=None,
    )
    async def assign(alert_id: str, caller: Operator, body: AssignBody, if_match: IfMatch = None) -> Response:
        return await act(alert_id, caller, if_match, actions.Assign(assignee=body.assignee, note=body.note))


def _add_endings(router: APIRouter, operator: Callable[..., Awaitable[Caller]], act: Act) -> None:
    """Close and open."""
    Operator = Annotated[Caller, Depends(operator)]

    @router.post(
        "/resolve",
        summary="Close it, and say why",
        description="`manual` ends when the fault is found later than it was said; other reasons hold for the episode.",
        response_model=None,
    )
    async def resolve(alert_id: str, caller: Operator, body: ResolveBody, if_match: IfMatch = None) -> Response:
        action = actions.Resolve(resolution=Resolution(body.resolution), note=body.note)
        return await act(alert_id, caller, if_match, action)

    @router.post(
        "/reopen",
        summary="Take a resolution back",
        description="The alert stands as it did before it was resolved.",
        response_model=None,
    )
    async def reopen(
        alert_id: str, caller: Operator, body: NoteBody | None = None, if_match: IfMatch = None
    ) -> Response:
        return await act(alert_id, caller, if_match, actions.Reopen(note=_note(body)))


def _add_words(router: APIRouter, operator: Callable[..., Awaitable[Caller]], act: Act) -> None:
    """Notes and questions; the alert itself stays as it is."""
    Operator = Annotated[Caller, Depends(operator)]

    @router.post(
        "/notes",
        summary="Write a line into its history",
        description="The alert stays as it is; the line stands in its history for good.",
        response_model=None,
    )
    async def note(alert_id: str, caller: Operator, body: RemarkBody, if_match: IfMatch = None) -> Response:
        return await act(alert_id, caller, if_match, actions.Remark(note=body.text))

    @router.post(
        "/recheck",
        summary="Have both sides read again",
        description="Both sides are asked again; what they show comes as a change of the alert.",
        response_model=None,
    )
    async def recheck(
        alert_id: str, caller: Operator, body: NoteBody | None = None, if_match: IfMatch = None
    ) -> Response:
        return await act(alert_id, caller, if_match, actions.Recheck(note=_note(body)))


def _note(body: NoteBody | None) -> str | None:
    return body.note if body is not None else None


def versions_of(if_match: str | None) -> frozenset[int] | None:
    """The versions that If-Match names; None for any. What is no ETag of ours matches nothing."""
    if if_match is None or if_match.strip() == "*":
        return None
    return frozenset(int(version) for version in _ETAG.findall(if_match))
