"""`GET /v1/stats`: what was found in a period, how fast, what became of it, and how consistent bookings were."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.bodies import Time, Word
from api.coverage import visible_tenants
from api.keys import Caller
from api.problems import bad_input
from api.responses import answers, json_response
from api.services import Services
from connectors.reports.collect import figures_in, snapshot
from connectors.store.alerts import wall_clock
from connectors.store.period import Scope
from streams.alerts.alert import iso_text
from streams.model.ids import Instant, parse_iso
from streams.model.source_records import EVERY_TENANT
from streams.reports.figures import Figures

FILTER_VALUES_MAX = 100
DAY_MS = 86_400_000
DAYS_MAX = 93

DESCRIPTION = (
    "The last 24 h unless `since` and `until` say otherwise. `opened` counts by detection, `open` at the end of the "
    "period; `baseline` are alerts about faults older than the installation. Detection is measured from the fault's "
    "beginning, grace included; the first answer from the detection, of alerts that stood for longer than "
    "`limit_seconds`. `objective` counts booking-minutes in the hours that were measured. `thresholds` are the figures "
    "that are watched. A tenant of whom nothing is known, or whom the key may not see, has no figures."
)


def build_router(services: Services) -> APIRouter:
    """One route; a key sees the figures of its own tenants."""
    router = APIRouter(tags=["statistics"])
    viewer = services.keys.at_least("viewer")

    @router.get(
        "/v1/stats",
        summary="Figures of a period",
        description=DESCRIPTION,
        responses=answers(Figures, "Of all tenants asked for together, and the busiest beside one another."),
        response_model=None,
    )
    async def stats(
        caller: Annotated[Caller, Depends(viewer)],
        tenant: Annotated[list[Word], Query(default_factory=list, max_length=FILTER_VALUES_MAX)],
        since: Annotated[Time | None, Query(description="24 h before `until` unless given")] = None,
        until: Annotated[Time | None, Query(description=f"now unless given; at most {DAYS_MAX} days behind")] = None,
    ) -> Response:
        begin, end = _period(since, until, wall_clock())
        scope = Scope(since=begin, until=end, tenants=visible_tenants(caller, tenant), label=label_of(caller, tenant))
        async with snapshot(services.database) as connection:
            figures = await figures_in(connection, scope)
        return json_response(figures)

    return router


def label_of(caller: Caller, asked: list[str]) -> str:
    """The tenant's id where the figures are one tenant's, else "*"."""
    names = asked or list(caller.tenants or ())
    return names[0] if len(names) == 1 else EVERY_TENANT


def _period(since: str | None, until: str | None, now: Instant) -> tuple[Instant, Instant]:
    """Half open; an end that lies ahead is now. Raises Problem (422)."""
    end = min(parse_iso(until) or now, now)
    begin = parse_iso(since) or Instant(end - DAY_MS)
    if not begin < end:
        raise bad_input("since", since, f"allowed is an instant before {iso_text(end)}")
    if end - begin > DAYS_MAX * DAY_MS:
        raise bad_input("since", since, f"allowed is at most {DAYS_MAX} days before {iso_text(end)}")
    return begin, end
