"""What is said about the sources themselves (topic `plumbline.sources`) and how far a tenant is compared.

Written by the connectors, which alone can see whether a silence is one. The worker holds back absences of a source that
is not trustworthy; a pass that is complete makes it ask for what the pass should have shown and did not.
"""

from typing import Literal

from streams.model.records import Record

#: `snapshotting`: Debezium reads the tables from the start, no heartbeat comes meanwhile. `gap`: events were lost.
SourceWord = Literal["live", "snapshotting", "stalled", "gap"]

#: The sources by name (contracts.md): `database`, `clock`, `webhooks:<account>`, `calcom:<account>`.
DATABASE = "database"
CLOCK = "clock"
#: In `tenants`: whoever it is.
EVERY_TENANT = "*"


def webhooks_of(account: str) -> str:
    """The source that an account's webhooks are."""
    return f"webhooks:{account}"


def calcom_of(account: str) -> str:
    """The source that an account's API is."""
    return f"calcom:{account}"


class SourceState(Record, frozen=True, kw_only=True, tag_field="kind", tag="state"):
    """How a source fares; written to each partition when it changes and every 5 s.

    `heard_through`: everything up to this instant has been heard of (null: nothing yet). `tenants`: whose facts come
    from it; `("*",)` for all.
    """

    source: str
    state: SourceWord
    since: str
    at: str
    heard_through: str | None = None
    tenants: tuple[str, ...] = (EVERY_TENANT,)


class PassComplete(Record, frozen=True, kw_only=True, tag_field="kind", tag="pass"):
    """One side of one tenant was listed completely, written to the tenant's partition behind the last page.

    Every booking (row) of the tenant that starts between the two instants was shown by a read begun `duration_ms` or
    less before this record: what was not is asked for by its key. `full`: the daily pass, whatever it starts.
    """

    side: Literal["calcom", "database"]
    tenant: str
    starts_from: str
    starts_to: str
    duration_ms: int
    at: str
    full: bool = False


SourceRecord = SourceState | PassComplete


class MatchedShare(Record, frozen=True, kw_only=True):
    """How much of an event type (or source of rows) has a partner; `out`: taken out of scope by this evidence."""

    kind: Literal["event_type", "source"]
    id: str
    total: int
    matched: int
    out: bool = False


class MadeInHour(Record, frozen=True, kw_only=True):
    """Rows that were made in the hour that begins at `hour`, by the database's clock, as far as they are there now."""

    hour: str
    calls: int
    appointments: int


class TenantStanding(Record, frozen=True, kw_only=True, tag_field="kind", tag="tenant"):
    """How far a tenant is compared, and how it usually fares (topic `plumbline.verdicts`), every 10 s.

    `compared_through`: everything heard up to this instant (broker's clock) is judged. `held_back_by`: sources whose
    absences are unknown now. `sync_*_ms`: the tenant's own delay between the two sides of one appointment. `in_sync`,
    `differing`, `unknown`: bookings by how they stand, a reschedule chain once; `made`: the last hours, oldest first.
    """

    tenant: str
    at: str
    compared_through: str
    lag_wait_ms: int
    held_back_by: tuple[str, ...] = ()
    sync_p50_ms: int | None = None
    sync_p999_ms: int | None = None
    sync_samples: int = 0
    bookings: int = 0
    appointments: int = 0
    calls: int = 0
    suspected: int = 0
    open: int = 0
    in_sync: int = 0
    differing: int = 0
    unknown: int = 0
    made: tuple[MadeInHour, ...] = ()
    shares: tuple[MatchedShare, ...] = ()
