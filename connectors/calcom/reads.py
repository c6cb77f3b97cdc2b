"""Records of topic `calcom.bookings`: one read of Cal.com, told under the tenant that asked or owns it."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from connectors.calcom.answers import BookingAnswer, Elsewhere, Found, Missing, Unavailable, Unusable
from connectors.calcom.booking import Booking
from connectors.calcom.queue import CalcomQuestion
from connectors.recheck import RECHECK_PREFIX
from streams.model.ids import iso, parse_iso
from streams.model.records import BookingRead, ReadReason

#: Puts one read on Kafka under the tenant; returns after the acknowledgement, raises KafkaError.
Publish = Callable[[str, BookingRead], Awaitable[None]]


def read_of_answer(answer: BookingAnswer, account: str, asked: str, questions: Sequence[CalcomQuestion]) -> BookingRead:
    """What is told to those who asked. `asked` is the uid or numeric id; a found numeric id is told by its
    uid."""
    booking = answer.booking if isinstance(answer, Found) else None
    numeric_found = booking is not None and asked == str(booking["id"])
    return BookingRead(
        account=account,
        uid=str(booking["uid"]) if booking is not None and numeric_found else asked,
        read_at=_now(),
        reason="verify",
        result=_result(answer),
        duration_ms=_duration_ms(answer.began_at),
        asked_at=newest_asked_at(questions),
        request_ids=tuple(sorted({question.request_id for question in questions})),
        http_status=answer.http_status,
        booking=booking,
    )


def read_of_page_row(booking: Booking, account: str, began_at: float, reason: ReadReason) -> BookingRead:
    """What a list page shows that nobody asked for. To be made just before it is sent: it carries its age."""
    return BookingRead(
        account=account,
        uid=str(booking["uid"]),
        read_at=_now(),
        reason=reason,
        result="found",
        duration_ms=_duration_ms(began_at),
        http_status=200,
        booking=booking,
    )


def newest_asked_at(questions: Sequence[CalcomQuestion]) -> str | None:
    """The newest of the worker's own questions; None where only people asked."""
    asked = [question.asked_at for question in questions if not question.request_id.startswith(RECHECK_PREFIX)]
    return max(asked, key=lambda text: parse_iso(text) or 0, default=None)


def _result(answer: BookingAnswer) -> Literal["found", "missing", "unavailable", "unusable", "elsewhere"]:
    match answer:
        case Found():
            return "found"
        case Missing():
            return "missing"
        case Elsewhere():
            return "elsewhere"
        case Unavailable():
            return "unavailable"
        case Unusable():
            return "unusable"


def _now() -> str:
    return iso(int(time.time() * 1000)) or ""


def _duration_ms(began_at: float) -> int:
    # Rounded up: a read counted as begun too early asks again, one counted as begun too late could prove
    # falsely.
    return max(0, int((time.time() - began_at) * 1000) + 1)
