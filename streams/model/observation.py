"""What one record says: the only thing that the engine is fed with."""

import msgspec

from streams.model.facts import Lookup, Read, RowKind, RowRead, RowVersion, Told


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


Observation = WebhookHeard | BookingReadSeen | RowChanged | RowReadSeen | LookupSeen
