"""`/v1/silences`: what somebody wants to hear nothing of for a while; a maintenance window begins later."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field, model_validator
from starlette.responses import Response

from api.alerts import subject_of
from api.audit import about
from api.bodies import Body, Text, Time, Word
from api.keys import Caller
from api.notice_answers import MadeSilence, SilenceList
from api.problems import Problem, bad_input, not_found
from api.responses import answers, json_response
from api.services import Services
from connectors.store.alerts import wall_clock
from connectors.store.silences import (
    TooManySilences,
    WrittenSilence,
    alerts_silenced,
    end_silence,
    list_silences,
    make_silence,
)
from streams.model.ids import Instant, parse_iso
from streams.model.rule import Rule, Severity
from streams.notices.silences import SILENCE_DAYS_MAX, SILENCE_MS_MAX, Matchers

LIST_MAX = 200
LIST_DEFAULT = 50
VALUES_MAX = 100
LABELS_MAX = 20


class SilenceBody(Body):
    """What to be silent about: all that is named must fit. At least one matcher, or it would be about everything."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tenants": ["1"],
                    "rules": ["stuck_pending"],
                    "starts_at": "2026-11-26T22:00:00.000Z",
                    "ends_at": "2026-11-27T02:00:00.000Z",
                    "comment": "The booking system moves to another host",
                    "preview": True,
                }
            ]
        }
    )

    tenants: Annotated[tuple[Word, ...], Field(max_length=VALUES_MAX)] = ()
    rules: Annotated[tuple[Rule, ...], Field(max_length=VALUES_MAX)] = ()
    severities: Annotated[tuple[Severity, ...], Field(max_length=VALUES_MAX)] = ()
    labels: Annotated[dict[Word, Word], Field(max_length=LABELS_MAX)] = Field(default_factory=dict)
    subject: Annotated[Word | None, Field(description="kind:id")] = None
    starts_at: Annotated[Time | None, Field(description="now, if it is not given")] = None
    ends_at: Time
    comment: Text
    preview: Annotated[bool, Field(description="only count the alerts that it fits")] = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.tenants or self.rules or self.severities or self.labels or self.subject):
            raise ValueError("allowed is at least one of tenants, rules, severities, labels, subject")
        return self

    def span(self, now: Instant) -> tuple[Instant, Instant]:
        """From when to when. Raises Problem (422)."""
        starts_at, ends_at = parse_iso(self.starts_at) or now, parse_iso(self.ends_at)
        assert ends_at is not None
        if ends_at <= max(starts_at, now):
            raise bad_input("ends_at", self.ends_at, "allowed is an instant in the future and after starts_at")
        if ends_at - now > SILENCE_MS_MAX:
            raise bad_input("ends_at", self.ends_at, f"allowed is an instant at most {SILENCE_DAYS_MAX} days ahead")
        return starts_at, ends_at


def build_router(services: Services) -> APIRouter:
    """Seen by viewers, made and ended by operators, each within the tenants of their key."""
    router = APIRouter(tags=["silences"])
    _add_reading(router, services)
    _add_making(router, services)
    return router


def _add_reading(router: APIRouter, services: Services) -> None:
    viewer = services.keys.at_least("viewer")

    @router.get(
        "/v1/silences",
        summary="What is silenced, newest first",
        description="A key of some tenants sees the silences that are about these alone.",
        responses=answers(SilenceList, "Silences that hold or are to come; with `ended` the others too."),
        response_model=None,
    )
    async def read_silences(
        caller: Annotated[Caller, Depends(viewer)],
        ended: Annotated[bool, Query(description="those that have ended too")] = False,
        limit: Annotated[int, Query(ge=1, le=LIST_MAX)] = LIST_DEFAULT,
    ) -> Response:
        found = await list_silences(services.database, caller.tenants, ended=ended, limit=limit, now=wall_clock())
        return json_response(SilenceList(items=found))


def _add_making(router: APIRouter, services: Services) -> None:
    operator = services.keys.at_least("operator")
    labels = {tenant.id: tenant.labels for tenant in services.settings.tenants}

    @router.post(
        "/v1/silences",
        summary="Be silent about some alerts for a while",
        description="Alerts stay as they are, their beginnings are not told. What still stands when it ends is told "
        "then; the end of an alert is told where its beginning was. With `preview` nothing is made.",
        responses=answers(MadeSilence, "The silence, and how many unresolved alerts it fits."),
        response_model=None,
    )
    async def silence(caller: Annotated[Caller, Depends(operator)], body: SilenceBody) -> Response:
        matchers, now = _matchers(body, caller), wall_clock()
        starts_at, ends_at = body.span(now)
        fits = await alerts_silenced(services.database, matchers, labels)
        if body.preview:
            return json_response(MadeSilence(fits=fits, silence=None))
        try:
            made = await make_silence(
                services.database,
                matchers,
                starts_at=starts_at,
                ends_at=ends_at,
                comment=body.comment,
                author=caller.name,
                now=now,
            )
        except TooManySilences:
            raise Problem(409, "conflict", "There are too many silences that have not ended. End some.") from None
        about(tenant=_one_of(matchers.tenants), object_id=made.id)
        return json_response(MadeSilence(fits=fits, silence=made))

    @router.post(
        "/v1/silences/{silence_id}/end",
        summary="End a silence before its time",
        description="What it kept back and still stands is told within seconds. One that has ended stays as it is.",
        responses=answers(WrittenSilence, "The silence after it."),
        response_model=None,
    )
    async def end(silence_id: str, caller: Annotated[Caller, Depends(operator)]) -> Response:
        known = _canonical(silence_id)
        ended = await end_silence(services.database, known, caller.tenants, actor=caller.name, now=wall_clock())
        if ended is None:
            raise not_found("silence")
        about(tenant=_one_of(ended.tenants), object_id=ended.id)
        return json_response(ended)


def _matchers(body: SilenceBody, caller: Caller) -> Matchers:
    """What the body says, within the caller's tenants. Raises Problem (422)."""
    tenants = tuple(dict.fromkeys(body.tenants)) or caller.tenants
    strangers = [tenant for tenant in tenants or () if caller.tenants is not None and tenant not in caller.tenants]
    if strangers:
        raise bad_input("tenants", strangers[0], f"allowed are {', '.join(caller.tenants or ())}")
    return Matchers(
        tenants=tenants or None,
        rules=body.rules,
        severities=body.severities,
        labels=body.labels,
        subject=None if body.subject is None else subject_of(body.subject),
    )


def _one_of(tenants: tuple[str, ...] | None) -> str | None:
    return tenants[0] if tenants is not None and len(tenants) == 1 else None


def _canonical(silence_id: str) -> str:
    try:
        return str(UUID(silence_id))
    except ValueError:
        raise not_found("silence") from None
