"""`GET /v1/reports/daily`: the report of a day as JSON, text or HTML."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BeforeValidator
from starlette.responses import Response

from api import report_examples
from api.bodies import Word
from api.coverage import visible_tenants
from api.keys import Caller
from api.problems import bad_input
from api.responses import answers, json_response
from api.services import Services
from api.stats import label_of
from connectors.notify.audience import audience_of
from connectors.reports.html import html_of
from connectors.reports.material import DayOutOfReach, Reporter, ReportOrder
from connectors.reports.text import text_of
from connectors.store.alerts import wall_clock
from streams.reports.report import DailyReport

Format = Literal["json", "text", "html"]
MEDIA_TYPES: dict[str, Format] = {"text/html": "html", "text/plain": "text", "application/json": "json"}
#: Nothing is loaded and nothing runs, whatever should ever stand in a text.
HTML_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def _written(text: object) -> object:
    """Pydantic would take a number of seconds for a day, too."""
    if isinstance(text, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError("allowed is a day such as 2026-11-20")
    return text


Day = Annotated[date, BeforeValidator(_written)]

DESCRIPTION = (
    "Five sections: summary, inconsistency breakdown, top issues with what their alerts have in common, trend against "
    "the week before, action items; before them the coverage, as of now. Yesterday unless `date` is given. One "
    "tenant's day is a day in its time zone, else in UTC; of a day that is not over it tells the hours until now. "
    "`format`, else `Accept`, chooses JSON (the contract), text of 80 columns, or one HTML document that loads nothing."
)


def build_router(services: Services) -> APIRouter:
    """One route; a key gets the report of its own tenants."""
    router = APIRouter(tags=["statistics"])
    viewer = services.keys.at_least("viewer")
    reporter = Reporter(services.settings, services.database, wall_clock)
    name_of = audience_of(services.settings).name_of

    @router.get(
        "/v1/reports/daily",
        summary="The report of a day",
        description=DESCRIPTION,
        responses=_answers(),
        response_model=None,
    )
    async def daily(
        caller: Annotated[Caller, Depends(viewer)],
        day: Annotated[Day | None, Query(alias="date", examples=["2026-11-20"])] = None,
        tenant: Annotated[Word | None, Query(description="one tenant's id")] = None,
        form: Annotated[Format | None, Query(alias="format")] = None,
        accept: Annotated[str | None, Header(max_length=1_000, include_in_schema=False)] = None,
    ) -> Response:
        asked = [] if tenant is None else [tenant]
        order = ReportOrder(
            day=day or datetime.now(UTC).date() - timedelta(days=1),
            tenants=visible_tenants(caller, asked),
            tenant=label_of(caller, asked),
        )
        try:
            report = await reporter.report(order)
        except DayOutOfReach as error:
            raise bad_input("date", order.day, str(error)) from None
        match form or _accepted(accept):
            case "text":
                return Response(text_of(report, name_of), media_type="text/plain", headers={"Vary": "Accept"})
            case "html":
                headers = {**HTML_HEADERS, "Vary": "Accept"}
                return Response(html_of(report, name_of), media_type="text/html", headers=headers)
            case _:
                return json_response(report, headers={"Vary": "Accept"})

    return router


def _accepted(accept: str | None) -> Format:
    """The first of our forms that the header names; JSON where it names none."""
    named = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",")]
    return next((MEDIA_TYPES[name] for name in named if name in MEDIA_TYPES), "json")


def _answers() -> dict[int | str, dict[str, Any]]:
    described = answers(DailyReport, "The report, in the form that was asked for.")
    for media_type, example in report_examples.FORMS.items():
        described[200]["content"][media_type] = {"schema": {"type": "string"}, "example": example}
    return described
