"""What a way of going wrong is: a story that ends in exactly one fault of one rule, and how it is mended."""

from collections.abc import Awaitable, Callable

import msgspec

from connectors.world.app.desk import Desk
from connectors.world.ledger import Bound, Subject, SubjectKind

#: Mends the fault; the instant (ms) since which it is over.
Repair = Callable[[], Awaitable[int]]


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that is complete since `complete_at` (ms)."""

    subject: Subject
    complete_at: int
    repair: Repair
    #: Where it is not the story's own tenant that must hear of it.
    tenant: str | None = None
    booking_uid: str | None = None
    appointment_id: str | None = None
    call_id: str | None = None


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a rule's fault happens. Its story may raise CalcomFailed; then nothing was planted."""

    rule: str
    name: str
    story: Callable[[Desk], Awaitable[Planted]]
    bound: Bound | None = None


def about(kind: SubjectKind, key: str | None) -> Subject:
    assert key is not None, "the subject is known by now"
    return Subject(kind=kind, id=key)
