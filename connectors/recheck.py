"""People's wishes to have both sides read again, as questions on topic `plumbline.verifications`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol
from uuid import uuid5

from streams.model.ids import NAMESPACE, is_numeric
from streams.model.records import AnyQuestion, BookingQuestion, NumericQuestion, RowsQuestion

LOOK_SECONDS = 0.5
WISHES_AT_ONCE_MAX = 50
#: Marks a question that a person asked: its answer must not count as begun by the worker's clock.
RECHECK_PREFIX = "recheck:"
#: The worker's clock did not ask, so the answer counts from its arrival.
NOT_ASKED_BY_THE_WORKER = ""


class Wish(Protocol):
    """One row of table `recheck_requests`."""

    @property
    def id(self) -> int:
        """Its key."""

    @property
    def tenant(self) -> str:
        """Who asks."""

    @property
    def booking_uid(self) -> str | None:
        """The booking to read, a uid or a numeric id."""

    @property
    def appointment_id(self) -> str | None:
        """The appointment to read."""

    @property
    def call_id(self) -> str | None:
        """The call to read."""


def recheck_questions(wish: Wish) -> list[AnyQuestion]:
    """The questions that read everything again which the alert names."""
    questions: list[AnyQuestion] = []
    if wish.booking_uid:
        questions.append(_booking(wish, wish.booking_uid))
        questions.append(_rows(wish, "refs", booking_refs=(wish.booking_uid,)))
    if wish.appointment_id:
        questions.append(_rows(wish, "appointment", table="appointments", row_id=wish.appointment_id))
    if wish.call_id:
        questions.append(_rows(wish, "call", table="calls", row_id=wish.call_id))
        questions.append(_rows(wish, "of-call", call_id=wish.call_id))
    return questions


async def serve_rechecks(
    take: Callable[[int], Awaitable[Sequence[Wish]]],
    finish: Callable[[Sequence[int]], Awaitable[None]],
    ask: Callable[[AnyQuestion], Awaitable[None]],
) -> None:
    """Take wishes and ask their questions, for ever. A wish is finished once all its questions are on Kafka.

    Raises what the three raise; a wish that was taken and not finished is taken again by anybody later.
    """
    while True:
        wishes = await take(WISHES_AT_ONCE_MAX)
        for wish in wishes:
            await asyncio.gather(*(ask(question) for question in recheck_questions(wish)))
        if wishes:
            await finish([wish.id for wish in wishes])
        else:
            await asyncio.sleep(LOOK_SECONDS)


def _request_id(wish: Wish, what: str) -> str:
    return f"{RECHECK_PREFIX}{uuid5(NAMESPACE, f'recheck|{wish.id}|{what}')}"


def _booking(wish: Wish, ref: str) -> BookingQuestion | NumericQuestion:
    # Without the row's times a numeric id can only be found, never be proved absent: "unusable" then.
    if is_numeric(ref):
        return NumericQuestion(
            request_id=_request_id(wish, "booking"),
            tenant=wish.tenant,
            asked_at=NOT_ASKED_BY_THE_WORKER,
            purpose="proof",
            numeric_id=ref,
        )
    return BookingQuestion(
        request_id=_request_id(wish, "booking"),
        tenant=wish.tenant,
        asked_at=NOT_ASKED_BY_THE_WORKER,
        purpose="proof",
        uid=ref,
    )


def _rows(
    wish: Wish,
    what: str,
    *,
    table: Literal["appointments", "calls"] | None = None,
    row_id: str | None = None,
    booking_refs: tuple[str, ...] = (),
    call_id: str | None = None,
) -> RowsQuestion:
    return RowsQuestion(
        request_id=_request_id(wish, what),
        tenant=wish.tenant,
        asked_at=NOT_ASKED_BY_THE_WORKER,
        purpose="proof",
        table=table,
        row_id=row_id,
        booking_refs=booking_refs,
        call_id=call_id,
    )
