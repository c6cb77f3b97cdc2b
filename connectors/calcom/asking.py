"""Answering one question over all the accounts that may know: by uid, or by list passes for a numeric id."""

import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from connectors.calcom.answers import BookingAnswer, Found, Missing, Unavailable, Unusable, best_of
from connectors.calcom.booking import Booking
from connectors.calcom.client import CalcomClient
from connectors.calcom.listing import Walk, Window, created_between, started_between, walk
from connectors.calcom.ownership import Ownership
from connectors.calcom.queue import CalcomQuestion, numeric_id_of
from connectors.calcom.quota import Priority
from streams.model.records import NumericQuestion

#: Around the row's start, and around its creation (design §4).
AROUND = timedelta(days=1)
PASSES_OF_AN_ABSENCE = 2

#: Which account answered, and what.
Told = tuple[str, BookingAnswer]


async def ask_uid(
    clients: Sequence[CalcomClient],
    ownership: Ownership,
    tenant: str,
    uid: str,
    priority: Priority,
    starts_at: str | None,
) -> Told:
    """Ask the accounts one after the other until one has it. `clients` is not empty."""
    told: list[Told] = []
    for client in clients:
        answer = await client.booking(uid, priority, starts_at)
        told.append((client.account, ownership.placed(answer, client.account, tenant)))
        if isinstance(told[-1][1], Found):
            break
    return _best(told)


async def ask_numeric(
    clients: Sequence[CalcomClient],
    ownership: Ownership,
    tenant: str,
    question: CalcomQuestion,
    others: Collection[str],
    priority: Priority,
) -> dict[str, Told]:
    """Two list passes over each account for the question's numeric id; `others` are numeric ids that wait
    too.

    The question's own id always has an answer: missing only after both passes were complete at every account.
    The others are among the answers only if they were seen on the way.
    """
    mine = numeric_id_of(question)
    began_at = time.time()
    windows = windows_of(question)
    wanted = {mine, *others}
    seen: dict[str, Told] = {}
    told: list[Told] = []
    for client in clients:
        failures: list[Unavailable | Unusable] = []
        for window in windows:
            one = await _look_for(client, window, wanted, mine, priority)
            for found in one.found:
                numeric_id = str(found.booking["id"])
                seen[numeric_id] = (client.account, ownership.placed(found, client.account, tenant))
            if mine in seen:
                return seen
            if one.failure is not None:
                failures.append(one.failure)
        told.append((client.account, _absence(failures, len(windows), began_at)))
    return {**seen, mine: _best(told)}


async def _look_for(
    client: CalcomClient, window: Window, wanted: Collection[str], mine: str, priority: Priority
) -> Walk:
    """Read the window until its end, or until `mine` was seen."""
    seen: set[str] = set()

    def wants(booking: Booking) -> bool:
        numeric_id = str(booking["id"])
        seen.add(numeric_id)
        return numeric_id in wanted

    return await walk(client, window, wants, priority, worth_going_on=lambda _, __: mine not in seen)


def windows_of(question: CalcomQuestion) -> list[Window]:
    """The windows in which the booking must stand if it is there; fewer than two prove no absence."""
    starts_at = question.matters_at
    created_at = None
    if isinstance(question, NumericQuestion):
        starts_at = question.starts_at or question.matters_at
        created_at = question.created_at
    windows = []
    if starts_at:
        start = datetime.fromisoformat(starts_at)
        windows.append(started_between(start - AROUND, start + AROUND))
    if created_at:
        created = datetime.fromisoformat(created_at)
        windows.append(created_between(created - AROUND, created + AROUND))
    return windows


def _absence(failures: Sequence[Unavailable | Unusable], passes: int, began_at: float) -> BookingAnswer:
    if failures:
        return failures[0]
    if passes < PASSES_OF_AN_ABSENCE:
        return Unusable(reason="too little is known to look for the numeric id", began_at=began_at)
    return Missing(began_at=began_at, http_status=200)


def _best(told: list[Told]) -> Told:
    best = best_of([answer for _, answer in told])
    return next((account, answer) for account, answer in told if answer is best)
