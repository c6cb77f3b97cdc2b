"""Titles and summaries of alerts, for people. Only ids, times and status words: no names, no numbers to call.

A rule without a line here gets its id as title and both sides as summary, so a new rule is readable at once.
"""

from datetime import datetime, tzinfo

from streams.alerts.source_texts import source_summary
from streams.model.ids import parse_iso
from streams.model.records import Finding, Side
from streams.model.rule import Rule, SubjectKind

TITLES: dict[str, str] = {
    Rule.ORPHANED_LOCAL: "In your database, missing in Cal.com",
    Rule.ORPHANED_CALCOM: "Booked in Cal.com, missing in your database",
    Rule.START_TIME_DRIFT: "Start times differ",
    Rule.END_TIME_DRIFT: "End times differ",
    Rule.STATUS_DRIFT: "Statuses differ",
    Rule.MISSED_RESCHEDULE: "Rescheduled in Cal.com, old time in your database",
    Rule.PHANTOM_BOOKING: "Call says booked, its flag says not",
    Rule.APPOINTMENT_MADE_MISMATCH: "Call is flagged as booked, its outcome says not",
    Rule.MISSING_APPOINTMENT: "Call made an appointment that is not there",
    Rule.MISSING_DIRECTION: "Call without a direction",
    Rule.MISSING_CALL_LINK: "Appointment without the call that made it",
    Rule.CALL_LINK_MISMATCH: "Call and appointment name different partners",
    Rule.RECENT_FAILURE: "Call says that making the appointment failed",
    Rule.STUCK_PENDING: "Sync to Cal.com does not get on",
    Rule.SYNC_FAILED: "Sync to Cal.com gave up",
    Rule.NEVER_SYNCED: "Appointment to come has no booking",
    Rule.DUPLICATE_APPOINTMENT: "Two rows for one appointment",
    Rule.DUPLICATE_BOOKING: "One host booked twice for one start",
    Rule.TENANT_MISMATCH: "Booking held by another company's appointment",
    Rule.MISSING_TENANT: "Row without a company",
    Rule.VERIFICATION_FAILED: "Suspicion that could not be checked",
    Rule.SOURCE_STALLED: "A source is silent",
    Rule.COVERAGE_GAP: "Events were lost, back-fill is running",
    Rule.WEBHOOK_SUBSCRIPTION_DRIFT: "Cal.com's webhook is not set as it should be",
}

#: What to say of a side that has nothing, by rule: (Cal.com, database).
_ABSENT: dict[str, tuple[str, str]] = {
    Rule.ORPHANED_LOCAL: ("no such booking", "no row"),
    Rule.ORPHANED_CALCOM: ("no booking", "no row"),
    Rule.NEVER_SYNCED: ("no booking", "no row"),
}
#: Rules about rows alone: Cal.com's side is shown where it is known, and its absence says nothing.
_ABOUT_ROWS = frozenset({Rule.STUCK_PENDING, Rule.SYNC_FAILED, Rule.DUPLICATE_APPOINTMENT, Rule.MISSING_TENANT})

_FAR_OFF_DAYS = 6


def title(rule: str) -> str:
    """One short sentence, the same for each alert of a rule."""
    return TITLES.get(rule, rule.replace("_", " ").capitalize())


def summary(finding: Finding, zone: tzinfo) -> str:
    """Both sides and the proof, in the tenant's time: `Cal.com: accepted, Thu 14:00 CET · …`."""
    seen_from = finding.detected_at
    if finding.subject.kind is SubjectKind.SOURCE:
        return source_summary(finding, lambda instant: clock_text(instant, zone, seen_from))
    about = [_columns_part(finding), _twins_part(finding)]
    parts = [*about, *_side_parts(finding, zone, seen_from), _proof_part(finding, zone)]
    return " · ".join(part for part in parts if part)


def clock_text(iso_time: str, zone: tzinfo, seen_from: str) -> str:
    """`Thu 14:00 CET` near `seen_from`, `Thu 3 Dec 14:00 CET` further off; what is no instant stays."""
    try:
        at, near = _local(iso_time, zone), _local(seen_from, zone)
    except ValueError:
        return iso_time
    day = f"{at:%a}" if abs((at.date() - near.date()).days) <= _FAR_OFF_DAYS else f"{at:%a} {at.day} {at:%b}"
    if at.year != near.year and day != f"{at:%a}":
        day += f" {at.year}"
    return f"{day} {at:%H:%M %Z}"


def _local(iso_time: str, zone: tzinfo) -> datetime:
    at = parse_iso(iso_time)
    if at is None:
        raise ValueError("no instant")
    return datetime.fromtimestamp(at / 1000, zone)


def _columns_part(finding: Finding) -> str:
    columns = finding.local.extra
    if not columns:
        return ""
    said = ", ".join(f"{name} {'empty' if value is None else value}" for name, value in columns.items())
    return f"call {finding.call_id}: {said}" if finding.subject.kind is SubjectKind.CALL else said


def _twins_part(finding: Finding) -> str:
    if finding.rule is not Rule.DUPLICATE_APPOINTMENT:
        return ""
    return " and ".join(f"rows {difference.local}" for difference in finding.differences)


def _side_parts(finding: Finding, zone: tzinfo, seen_from: str) -> list[str]:
    if finding.subject.kind is SubjectKind.CALL and finding.local.extra and _is_bare(finding.calcom):
        return []  # a rule about one side: there is no other to compare with
    absent_calcom, absent_local = _ABSENT.get(finding.rule, ("nothing", "no row"))
    shown_end = any(difference.field == "end" for difference in finding.differences)
    sides: tuple[tuple[str, Side, str], ...]
    sides = (("Cal.com", finding.calcom, absent_calcom), ("database", finding.local, absent_local))
    if finding.rule in _ABOUT_ROWS and _is_bare(finding.calcom):
        sides = sides[1:]
    return [f"{name}: {_side(side, zone, seen_from, shown_end) or absent}" for name, side, absent in sides]


def _is_bare(side: Side) -> bool:
    return side.start is None and side.end is None and side.status is None


def _side(side: Side, zone: tzinfo, seen_from: str, shown_end: bool) -> str:
    said = [side.status] if side.status else []
    if side.start:
        said.append(clock_text(side.start, zone, seen_from))
    if side.end and shown_end:
        said.append(f"until {clock_text(side.end, zone, seen_from)}")
    return ", ".join(said)


def _proof_part(finding: Finding, zone: tzinfo) -> str:
    proof = finding.verification
    if proof.state == "unverified" or proof.read_at is None:
        return "Not proved"
    what = f": {proof.read_what}" if proof.read_what else ""
    usual = "" if proof.usual_seconds is None else f"; usual {proof.usual_seconds:g} s"
    return f"Proved {_local(proof.read_at, zone):%H:%M:%S}{what} (waited {proof.waited_seconds:.0f} s{usual})"
