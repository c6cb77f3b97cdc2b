"""A finding from a proved violation: what people and dashboards are told, and the records it rests on."""

from typing import Literal

from streams.cases.case import Case
from streams.cases.refusals import REFUSALS_MAX
from streams.cases.step import Context
from streams.facts.cause import Link
from streams.facts.row import RowState
from streams.model.ids import iso
from streams.model.records import Evidence, Finding, Subject, Verification
from streams.model.rule import Resolution, Rule
from streams.rules.violation import Violation
from streams.topics import Topic

#: Records named in one finding at most; the newest of each entity go first.
EVIDENCE_MAX = 12


def opened(
    case: Case, violation: Violation, context: Context, *, change: Literal["opened", "updated"] = "opened"
) -> Finding:
    """The finding that opens this episode, or updates it."""
    now = context.now
    return Finding(
        change=change,
        alert_id=case.id,
        rule=case.rule,
        tenant=case.tenant,
        subject=Subject(kind=case.kind, id=case.subject),
        episode=case.episode,
        severity=violation.severity_at(now),
        at=_text(now),
        opened_at=_text(violation.since),
        detected_at=_text(case.detected_at),
        booking_uid=violation.booking_uid,
        appointment_id=violation.appointment_id,
        call_id=violation.call_id,
        local=violation.local,
        calcom=violation.calcom,
        differences=violation.differences,
        verification=_verification(case, violation, now, context.usual_ms),
        evidence=_evidence(violation),
        starts_at=iso(violation.starts_at),
        event_type_id=violation.links[-1].event_type if violation.links else None,
        generation=context.judgement.generation,
    )


def resolved(finding: Finding, resolution: Resolution, now: int, *, superseded_by: str | None = None) -> Finding:
    """The end of the episode that `finding` opened."""
    fields = {name: getattr(finding, name) for name in finding.__struct_fields__}
    fields |= {
        "change": "resolved",
        "at": _text(now),
        "resolution": resolution,
        "superseded_by": superseded_by,
    }
    return Finding(**fields)


def _text(at: int) -> str:
    return str(iso(at))


def _verification(case: Case, violation: Violation, now: int, usual_ms: int | None) -> Verification:
    answers = [link.facts.reads[-1].answered for link in violation.links if link.facts.reads]
    rows = [a.facts for a in violation.appointments] + [c.facts for c in violation.calls]
    answers += [facts.reads[-1].answered for facts in rows if facts.reads]
    failed = case.rule is Rule.VERIFICATION_FAILED
    return Verification(
        state="unverified" if failed else "verified",
        read_at=None if failed else iso(max(answers, default=now)),
        attempts=REFUSALS_MAX if failed else 1,
        waited_seconds=round((now - case.suspected_at) / 1000, 1),
        read_what=_read_what(violation),
        usual_seconds=None if usual_ms is None else round(usual_ms / 1000, 1),
    )


def _read_what(violation: Violation) -> str:
    parts = []
    if violation.two_sided and violation.links:
        newest = violation.links[-1]
        parts.append("Cal.com 404" if newest.state is not None and newest.state.missing else "Cal.com 200")
    rows = len(violation.appointments) + len(violation.calls)
    name = violation.booking_uid or violation.subject
    parts.append(f"database {rows} row{'' if rows == 1 else 's'} for {_short(name)}")
    return ", ".join(parts)


def _short(name: str) -> str:
    return name if len(name) <= 8 else f"{name[:3]}…"


def _evidence(violation: Violation) -> tuple[Evidence, ...]:
    found = [item for link in violation.links for item in _of_booking(link)]
    found += [item for row in violation.appointments for item in _of_row(row.id, row.state, Topic.APPOINTMENTS)]
    found += [item for row in violation.calls for item in _of_row(row.id, row.state, Topic.CALLS)]
    return (*violation.extra, *found[-EVIDENCE_MAX:])


def _of_booking(link: Link) -> list[Evidence]:
    found = []
    if link.facts.told:
        told = link.facts.told[-1]
        what = f"{told.trigger} {link.uid}"
        found.append(_item("webhook", Topic.WEBHOOKS, told.partition, told.offset, told.arrived, what))
    if link.facts.reads:
        read = link.facts.reads[-1]
        what = f"{link.uid}: {read.status or '404'}"
        found.append(_item("calcom_api", Topic.BOOKINGS, read.partition, read.offset, read.answered, what))
    return found


def _of_row(row: str, state: RowState, topic: Topic) -> list[Evidence]:
    version = state.version
    if version is None:  # known by a direct read alone
        return [Evidence(source="database", topic=Topic.ROWS, at=iso(state.source_at), what=f"row {row}")]
    return [_item("database", topic, version.partition, version.offset, version.source_at, f"row {row}")]


def _item(source: str, topic: Topic, partition: int, offset: int, at: int, what: str) -> Evidence:
    return Evidence(source=source, topic=topic, partition=partition, offset=offset, at=iso(at), what=what)
