"""What travels between Plumbline's own processes on Kafka, as JSON.

One struct a topic (design §3). Times are ISO 8601 text in UTC with milliseconds (`ids.iso`), ids are text.
Decoding is strict: a record of another shape is a dead letter, never a guess.
"""

from typing import Literal

import msgspec

from streams.model.rule import Resolution, Rule, Severity, SubjectKind


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every record: immutable, by keyword."""


class Subject(Record, frozen=True, kw_only=True):
    """What a finding is about; `id` as contracts.md's table of subjects says."""

    kind: SubjectKind
    id: str


class Difference(Record, frozen=True, kw_only=True):
    """One compared field and its two values, as text (times ISO, absent null)."""

    field: str
    local: str | None
    calcom: str | None


class Side(Record, frozen=True, kw_only=True):
    """The compared fields of one side, as far as known; `extra` holds further columns of a call or row."""

    booking: str | None = None
    start: str | None = None
    end: str | None = None
    status: str | None = None
    extra: dict[str, str | None] = {}


class Evidence(Record, frozen=True, kw_only=True):
    """One fact that a finding rests on, and where it can be looked up again."""

    source: str  # "database" | "webhook" | "calcom_api" | "watcher" (of a source)
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    at: str | None = None
    what: str = ""
    restricted: bool = False


Purpose = Literal["proof", "settle", "reread"]


class Question(Record, frozen=True, kw_only=True, tag_field="kind"):
    """Something the worker wants read again (topic `plumbline.verifications`).

    `asked_at` is the worker's clock (the broker's ticks) and comes back in the answer: a read counts as begun
    then. Asking again repeats `request_id`. `matters_at` is the start of the appointment concerned: nearest first.
    """

    request_id: str
    tenant: str
    asked_at: str
    purpose: Purpose
    matters_at: str | None = None


class BookingQuestion(Question, frozen=True, kw_only=True, tag="booking"):
    """GET one booking by uid at the tenant's accounts."""

    uid: str


class NumericQuestion(Question, frozen=True, kw_only=True, tag="numeric"):
    """Find a numeric booking id by two complete list passes of the tenant's accounts.

    Windows: start ± 1 day around `starts_at`, created ± 1 day around `created_at` (design §4).
    """

    numeric_id: str
    starts_at: str | None = None
    created_at: str | None = None


class RowsQuestion(Question, frozen=True, kw_only=True, tag="rows"):
    """SELECT by exactly one of: primary key (`table`, `row_id`), booking references, call reference.

    Never filtered by tenant. A question by booking references or call reads table appointments.
    """

    table: Literal["appointments", "calls"] | None = None
    row_id: str | None = None
    booking_refs: tuple[str, ...] = ()
    call_id: str | None = None


AnyQuestion = BookingQuestion | NumericQuestion | RowsQuestion

ReadReason = Literal["verify", "sweep", "backfill"]
ReadResult = Literal["found", "missing", "unavailable", "unusable", "elsewhere"]


class BookingRead(Record, frozen=True, kw_only=True):
    """One read of Cal.com (topic `calcom.bookings`).

    `uid` is what was asked (for a numeric question the numeric id) or, on a list page, the booking's. `asked_at` is
    the newest of the answered questions' (null for a page that nobody asked for: it then began at its arrival less
    `duration_ms`). `booking` is the API object less everything personal: `id, uid, status, start, end, eventTypeId,
    hosts[].id, createdAt, updatedAt, rescheduledFromUid, rescheduledToUid, recurringBookingUid, seated`.
    """

    account: str
    uid: str
    read_at: str
    reason: ReadReason
    result: ReadResult
    duration_ms: int
    asked_at: str | None = None
    request_ids: tuple[str, ...] = ()
    http_status: int | None = None
    booking: dict[str, object] | None = None


class RowsRead(Record, frozen=True, kw_only=True):
    """One answer of the database (topic `crm.rows`).

    `question` echoes what was asked; `rows` are all rows found, each `{"table": …, <our column>: value}` with values as
    JSON (timestamps ISO, ids numbers). `snapshot` is `pg_current_snapshot()` of the reading statement. A page of a
    sweep, which nobody asked for, says how long it took: it began at its arrival less `duration_ms`.
    """

    request_id: str
    question: RowsQuestion
    read_at: str
    reason: ReadReason
    result: Literal["found", "unavailable", "unusable"]
    rows: tuple[dict[str, object], ...] = ()
    snapshot: str | None = None
    duration_ms: int | None = None


class Tick(Record, frozen=True, kw_only=True):
    """The clock and the barrier of one partition (topic `plumbline.ticks`).

    `ends` maps an input topic to its end offset on this partition, read before the tick was sent.
    """

    worker: str
    sent_at: str
    ends: dict[str, int]


class Verification(Record, frozen=True, kw_only=True):
    """How a finding was proved: when the deciding read was answered, in how many rounds, after what wait."""

    state: Literal["verified", "unverified"]
    read_at: str | None
    attempts: int
    waited_seconds: float
    read_what: str  # for people: "Cal.com 200, database 0 rows for 4fQ…"
    usual_seconds: float | None = None  # the tenant's own delay between the two sides (p50)


class Finding(Record, frozen=True, kw_only=True, tag_field="kind", tag="finding"):
    """A proved fault, or its end (topic `plumbline.findings`).

    `at` is the event time by which the store orders within an episode. `opened_at` is when the fault began in source
    time. `starts_at` is the appointment's start, for priority and text.
    """

    change: Literal["opened", "updated", "resolved"]
    alert_id: str
    rule: Rule
    tenant: str
    subject: Subject
    episode: int
    severity: Severity
    at: str
    opened_at: str
    detected_at: str
    resolution: Resolution | None = None
    booking_uid: str | None = None
    appointment_id: str | None = None
    call_id: str | None = None
    local: Side = Side()
    calcom: Side = Side()
    differences: tuple[Difference, ...] = ()
    verification: Verification
    evidence: tuple[Evidence, ...] = ()
    starts_at: str | None = None
    event_type_id: str | None = None
    superseded_by: str | None = None
    generation: int = 1  # of the worker: a new one that begins with an empty state counts episodes from 1 again


class Restatement(Record, frozen=True, kw_only=True, tag_field="kind", tag="restatement"):
    """Every 5 minutes: all findings that a partition holds open for one tenant.

    The store resolves as `superseded` what two restatements in a row no longer contain; what is being checked may be
    open in a moment, so it is not missed.
    """

    tenant: str
    at: str
    open: tuple[tuple[str, int], ...]  # (alert id, episode)
    checking: tuple[str, ...] = ()  # alert ids
    generation: int = 1


FindingRecord = Finding | Restatement


class Verdict(Record, frozen=True, kw_only=True, tag_field="kind", tag="verdict"):
    """How one booking or appointment stands (topic `plumbline.verdicts`), told when it changes.

    `reason` is a word: `in_sync`, a rule's id, `suspected:<rule>`, `held_back:<source>`, `cleared:<rule>`, `unread`,
    `verification_failed`.
    """

    tenant: str
    subject: Subject
    verdict: Literal["agree", "differ", "unknown"]
    reason: str
    as_of: str
    compared_through: str
    aliases: tuple[str, ...] = ()  # every uid and numeric id of the chain: each may be asked for
    differences: tuple[Difference, ...] = ()
    suspected_for_ms: int | None = None
