"""`POST /v1/validate`: the application asks right after saving whether a call or appointment is whole."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import Response

from api import validation_metrics
from api.keys import Caller
from api.problems import Problem, bad_input
from api.responses import answers, json_response
from api.services import Services
from api.validation_bodies import ValidateBody
from connectors.store.known import known_of
from connectors.validation.asking import RowsAsker, RowsUnread
from connectors.validation.messages import RowsAnswer
from streams.configured import judgement_from
from streams.validation import not_there, references, validate
from streams.validation_words import Kind, Validation

log = structlog.get_logger()

RETRY_SECONDS = 1

DESCRIPTION = """
Two things are looked at: the rows, as the database has them now (one SELECT), and what is proved already of Cal.com's
side (the store's verdicts and alerts). Cal.com itself is not asked, so an answer takes some milliseconds; what Cal.com
has not told yet is `unknown` in `booking` and no failure. `reason` is the first of `details`, most telling first. A row
of another tenant is as absent as one that is not there.
"""


def build_router(services: Services) -> APIRouter:
    """One route. It changes nothing, so a viewer's key suffices."""
    asker = RowsAsker(services.database.dsn)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asker.close()

    router = APIRouter(tags=["validation"], lifespan=lifespan)
    viewer = services.keys.at_least("viewer")
    validator = _Validator(services, asker)

    @router.post(
        "/v1/validate",
        summary="Whether a call or appointment is whole, right after it was saved",
        description=DESCRIPTION,
        responses=answers(Validation, "Whole (`success`), or why not."),
        response_model=None,
    )
    async def validate_one(body: ValidateBody, caller: Annotated[Caller, Depends(viewer)]) -> Response:
        began = time.monotonic()
        validation = await validator.validation_of(body, caller)
        validation_metrics.validated(validation, time.monotonic() - began)
        return json_response(validation)

    return router


class _Validator:
    """Rows from the connectors process, facts from the store, judged here."""

    def __init__(self, services: Services, asker: RowsAsker) -> None:
        self._services = services
        self._asker = asker
        self._judgement = judgement_from(services.settings)

    async def validation_of(self, body: ValidateBody, caller: Caller) -> Validation:
        """The answer. Raises Problem (422, 503), StoreUnavailable."""
        kind, key = body.asked()
        if kind == "call" and not self._services.settings.source.has_calls:
            raise bad_input("call_id", key, "there is no table of calls here; allowed is appointment_id")
        answer = await self._rows(kind, key)
        asked = next(
            (
                row
                for row in answer.rows
                if (row.kind, row.id) == (kind, key) and _may_see(caller, body.tenant, row.tenant)
            ),
            None,
        )
        if asked is None:
            return not_there(kind, key, answer.read_at)
        own = [row for row in answer.rows if row.tenant == asked.tenant]
        known = await known_of(self._services.database, asked.tenant, references(own), own)
        return validate(asked, own, known, self._judgement, answer.read_at)

    async def _rows(self, kind: Kind, key: str) -> RowsAnswer:
        try:
            answer = await self._asker.ask(kind, key)
        except RowsUnread as unread:
            validation_metrics.UNREAD.inc()
            log.info("rows were not read for a validation", reason=str(unread))
            raise _unread("The rows could not be read in time. Ask again.") from None
        if answer.result != "read":
            validation_metrics.UNREAD.inc()
            log.warning("the database cannot answer a validation", reason=answer.why)
            raise _unread("The database cannot be asked this as it is configured; the log of connectors says why.")
        return answer


def _unread(detail: str) -> Problem:
    return Problem(503, "rows-unread", detail, headers={"Retry-After": str(RETRY_SECONDS)})


def _may_see(caller: Caller, asked_for: str | None, tenant: str) -> bool:
    """Rows without a tenant are for keys of all tenants."""
    if asked_for is not None and asked_for != tenant:
        return False
    return caller.tenants is None or tenant in caller.tenants
