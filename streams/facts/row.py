"""A row's history of change events and direct reads, and what the row *is*.

Events are ranked by (commit LSN, LSN); a read by its snapshot. An event whose transaction the snapshot does not show
is newer than the read (design §9): LSNs alone mislead while a commit waits for its standby.
"""

from itertools import pairwise

import msgspec

from streams.facts.booking import newer_lookup
from streams.facts.history import join_history
from streams.model.facts import (
    ACTIVE_WORDS,
    ROW_READS_MAX,
    VERSIONS_MAX,
    AppointmentRow,
    Lookup,
    Row,
    RowFacts,
    RowRead,
    RowVersion,
    Snapshot,
    in_total_order,
)

_EMPTY = RowFacts()
_XID_MODULUS = 1 << 32


class RowState(msgspec.Struct, frozen=True, gc=False):
    """What a row is. `row` null: it is not there (deleted, or another tenant's)."""

    row: Row | None
    #: When a compared field last changed, by the broker's clock: this restarts grace.
    changed_at: int
    #: The same by the source's clock, for reports.
    source_at: int
    #: The change event that says so, for evidence; null if only a read does.
    version: RowVersion | None
    #: When the application's word on its sync last changed, by the broker's clock; it restarts the sync rules alone.
    sync_at: int = 0
    #: The same by the source's clock, for reports.
    sync_source_at: int = 0
    #: Whether that change was seen: else the row came as it is, from a snapshot or a read.
    sync_seen: bool = False


def join_row(ours: RowFacts | None, theirs: RowFacts) -> RowFacts:
    """Least upper bound of what two histories know of one row."""
    ours = ours or _EMPTY
    return RowFacts(
        versions=join_history(
            ours.versions, theirs.versions, rank=_rank, same=_same_version, pick=_first_arrival, limit=VERSIONS_MAX
        ),
        reads=join_history(
            ours.reads, theirs.reads, rank=_read_rank, same=_same_read, pick=_first_answer, limit=ROW_READS_MAX
        ),
        lookup=newer_lookup(ours.lookup, theirs.lookup),
    )


def _rank(version: RowVersion) -> tuple[object, ...]:
    return (version.commit_lsn, version.lsn, not version.snapshot_row)


def _read_rank(read: RowRead) -> tuple[object, ...]:
    return (read.snapshot.xmax, read.begun, read.snapshot.xmin, in_total_order(read.row))


def _same_version(a: RowVersion, b: RowVersion) -> bool:
    return _uncounted(a.row) == _uncounted(b.row) and a.unknown == b.unknown


def _same_read(a: RowRead, b: RowRead) -> bool:
    return _uncounted(a.row) == _uncounted(b.row)


def _uncounted(row: Row | None) -> Row | None:
    """A row without its count of attempts: counting up must not push out when the row became what it is."""
    if not isinstance(row, AppointmentRow) or row.attempts is None:
        return row
    return msgspec.structs.replace(row, attempts=None)


def _first_arrival(a: RowVersion, b: RowVersion) -> RowVersion:
    """A repeat (Debezium after a crash) moves nothing."""
    return min(a, b, key=lambda version: (version.arrived, in_total_order(version)))


def _first_answer(a: RowRead, b: RowRead) -> RowRead:
    return min(a, b, key=lambda read: (read.answered, in_total_order(read)))


def shows(snapshot: Snapshot, version: RowVersion, begun: int) -> bool:
    """Whether a reading statement saw this change.

    Without a transaction id (incremental snapshot) arrival before the read began decides.
    """
    if version.tx is None:
        return version.arrived <= begun
    tx, xmin, xmax = (x % _XID_MODULUS for x in (version.tx, snapshot.xmin, snapshot.xmax))
    if _before(tx, xmin):
        return True
    if not _before(tx, xmax):
        return False
    return tx not in {running % _XID_MODULUS for running in snapshot.running}


def _before(a: int, b: int) -> bool:
    """Transaction ids wrap: `a` is older if it lies less than half the circle behind `b`."""
    return 0 < (b - a) % _XID_MODULUS < _XID_MODULUS // 2


def row_state(facts: RowFacts) -> RowState | None:
    """What the row is; None while nothing is known."""
    timeline = _timeline(facts)
    if not timeline:
        return None
    newest = timeline[-1]
    changed_at, source_at, version = _at(newest), _source_at(newest), None
    for entry in reversed(timeline):
        if compared(entry.row) != compared(newest.row):
            break
        changed_at = min(changed_at, _at(entry))
        source_at = min(source_at, _source_at(entry))
        version = entry if isinstance(entry, RowVersion) else version
    else:
        source_at = min(source_at, _made_at(timeline[0]) or source_at)
    return RowState(newest.row, changed_at, source_at, version, *_sync_since(timeline))


def _made_at(first: RowVersion | RowRead) -> int | None:
    """A row first learnt by a read (pass, poll) has been so since when nobody knows, at most since its making."""
    return first.row.created_at if isinstance(first, RowRead) and first.row is not None else None


def compared(row: Row | None) -> Row | None:
    """A row without the application's bookkeeping: what restarts grace when it changes (design §4a, M 26)."""
    if not isinstance(row, AppointmentRow) or (row.sync is None and row.attempts is None):
        return row
    return msgspec.structs.replace(row, sync=None, attempts=None)


def _sync_since(timeline: list[RowVersion | RowRead]) -> tuple[int, int, bool]:
    """Since when the sync stands as it does, by the broker's and the source's clock; whether its change was seen."""
    newest = timeline[-1]
    since, source_at = _at(newest), _source_at(newest)
    for entry in reversed(timeline):
        if _sync(entry.row) != _sync(newest.row):
            return since, source_at, True
        since, source_at = min(since, _at(entry)), min(source_at, _source_at(entry))
    first = timeline[0]
    return since, source_at, isinstance(first, RowVersion) and not first.snapshot_row


def _sync(row: Row | None) -> str | None:
    return row.sync if isinstance(row, AppointmentRow) else None


def _timeline(facts: RowFacts) -> list[RowVersion | RowRead]:
    """Events by LSN, each read behind the newest event that it shows."""
    timeline: list[RowVersion | RowRead] = list(facts.versions)
    for read in facts.reads:
        position = len(timeline)
        while position and not _older(timeline[position - 1], read):
            position -= 1
        timeline.insert(position, read)
    if any(version.unknown for version in facts.versions):
        _carry_on(timeline)
    return timeline


def _carry_on(timeline: list[RowVersion | RowRead]) -> None:
    """A field that an event did not carry is unchanged: it keeps the value of the entry before.

    Null where nothing before knows it; the SELECT that proves a finding does.
    """
    for position in range(1, len(timeline)):  # by position: the entry before may just have been filled itself
        before, entry = timeline[position - 1], timeline[position]
        if isinstance(entry, RowVersion) and entry.unknown and entry.row is not None and before.row is not None:
            known = {field: getattr(before.row, field) for field in entry.unknown}
            timeline[position] = msgspec.structs.replace(entry, row=msgspec.structs.replace(entry.row, **known))


def _older(entry: RowVersion | RowRead, read: RowRead) -> bool:
    if isinstance(entry, RowRead):
        return True
    return shows(read.snapshot, entry, read.begun)


def _at(entry: RowVersion | RowRead) -> int:
    return entry.arrived if isinstance(entry, RowVersion) else entry.answered


def _source_at(entry: RowVersion | RowRead) -> int:
    return entry.source_at if isinstance(entry, RowVersion) else entry.answered


def newest_fact_is_older(facts: RowFacts, lookup: Lookup) -> bool:
    """Whether everything known of the row lies before a SELECT that did not show it: it is then not attached."""
    if any(not shows(lookup.snapshot, version, lookup.begun) for version in facts.versions):
        return False
    return all(read.begun <= lookup.begun for read in facts.reads)


def partings(facts: RowFacts) -> list[tuple[str | None, str | None, int]]:
    """(booking reference, call) that an appointment left, and when by the broker's clock.

    A row's leaving is news for the booking and the call that it left: they are judged again after a new grace. So is
    its closing (cancelled, say) for the booking: another link of the chain may have relied on it.
    """
    timeline = _timeline(facts)
    found = []
    for before, after in pairwise(timeline):
        if not isinstance(before.row, AppointmentRow):
            continue
        now = after.row if isinstance(after.row, AppointmentRow) else AppointmentRow()
        closed = before.row.status in ACTIVE_WORDS and now.status not in ACTIVE_WORDS
        booking = before.row.booking if closed or before.row.booking != now.booking else None
        call = before.row.call if before.row.call != now.call else None
        if booking or call:
            found.append((booking, call, _at(after)))
    return found
