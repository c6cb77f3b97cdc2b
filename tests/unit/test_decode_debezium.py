"""Change events as Debezium sends them (facts/faust-and-debezium.md §C), and what they say of a row."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.decode import DecodeError, decode_record
from streams.decode.columns import UNAVAILABLE
from streams.decode.names import AS_NAMED, ColumnNames
from streams.facts.row import join_row, row_state
from streams.model.facts import AppointmentRow, CallRow, RowFacts, RowVersion
from streams.model.ids import parse_iso
from streams.model.observation import Observation, Origin, RowChanged
from streams.topics import Topic

ARRIVED = 1_800_000_000_000
NINE = parse_iso("2026-03-02T09:00:00Z")
ROW: dict[str, Any] = {
    "id": 17,
    "company_id": 1,
    "calcom_v2_booking_id": "4fQx",
    "status": "confirmed",
    "starts_at": "2026-03-02T09:00:00Z",
    "ends_at": "2026-03-02T09:30:00.000000Z",
    "call_id": 5,
    "source": "",
}
CALL: dict[str, Any] = {"id": 5, "company_id": 1, "direction": "inbound", "appointment_made": True}


def envelope(
    op: str, after: dict[str, Any] | None = None, before: dict[str, Any] | None = None, **source: Any
) -> dict[str, Any]:
    given = {"ts_ms": ARRIVED - 40, "lsn": 900, "txId": 70, "sequence": '["800","900"]', "snapshot": "false"}
    return {"op": op, "before": before, "after": after, "source": given | source, "ts_ms": ARRIVED}


def decode(
    change: dict[str, Any] | bytes | None, topic: Topic = Topic.APPOINTMENTS, names: ColumnNames = AS_NAMED
) -> tuple[Observation, ...]:
    value = json.dumps(change).encode() if isinstance(change, dict) else change
    return decode_record(topic, b"1", value, ARRIVED, Origin(3, 44), names, names)


def version(change: dict[str, Any], topic: Topic = Topic.APPOINTMENTS, names: ColumnNames = AS_NAMED) -> RowVersion:
    [seen] = decode(change, topic, names)
    assert isinstance(seen, RowChanged)
    return seen.version


def appointment(change: dict[str, Any], names: ColumnNames = AS_NAMED) -> AppointmentRow:
    row = version(change, names=names).row
    assert isinstance(row, AppointmentRow)
    return row


# Envelopes ---------------------------------------------------------------------------


@pytest.mark.parametrize("op", ["c", "u", "r"])
@pytest.mark.parametrize("schemas", [False, True])
def test_a_row_as_it_is_after_the_change_with_schemas_on_or_off(op: str, *, schemas: bool) -> None:
    change = envelope(op, ROW)
    [seen] = decode({"schema": {"type": "struct"}, "payload": change} if schemas else change)
    assert isinstance(seen, RowChanged)
    assert (seen.tenant, seen.kind, seen.id) == ("1", "appointment", "17")
    assert seen.version.snapshot_row == (op == "r")
    assert (seen.version.commit_lsn, seen.version.lsn, seen.version.tx) == (800, 900, 70)
    assert (seen.version.arrived, seen.version.source_at) == (ARRIVED, ARRIVED - 40)
    row = seen.version.row
    assert row == AppointmentRow(
        booking="4fQx", status="confirmed", start=NINE, end=parse_iso("2026-03-02T09:30:00Z"), call="5", source=None
    )


def test_a_delete_takes_the_key_alone_from_before() -> None:
    """Identity by index: the other columns of `before` are null or invented defaults (§C, tried)."""
    invented = {"id": 17, "company_id": 1, "status": "scheduled", "starts_at": "1970-01-01T00:00:00Z"}
    deleted = version(envelope("d", before=invented))
    assert deleted.row is None
    [seen] = decode(envelope("d", before={"id": 17, "company_id": 1}))
    assert isinstance(seen, RowChanged)
    assert seen.id == "17"


@pytest.mark.parametrize("change", [None, envelope("t"), envelope("m")])
def test_tombstones_truncates_and_messages_say_nothing_of_a_row(change: dict[str, Any] | None) -> None:
    assert decode(change) == ()


@pytest.mark.parametrize(
    ("sequence", "lsn", "rank"),
    [
        ('["800","900"]', 900, (800, 900)),
        (None, 900, (900, 900)),  # a snapshot's row
        ('[null,"900"]', 900, (900, 900)),  # the first change behind a snapshot
        ("no json", 900, (900, 900)),
        (None, None, (0, 0)),  # an incremental snapshot has neither (§C)
    ],
)
def test_a_change_ranks_by_its_commit_and_its_own_lsn(
    sequence: str | None, lsn: int | None, rank: tuple[int, int]
) -> None:
    found = version(envelope("u", ROW, sequence=sequence, lsn=lsn))
    assert (found.commit_lsn, found.lsn) == rank


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (b"\xff{", "invalid_json"),
        (b"[]", "wrong_shape"),
        (b"{}", "wrong_shape"),
        (envelope("u", {"status": "confirmed"}), "wrong_shape"),  # no primary key
        (envelope("c", ROW | {"starts_at": "soon"}), "bad_instant"),
        (envelope("c", ROW | {"starts_at": "2026-03-02T09:00:00"}), "bad_instant"),  # no offset
    ],
)
def test_what_is_no_change_event_is_refused_with_its_reason(change: dict[str, Any] | bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(change)
    assert refused.value.reason == reason


def test_columns_under_other_names() -> None:
    names = ColumnNames({"nr": "id", "state": "status", "beginn": "starts_at"})
    row = appointment(envelope("c", {"nr": 17, "state": "confirmed", "beginn": ROW["starts_at"], "status": "x"}), names)
    assert row == AppointmentRow(status="confirmed", start=NINE)


# Types -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "zone", "instant"),
    [
        (1_772_442_000_000, None, "2026-03-02T09:00:00Z"),  # io.debezium.time.Timestamp, ms
        (1_772_442_000_000_000, None, "2026-03-02T09:00:00Z"),  # MicroTimestamp
        (1_772_442_000_000_000, "Europe/Berlin", "2026-03-02T08:00:00Z"),  # a wall clock in winter
        (1_783_069_200_000_000, "Europe/Berlin", "2026-07-03T07:00:00Z"),  # in summer
        (1_792_893_600_000, "Europe/Berlin", "2026-10-25T01:00:00Z"),  # 02:00 comes twice: standard time's
        (1_774_751_400_000, "Europe/Berlin", "2026-03-29T01:30:00Z"),  # 02:30 never comes: standard time's
        ("2026-03-02T09:00:00.123456Z", "Europe/Berlin", "2026-03-02T09:00:00.123Z"),  # timestamptz has its own
        (9_223_372_036_825_200_000, None, None),  # infinity
        (-9_223_372_036_832_400_000, "Europe/Berlin", None),
        (None, None, None),
    ],
)
def test_times_with_and_without_a_zone(value: object, zone: str | None, instant: str | None) -> None:
    names = ColumnNames({}, ZoneInfo(zone) if zone else None)
    assert appointment(envelope("c", ROW | {"starts_at": value}), names).start == parse_iso(instant)


@pytest.mark.parametrize(("value", "made"), [(True, True), (0, False), (1, True), ("1", True), (None, None)])
def test_flags_of_databases_without_booleans(value: object, made: bool | None) -> None:
    row = version(envelope("c", CALL | {"appointment_made": value}), Topic.CALLS).row
    assert isinstance(row, CallRow)
    assert row.made is made


# Values that were not sent -----------------------------------------------------------


def test_a_text_that_was_not_sent_keeps_the_value_of_the_version_before() -> None:
    """`__debezium_unavailable_value` stands for an unchanged TOASTed text: unknown, never data (§C)."""
    created = version(envelope("c", ROW, sequence='["800","900"]'))
    updated = version(
        envelope("u", ROW | {"calcom_v2_booking_id": UNAVAILABLE, "status": "cancelled"}, sequence='["800","950"]')
    )
    assert updated.unknown == ("booking",)
    for first, second in ((created, updated), (updated, created)):
        state = row_state(join_row(RowFacts(versions=(first,)), RowFacts(versions=(second,))))
        assert state is not None
        assert isinstance(state.row, AppointmentRow)
        assert (state.row.booking, state.row.status) == ("4fQx", "cancelled")


def test_a_text_that_was_not_sent_changes_nothing_and_restarts_no_grace() -> None:
    created = version(envelope("c", ROW))
    [seen] = decode_record(
        Topic.APPOINTMENTS,
        b"1",
        json.dumps(envelope("u", ROW | {"source": UNAVAILABLE}, sequence='["800","990"]')).encode(),
        ARRIVED + 9_000,
        Origin(3, 45),
    )
    assert isinstance(seen, RowChanged)
    state = row_state(RowFacts(versions=(created, seen.version)))
    assert state is not None
    assert state.changed_at == ARRIVED


def test_a_text_that_nobody_ever_sent_is_absent_and_no_data() -> None:
    state = row_state(RowFacts(versions=(version(envelope("u", ROW | {"calcom_v2_booking_id": UNAVAILABLE})),)))
    assert state is not None
    assert isinstance(state.row, AppointmentRow)
    assert state.row.booking is None


def test_a_calls_texts_too() -> None:
    row = version(envelope("u", CALL | {"session_outcome": UNAVAILABLE}), Topic.CALLS)
    assert row.unknown == ("outcome",)
    assert version(envelope("d", before={"id": 5, "direction": UNAVAILABLE}), Topic.CALLS).unknown == ()
