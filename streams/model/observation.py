"""What one record says: the only thing that the engine is fed with."""

import msgspec

from streams.model.facts import Lookup, Read, RowKind, RowRead, RowVersion, Told
from streams.model.source_records import SourceState


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a record lies, for evidence and dead letters."""

    partition: int
    offset: int


class WebhookHeard(msgspec.Struct, frozen=True, gc=False):
    """A webhook named this booking."""

    tenant: str
    uid: str
    told: Told


class BookingReadSeen(msgspec.Struct, frozen=True, gc=False):
    """An API read, or a list page, showed this booking or its absence."""

    tenant: str
    uid: str
    read: Read


class RowChanged(msgspec.Struct, frozen=True, gc=False):
    """Debezium told of a change of this row."""

    tenant: str
    kind: RowKind
    id: str
    version: RowVersion


class RowReadSeen(msgspec.Struct, frozen=True, gc=False):
    """A direct read showed this row, or its absence."""

    tenant: str
    kind: RowKind
    id: str
    read: RowRead


class LookupSeen(msgspec.Struct, frozen=True, gc=False):
    """A SELECT by booking references (`uids`) or by a call (`call`) was answered."""

    tenant: str
    lookup: Lookup
    uids: tuple[str, ...] = ()
    call: str | None = None


class NobodysRow(msgspec.Struct, frozen=True, gc=False):
    """A change of a row without tenant: it lands on any partition, so it is read under `~none` and judged there."""

    kind: RowKind
    id: str


class AnswerRefused(msgspec.Struct, frozen=True, gc=False):
    """An answer that cannot be judged (401, 403, other 4xx, unparsable): no fact, but a try that failed.

    `elsewhere`: the booking is another account's, and nothing of it may be told; asking again soon will not help.
    """

    tenant: str
    request_ids: tuple[str, ...]
    at: int
    elsewhere: bool = False


class SourceSeen(msgspec.Struct, frozen=True, gc=False):
    """How a source fares, as its watcher says."""

    state: SourceState


class PassSeen(msgspec.Struct, frozen=True, gc=False):
    """A complete pass over one side of a tenant; `begun` by the broker's clock, ms, as are the bounds of starts."""

    side: str  # "calcom" | "database"
    tenant: str
    starts_from: int
    starts_to: int
    begun: int
    full: bool = False


Observation = (
    WebhookHeard
    | BookingReadSeen
    | RowChanged
    | RowReadSeen
    | LookupSeen
    | NobodysRow
    | AnswerRefused
    | SourceSeen
    | PassSeen
)
