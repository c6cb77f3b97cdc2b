"""What is known of one booking, appointment or call: the durable state of the worker.

Each facts record is a join semilattice: `join` (in `streams.facts`) is commutative, associative and idempotent, so
lost, late, repeated and reordered events end in the same state. Instants named `arrived`, `begun`, `answered` are
by the broker's clock; `created_at`, `updated_at`, `source_at` are by clocks of others and serve ranks and reports only.
"""

from typing import Literal

import msgspec

#: By status; completed and no-show are over.
ACTIVE_WORDS = frozenset({"scheduled", "confirmed", "pending"})


class Fact(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """Base of all facts: immutable, encoded as arrays (short changelog records)."""


class Told(Fact, frozen=True):
    """One webhook body about a booking: a claim, never proof (facts/calcom.md §1.5).

    `status` is null where the trigger carries none; `body` is the first 16 hex digits of the body's SHA-256.
    """

    created_at: int
    sequence: int
    body: str
    arrived: int
    trigger: str
    status: str | None = None
    start: int | None = None
    end: int | None = None
    event_type: str | None = None
    numeric_id: str | None = None
    predecessor: str | None = None
    partition: int = -1
    offset: int = -1
    seated: bool = False
    #: Cal.com's user ids of the hosts, as far as told.
    hosts: tuple[str, ...] = ()


class Read(Fact, frozen=True):
    """One read of Cal.com's API. `status` null means 404: the booking was not there."""

    begun: int
    answered: int
    status: str | None = None
    start: int | None = None
    end: int | None = None
    updated_at: int = 0
    event_type: str | None = None
    numeric_id: str | None = None
    predecessor: str | None = None
    successor: str | None = None
    partition: int = -1
    offset: int = -1
    seated: bool = False
    hosts: tuple[str, ...] = ()
    #: Uid of the recurring series, if it is one of a series.
    series: str | None = None
    #: `createdAt`, by Cal.com's clock.
    made_at: int = 0

    @property
    def found(self) -> bool:
        return self.status is not None


class Snapshot(Fact, frozen=True):
    """`pg_current_snapshot()`: which transactions a reading statement saw."""

    xmin: int
    xmax: int
    running: tuple[int, ...] = ()


class Lookup(Fact, frozen=True):
    """A SELECT by reference: "at this snapshot these rows of this tenant and no others".

    `foreign` names active rows of other tenants that were found too, as `tenant|id`.
    """

    snapshot: Snapshot
    begun: int
    answered: int
    rows: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


class BookingFacts(Fact, frozen=True):
    """Everything heard and read of one uid (or of a numeric id that is still nobody's alias)."""

    told: tuple[Told, ...] = ()
    reads: tuple[Read, ...] = ()
    lookup: Lookup | None = None


class AppointmentRow(Fact, frozen=True, tag="a"):
    """The compared columns of an appointment."""

    booking: str | None = None
    status: str | None = None
    start: int | None = None
    end: int | None = None
    call: str | None = None
    source: str | None = None
    customer: str | None = None
    service: str | None = None
    created_at: int | None = None
    #: The stored booking key (idempotency); null where the column is empty.
    key: str | None = None
    #: The application's own word on its sync to Cal.com: pending, synced, failed. Restarts the sync rules alone.
    sync: str | None = None
    attempts: int | None = None


class CallRow(Fact, frozen=True, tag="c"):
    """The compared columns of a call. `made` is null where the column is."""

    direction: str | None = None
    outcome: str | None = None
    made: bool | None = None
    booking: str | None = None
    link_status: str | None = None
    created_at: int | None = None


Row = AppointmentRow | CallRow


class RowVersion(Fact, frozen=True):
    """One change event of a row, ranked by (commit LSN, LSN); a snapshot's row before a change of the same LSN.

    `row` null: deleted, or gone to another tenant. `unknown` names the fields of `row` that the event did not carry:
    they are null there, and are what they were in the version before.
    """

    commit_lsn: int
    lsn: int
    tx: int | None
    arrived: int
    source_at: int
    row: Row | None = None
    snapshot_row: bool = False
    partition: int = -1
    offset: int = -1
    unknown: tuple[str, ...] = ()


class RowRead(Fact, frozen=True):
    """One direct read of a row, ranked by its snapshot. `row` null: not there, or not this tenant's."""

    snapshot: Snapshot
    begun: int
    answered: int
    row: Row | None = None


class RowFacts(Fact, frozen=True):
    """Everything heard and read of one row of a tenant."""

    versions: tuple[RowVersion, ...] = ()
    reads: tuple[RowRead, ...] = ()
    #: For a call: the last SELECT of the appointments that name it.
    lookup: Lookup | None = None


RowKind = Literal["appointment", "call"]

#: Bounds of state per key; beyond them the inside of runs of equal states goes first, then the oldest.
TOLD_MAX = 24
READS_MAX = 8
VERSIONS_MAX = 8
ROW_READS_MAX = 4

_encoder = msgspec.msgpack.Encoder()


def in_total_order(fact: Fact | None) -> bytes:
    """The last word between two facts of one rank: their bytes, so that a join never depends on arrival."""
    return _encoder.encode(fact)
