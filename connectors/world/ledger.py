"""The ledger of truth: what was really wrong, from when to when, and which rule must say so.

JSON lines. A fault stands in it once when it is complete and once more when it has ended; the last line of an
id holds. A trap stands in it once. Lines are written after the deciding commit or Cal.com's change, never before.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from connectors.world.instants import SECOND, parse, with_millis

SubjectKind = Literal["booking", "appointment", "call"]
#: Why a fault cannot be found at the usual pace; known before it is found (contracts.md, "scoreboard.json").
Bound = Literal["poll_bound", "settle_bound", "list_bound"]

#: Grace with the lag wait, seconds, as promised to the outside (design §5). A fault that lives shorter than
#: this and LIFE_SECONDS_MIN counts neither as found nor as missed.
GRACE_SECONDS: dict[str, float] = {
    "orphaned_local": 5,
    "orphaned_calcom": 5,
    "start_time_drift": 4,
    "end_time_drift": 4,
    "status_drift": 4,
    "missed_reschedule": 5,
    "phantom_booking": 2,
    "appointment_made_mismatch": 2,
    "missing_appointment": 6,
    "missing_direction": 2,
    "missing_call_link": 4,
    "recent_failure": 0,
    "call_link_mismatch": 4,
    "stuck_pending": 20,
    "sync_failed": 0,
    "never_synced": 20,
    "duplicate_appointment": 4,
    "duplicate_booking": 5,
    "tenant_mismatch": 5,
    "missing_tenant": 2,
}
#: Minutes by default: the world is told with these instead, so that a run sees them in time.
SHORTENED = ("stuck_pending", "never_synced")
LIFE_SECONDS_MIN = 10
RULES = tuple(GRACE_SECONDS)


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What an alert is about (contracts.md, first table)."""

    kind: SubjectKind
    id: str


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag="fault"):
    """One fault. Times are ISO 8601 with milliseconds; `ended_at` None while it lasts."""

    id: str
    rule: str
    way: str
    tenant: str
    subject: Subject
    booking_uid: str | None = None
    appointment_id: str | None = None
    call_id: str | None = None
    complete_at: str
    ended_at: str | None = None
    bound: Bound | None = None
    #: Changes made to both sides for it: an event each.
    changes: int = 0

    @property
    def counts(self) -> bool:
        """False if it lived too short to be found or missed."""
        if self.ended_at is None:
            return True
        lived = parse(self.ended_at) - parse(self.complete_at)
        return lived >= (GRACE_SECONDS[self.rule] + LIFE_SECONDS_MIN) * SECOND


class Trap(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag="trap"):
    """What looked like a fault and was none. `text` is for people: "reschedule 4fQ→9cT, webhooks swapped"."""

    id: str
    way: str
    tenant: str
    text: str
    subjects: tuple[Subject, ...]
    at: str


Entry = Fault | Trap


class Ledger:
    """The open file. One writer."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self.faults_count = 0
        self.ended_count = 0
        self.traps_count = 0

    def close(self) -> None:
        self._file.close()

    def planted(self, fault: Fault) -> None:
        self.faults_count += 1
        self._write(fault)

    def ended(self, fault: Fault, at: int) -> None:
        """The fault is over since `at` (ms)."""
        self.ended_count += 1
        self._write(replace(fault, ended_at=with_millis(at)))

    def passed(self, trap: Trap) -> None:
        self.traps_count += 1
        self._write(trap)

    def _write(self, entry: Entry) -> None:
        # One write each: a reader sees whole lines.
        self._file.write(msgspec.json.encode(entry) + b"\n")


def read_ledger(path: Path) -> list[Entry]:
    """The entries, each as its last line says, in order of first mention. No file is an empty ledger."""
    return merged(path.read_bytes().splitlines()) if path.exists() else []


class LedgerReader:
    """Follows a ledger that is being written: each look reads only what came since the last one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._entries: dict[str, Entry] = {}

    def entries(self) -> list[Entry]:
        """As `read_ledger`. Raises msgspec.ValidationError for a line that is no entry."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._offset)
                fresh = file.read()
            fresh = fresh[: fresh.rfind(b"\n") + 1]
            self._offset += len(fresh)
            self._entries |= {entry.id: entry for entry in merged(fresh.splitlines())}
        return list(self._entries.values())


def merged(lines: Iterable[bytes]) -> list[Entry]:
    """Raises msgspec.ValidationError for a line that is no entry."""
    entries: dict[str, Entry] = {}
    for line in lines:
        entry: Entry = msgspec.json.decode(line, type=Entry)
        entries[entry.id] = entry
    return list(entries.values())
