"""Which waiting questions one read answers, and when list pages are cheaper than single reads. Pure."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from connectors.calcom.listing import Window, started_between
from connectors.calcom.queue import CalcomQuestion, Waiting, is_urgent, priority_of, subject_of
from connectors.calcom.quota import Priority

#: From so many bookings on, a list page may be cheaper than asking for each.
LIST_BOOKINGS_MIN = 10
#: The bookings on a page that start in the window end within this of its last start.
LONGEST_BOOKING = timedelta(hours=4)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """All waiting questions of one tenant on one booking: one read answers them."""

    tenant: str
    subject: str
    questions: tuple[CalcomQuestion, ...]

    def priority(self, now: datetime) -> Priority:
        """That of its most urgent question, as of now."""
        if any(is_urgent(question, now) for question in self.questions):
            return Priority.URGENT
        return min(priority_of(question) for question in self.questions)

    @property
    def request_ids(self) -> tuple[str, ...]:
        """Of all its questions."""
        return tuple(question.request_id for question in self.questions)

    @property
    def asked(self) -> str:
        """The uid or numeric id that is asked for."""
        return self.subject.partition(":")[2]

    @property
    def by_uid(self) -> bool:
        """Whether it is asked for by uid; else by list passes."""
        return self.subject.startswith("booking:")

    @property
    def starts_at(self) -> str | None:
        """When the appointment concerned starts, as far as any question says."""
        return next((question.matters_at for question in self.questions if question.matters_at), None)


def batches_of(waiting: Iterable[Waiting]) -> list[Batch]:
    """The questions by what they ask, most urgent first as they came."""
    questions: dict[tuple[str, str], list[CalcomQuestion]] = {}
    for one in waiting:
        questions.setdefault((one.question.tenant, subject_of(one.question)), []).append(one.question)
    return [
        Batch(tenant=tenant, subject=subject, questions=tuple(asked)) for (tenant, subject), asked in questions.items()
    ]


def listable(batches: Sequence[Batch], tried: Collection[str]) -> list[Batch]:
    """Those that may be worth a list: enough bookings with known starts that no list was tried for.

    Empty where too few: then each is read by itself.
    """
    worth = [
        batch
        for batch in batches
        if batch.by_uid and batch.starts_at is not None and not set(batch.request_ids) & set(tried)
    ]
    return worth if len(worth) >= LIST_BOOKINGS_MIN else []


def window_over(batches: Sequence[Batch]) -> Window:
    """The span of starts that covers them all."""
    starts = [datetime.fromisoformat(batch.starts_at) for batch in batches if batch.starts_at]
    return started_between(min(starts) - timedelta(minutes=1), max(starts) + LONGEST_BOOKING)


def pages_are_cheaper(pages_left: int | None, not_found: int) -> bool:
    """Whether the pages that are left cost less than a single read of each booking not found yet."""
    return pages_left is not None and 0 < pages_left < not_found
