"""What a request to Cal.com may end in. One type an outcome, so that each caller says what it does with
each."""

import msgspec

from connectors.calcom.booking import Booking


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every answer. `began_at` is when the answering request went out, in epoch seconds."""

    began_at: float
    http_status: int | None = None


class Found(Answer, frozen=True, kw_only=True):
    """The booking is there."""

    booking: Booking


class Missing(Answer, frozen=True, kw_only=True):
    """Cal.com says that there is no such booking."""


class Elsewhere(Answer, frozen=True, kw_only=True):
    """The booking is there and belongs to another account or tenant; nothing of it is told."""


class Unavailable(Answer, frozen=True, kw_only=True):
    """No answer: no connection, timeout, 5xx, 429, breaker open. Says nothing about the booking; ask
    again."""

    reason: str


class Unusable(Answer, frozen=True, kw_only=True):
    """An answer that cannot be judged: 401, 403, another 4xx, unparsable. Asking again will hardly help."""

    reason: str


class Page(Answer, frozen=True, kw_only=True):
    """One page of a list. `rejected` counts rows that are no usable bookings: they prove nothing."""

    bookings: tuple[Booking, ...]
    has_next: bool
    pages_total: int | None
    rejected: int = 0


BookingAnswer = Found | Missing | Elsewhere | Unavailable | Unusable
PageAnswer = Page | Unavailable | Unusable


def best_of(answers: list[BookingAnswer]) -> BookingAnswer:
    """One answer of several accounts: found wins, missing only if all say so.

    A uid exists once, so an account that knows it to be another's outweighs the silence of a second one.
    """
    for kind in (Found, Elsewhere, Unavailable, Unusable, Missing):
        for answer in answers:
            if isinstance(answer, kind):
                return answer
    raise ValueError("no account was asked")
