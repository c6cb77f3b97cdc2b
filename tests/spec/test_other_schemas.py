"""A database of other names and words: what it says of an appointment is the same by change event and by SELECT."""

import json
from typing import Any

import msgspec
import pytest

from streams.configured import ABOUT_CALLS, decoder_from, disabled_rules, judgement_from
from streams.decode import DecodeError
from streams.engine import Partition
from streams.model.facts import AppointmentRow, CallRow, Row
from streams.model.ids import Instant, parse_iso
from streams.model.observation import LookupSeen, Observation, Origin, RowChanged, RowReadSeen
from streams.model.records import RowsQuestion, RowsRead
from streams.model.rule import Rule
from streams.settings import Settings
from streams.topics import Topic

NOW = 1_800_000_000_000
SETTINGS = Settings.model_validate(
    {
        "source": {
            "timezone": "Europe/Berlin",
            "appointments": {
                "table": "praxis.termine",
                "columns": {"id": "nr", "company_id": "mandant", "status": "zustand", "starts_at": "beginn",
                            "deleted_at": "geloescht", "calcom_v2_booking_id": "cal"},
                "words": {"status": {"gebucht": "confirmed", "3": "cancelled"},
                          "calcom_sync_status": {"fertig": "synced"}},
            },
            "calls": {
                "table": "anrufe",
                "columns": {"session_outcome": "ergebnis", "appointment_made": "gebucht"},
                "words": {"direction": {"rein": "inbound", "?": ""},
                          "session_outcome": {"termin": "appointment_booked"}},
            },
        }
    }
)  # fmt: skip
decode = decoder_from(SETTINGS)


# The words of this specification -----------------------------------------------------


def changed(topic: Topic = Topic.APPOINTMENTS, op: str = "u", **theirs: Any) -> Row | None:
    """What a change event says of the row, in their names and words."""
    row = {"nr" if topic is Topic.APPOINTMENTS else "id": "a-1", "mandant": "ost"} | theirs
    source = {"ts_ms": NOW, "lsn": 9, "txId": 7, "sequence": '["8","9"]'}
    value = json.dumps({"op": op, "after": row, "before": None, "source": source}).encode()
    [seen] = decode(topic, b"ost", value, (), NOW, Origin(0, 1))
    assert isinstance(seen, RowChanged)
    return seen.version.row


def answered(*rows: dict[str, Any], table: str = "appointments", **asked: Any) -> tuple[Observation, ...]:
    """What a SELECT says, in our names and their words, as the reader tells it."""
    given = tuple({"table": table, "id": "a-1", "company_id": "ost"} | row for row in rows)
    question = RowsQuestion(request_id="q", tenant="ost", asked_at="2026-01-01T00:00:00.000Z", purpose="proof", **asked)
    read = RowsRead(request_id="q", question=question, read_at="2026-01-01T00:00:00.000Z", reason="verify",
                    result="found", rows=given, snapshot="5:9:6")  # fmt: skip
    return decode(Topic.ROWS, b"ost", msgspec.json.encode(read), (), NOW, Origin(0, 1))


def shown(table: str = "appointments", **columns: Any) -> Row | None:
    """What a SELECT says of the row."""
    [seen] = answered(columns, table=table)
    assert isinstance(seen, RowReadSeen)
    return seen.read.row


# Words -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("gebucht", "confirmed"),
        (3, "cancelled"),
        ("confirmed", "confirmed"),  # ours already
        ("verschoben", "verschoben"),  # nobody's: it stays, and the rules pass it over
        (None, None),
    ],
)
def test_a_status_word_means_the_same_in_a_change_event_and_in_a_select(theirs: object, ours: str | None) -> None:
    by_event, by_read = changed(zustand=theirs), shown(status=theirs)
    assert isinstance(by_event, AppointmentRow)
    assert isinstance(by_read, AppointmentRow)
    assert (by_event.status, by_read.status) == (ours, ours)


def test_a_word_may_mean_nothing() -> None:
    call = changed(Topic.CALLS, company_id="ost", direction="?")
    assert isinstance(call, CallRow)
    assert call.direction is None


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("termin", "appointment_booked"), ("appointment_booked", "appointment_booked"), ("aufgelegt", None)],
)
def test_an_outcome_that_no_map_knows_gives_no_judgement(theirs: str, ours: str | None) -> None:
    call = changed(Topic.CALLS, company_id="ost", ergebnis=theirs, gebucht=1)
    read = shown("calls", session_outcome=theirs, appointment_made=1)
    assert isinstance(call, CallRow)
    assert isinstance(read, CallRow)
    assert (call.outcome, call.made) == (read.outcome, read.made) == (ours, True)


def test_a_word_that_nobody_knows_is_counted_and_judged_by_no_rule() -> None:
    partition = Partition(judgement_from(SETTINGS))
    source = {"ts_ms": NOW, "lsn": 9, "txId": 7, "sequence": '["8","9"]'}
    row = {"nr": "a-1", "mandant": "ost", "zustand": "verschoben", "calcom_sync_status": "fertig"}
    value = json.dumps({"op": "c", "after": row, "before": None, "source": source}).encode()
    partition.observe(decode(Topic.APPOINTMENTS, b"ost", value, (), NOW, Origin(0, 1)))
    partition.tick(Instant(NOW))
    assert partition.stats["unknown_word:status"] == 1
    assert partition.stats["unknown_word:calcom_sync_status"] == 0
    assert not partition.phases()


# Soft deletes ------------------------------------------------------------------------


def test_a_row_with_deleted_at_is_deleted_and_comes_back_without_it() -> None:
    assert changed(zustand="gebucht", geloescht=1_772_442_000_000_000) is None
    assert changed(zustand="gebucht", geloescht=None) is not None
    assert shown(status="gebucht", deleted_at="2026-03-02T09:00:00.000000Z") is None
    assert shown(status="gebucht", deleted_at=None) is not None


def test_a_snapshot_of_a_deleted_row_shows_no_row() -> None:
    assert changed(op="r", zustand="gebucht", geloescht=1_772_442_000_000_000) is None


def test_a_deleted_row_is_not_among_those_that_name_a_booking() -> None:
    rows = ({"calcom_v2_booking_id": "4fQ"}, {"id": "a-2", "calcom_v2_booking_id": "4fQ", "deleted_at": "2026-03-02"})
    seen = answered(*rows, booking_refs=("4fQ",))
    [lookup] = [each.lookup for each in seen if isinstance(each, LookupSeen)]
    assert lookup.rows == ("a-1",)
    gone = [each.read.row for each in seen if isinstance(each, RowReadSeen) and each.id == "a-2"]
    assert gone == [None]


def test_a_deleted_row_of_another_tenant_holds_no_booking() -> None:
    theirs = {"id": "b-1", "company_id": "west", "status": "gebucht"}
    [held] = [each for each in answered(theirs, booking_refs=("4fQ",)) if isinstance(each, LookupSeen)]
    assert held.lookup.foreign == ("west|b-1",)
    [free] = answered(theirs | {"deleted_at": "2026-03-02"}, booking_refs=("4fQ",))
    assert isinstance(free, LookupSeen)
    assert free.lookup.foreign == ()


# Times and flags ---------------------------------------------------------------------


def test_a_wall_clock_of_their_zone_is_the_same_instant_either_way() -> None:
    by_event, by_read = changed(beginn=1_783_069_200_000_000), shown(starts_at="2026-07-03T07:00:00.000Z")
    assert isinstance(by_event, AppointmentRow)
    assert isinstance(by_read, AppointmentRow)
    assert by_event.start == by_read.start == parse_iso("2026-07-03T07:00:00Z")


@pytest.mark.parametrize("word", ["t", "yes", "ja", 2])
def test_a_flag_that_is_a_word_is_refused_by_name(word: object) -> None:
    with pytest.raises(DecodeError, match=r"bad_value: no boolean: .*; allowed are true, false, 0 and 1"):
        changed(Topic.CALLS, company_id="ost", gebucht=word)
    with pytest.raises(DecodeError, match="bad_value"):
        shown("calls", appointment_made=word)


# No calls ----------------------------------------------------------------------------


def test_without_a_table_of_calls_no_rule_about_calls_runs() -> None:
    settings = Settings.model_validate({"source": {"calls": {"table": ""}}})
    assert set(disabled_rules(settings)) == ABOUT_CALLS
    assert judgement_from(settings).disabled >= {Rule.MISSING_APPOINTMENT, Rule.PHANTOM_BOOKING, Rule.MISSING_CALL_LINK}
