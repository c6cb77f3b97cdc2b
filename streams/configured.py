"""What the pure core needs of the settings: bounds of judging, names of columns, the decoder of one installation."""

from collections.abc import Callable, Sequence
from typing import Literal
from zoneinfo import ZoneInfo

from streams.alerts.pages import Pages
from streams.decode import decode_record
from streams.decode.names import ColumnNames
from streams.model.judgement import Judgement
from streams.model.observation import Observation, Origin
from streams.model.rule import Rule
from streams.settings import Settings
from streams.topics import Topic

Headers = Sequence[tuple[str, bytes]]
Decode = Callable[[Topic, bytes | None, bytes | None, Headers, int, Origin], tuple[Observation, ...]]

#: The columns without which a rule says nothing: it is then switched off (design §5).
_APPOINTMENT_COLUMNS: dict[Rule, frozenset[str]] = {
    Rule.ORPHANED_LOCAL: frozenset({"calcom_v2_booking_id", "status"}),
    Rule.ORPHANED_CALCOM: frozenset({"calcom_v2_booking_id"}),
    Rule.START_TIME_DRIFT: frozenset({"calcom_v2_booking_id", "starts_at"}),
    Rule.END_TIME_DRIFT: frozenset({"calcom_v2_booking_id", "starts_at", "ends_at"}),
    Rule.STATUS_DRIFT: frozenset({"calcom_v2_booking_id", "status"}),
    Rule.MISSED_RESCHEDULE: frozenset({"calcom_v2_booking_id", "status"}),
    Rule.MISSING_APPOINTMENT: frozenset({"call_id"}),
    Rule.MISSING_CALL_LINK: frozenset({"call_id"}),
    Rule.CALL_LINK_MISMATCH: frozenset({"call_id", "calcom_v2_booking_id"}),
    Rule.STUCK_PENDING: frozenset({"calcom_sync_status"}),
    Rule.SYNC_FAILED: frozenset({"calcom_sync_status"}),
    Rule.NEVER_SYNCED: frozenset({"calcom_v2_booking_id", "status", "starts_at"}),
    Rule.DUPLICATE_APPOINTMENT: frozenset({"status"}),
}
_CALL_COLUMNS: dict[Rule, frozenset[str]] = {
    Rule.PHANTOM_BOOKING: frozenset({"session_outcome", "appointment_made"}),
    Rule.APPOINTMENT_MADE_MISMATCH: frozenset({"session_outcome", "appointment_made"}),
    Rule.MISSING_DIRECTION: frozenset({"direction"}),
    Rule.MISSING_APPOINTMENT: frozenset({"appointment_made"}),
    Rule.CALL_LINK_MISMATCH: frozenset({"booking_id"}),
}
#: Rules for which one of these columns is enough.
_EITHER_CALL_COLUMN: dict[Rule, frozenset[str]] = {
    Rule.RECENT_FAILURE: frozenset({"session_outcome", "appointment_link_status"}),
}
#: Rules that compare calls with anything: without a table of calls none of them runs.
ABOUT_CALLS = frozenset(_CALL_COLUMNS) | {Rule.MISSING_CALL_LINK, Rule.CALL_LINK_MISMATCH, Rule.RECENT_FAILURE}


def judgement_from(settings: Settings) -> Judgement:
    """The bounds of judging, with each tenant's own."""
    tenants = {tenant: _bounds(settings, tenant) for tenant in settings.detection.tenants}
    return _bounds(settings, "", tenants)


def _bounds(settings: Settings, tenant: str, tenants: dict[str, Judgement] | None = None) -> Judgement:
    return Judgement(
        grace_ms={rule: settings.grace_ms(rule, tenant) for rule in Rule},
        tenants=tenants or {},
        calcom_lag_ms=settings.calcom_lag_ms(tenant),
        tolerance_ms=settings.tolerance_ms(tenant),
        event_types=frozenset(settings.scope.event_types),
        synced_sources=frozenset(settings.scope.synced_sources),
        disabled=frozenset(disabled_rules(settings)),
        generation=settings.worker.version,
        retention_ms=round(settings.detection.retention_days * 86_400_000),
    )


def disabled_rules(settings: Settings) -> dict[Rule, frozenset[str]]:
    """Rules that the mapped columns switch off, each with the columns it lacks."""
    lacking: dict[Rule, frozenset[str]] = {}
    if not settings.source.has_calls:
        lacking = {rule: frozenset({"calls.id"}) for rule in ABOUT_CALLS}
    mapped = ((_APPOINTMENT_COLUMNS, settings.source.appointments), (_CALL_COLUMNS, settings.source.calls))
    for needed, table in mapped:
        for rule, columns in needed.items():
            missing = columns - set(table.columns)
            if missing:
                lacking[rule] = lacking.get(rule, frozenset()) | missing
    for rule, either in _EITHER_CALL_COLUMN.items():
        if either.isdisjoint(settings.source.calls.columns):
            lacking[rule] = either
    return lacking


def decoder_from(settings: Settings) -> Decode:
    """`decode_record` for this installation's column names and the zones of its tables."""
    appointments = column_names(settings, "appointments")
    calls = column_names(settings, "calls")

    def decode(
        topic: Topic,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,  # noqa: ARG001 - part of every record; nothing is judged by headers
        timestamp: int,
        origin: Origin,
    ) -> tuple[Observation, ...]:
        return decode_record(topic, key, value, timestamp, origin, appointments, calls)

    return decode


def column_names(settings: Settings, table: Literal["appointments", "calls"]) -> ColumnNames:
    """What the table calls its columns and words, and the zone of its zone-less times."""
    given = getattr(settings.source, table)
    zone = settings.source.timezone_of(table)
    return ColumnNames(
        {theirs: ours for ours, theirs in given.columns.items()},
        None if zone == "UTC" else ZoneInfo(zone),
        given.words,
    )


def alert_pages(settings: Settings) -> Pages:
    """Where alerts point to: runbooks, Cal.com, and the watched application where its address is known."""
    links = settings.links
    return Pages(runbooks=links.runbooks, calcom=links.calcom, app=links.app)
