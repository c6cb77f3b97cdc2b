"""What Postgres and Debezium really do (facts/faust-and-debezium.md §C, design §4a and §9), and what follows."""

import msgspec
import pytest

from streams.decode.columns import call_row
from streams.facts.row import join_row, row_state, shows
from streams.model.facts import AppointmentRow, Row, RowFacts, RowRead, RowVersion, Snapshot
from streams.model.observation import RowReadSeen
from tests.words import HOUR, T0, TENANT, World, at, clock, pair

WRAP = 1 << 32


def version(tx: int | None, *, lsn: int = 100, row: Row | None = None, snapshot_row: bool = False) -> RowVersion:
    return RowVersion(
        commit_lsn=lsn, lsn=lsn, tx=tx, arrived=T0, source_at=T0, row=row or AppointmentRow(), snapshot_row=snapshot_row
    )


# Which transactions a SELECT saw -----------------------------------------------------


@pytest.mark.parametrize(
    ("tx", "snapshot", "seen"),
    [
        (90, Snapshot(100, 110), True),  # before every running one
        (100, Snapshot(100, 110, (100,)), False),  # still running
        (105, Snapshot(100, 110, (100,)), True),  # committed meanwhile
        (110, Snapshot(100, 110), False),  # not yet begun
        (WRAP - 5, Snapshot(WRAP + 100, WRAP + 110), True),  # ids wrap at 2^32 (design §9)
        (3, Snapshot(WRAP + 1, WRAP + 5, (WRAP + 1,)), True),  # an event's id has 32 bits, a snapshot's 64
        (1, Snapshot(WRAP + 1, WRAP + 5, (WRAP + 1,)), False),
        (7, Snapshot(WRAP + 1, WRAP + 5), False),
        (2, Snapshot(WRAP - 3, WRAP - 1), False),  # begun after the wrap, read before it
    ],
)
def test_a_snapshot_shows_a_transaction(tx: int, snapshot: Snapshot, seen: bool) -> None:
    assert shows(snapshot, version(tx), T0) is seen


@pytest.mark.parametrize(("begun", "seen"), [(T0 - 1, False), (T0, True)])
def test_without_a_transaction_id_arrival_before_the_read_decides(begun: int, seen: bool) -> None:
    """Incremental snapshots have none (§C)."""
    assert shows(Snapshot(100, 110), version(None), begun) is seen


# Which change is the newest ----------------------------------------------------------


def test_a_snapshots_row_stands_before_a_change_of_the_same_lsn() -> None:
    """A later snapshot may end at the LSN of the change behind it: the change is newer (`RowVersion`)."""
    read = version(7, row=AppointmentRow(status="pending"), snapshot_row=True)
    change = version(8, row=AppointmentRow(status="confirmed"))
    for first, second in ((read, change), (change, read)):
        state = row_state(join_row(RowFacts(versions=(first,)), RowFacts(versions=(second,))))
        assert state is not None
        assert state.row == AppointmentRow(status="confirmed")


def test_a_change_repeated_after_a_crash_moves_nothing() -> None:
    """§C: duplicates after a crash have the same LSNs."""
    world = World()
    change = world.appointment("17", booking="gone1")
    for second in range(1, 12):
        world.captured(change)
        world.until(second)
    assert world.told() == ["opened orphaned_local appointment 17"]
    assert world.told_at("orphaned_local") <= 7


def test_changes_of_a_row_that_arrive_swapped_end_in_the_newer() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    first = world.appointment("17", booking="4fQx", status="pending")
    second = world.appointment("17", status="confirmed")
    world.captured(second)
    world.until(0.5).captured(first)
    assert world.until(30).told() == []


# A feed that stalls ------------------------------------------------------------------


def test_a_late_event_does_not_attach_a_row_again_that_a_select_did_not_show() -> None:
    """Without it an old event after a stall resolved a true orphan (design §4a, "Appointments and calls")."""
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    created = world.appointment("17", booking="4fQx")
    deleted = world.delete("17")
    world.until(20)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    world.captured(created)
    world.until(22)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    world.captured(deleted)
    assert world.until(60).told() == ["opened orphaned_calcom booking 4fQx"]


def test_a_late_event_newer_than_the_select_does_resolve() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    created = world.until(20).appointment("17", booking="4fQx")
    world.until(25).captured(created)
    world.until(30)
    assert world.told()[-1] == "resolved orphaned_calcom booking 4fQx (recovered)"


# A row that leaves -------------------------------------------------------------------


def test_a_row_that_is_repointed_restarts_the_grace_of_the_booking_it_left() -> None:
    """Leaving is news for what it left (design §4a, H 7): told 5 s after, not at once."""
    world = pair().until(30)
    world.booking("9cTx", start=HOUR)
    world.posts("BOOKING_CREATED", "9cTx")
    world.writes("17", booking="9cTx")
    world.until(34)
    assert world.told() == []
    world.until(50)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    assert 35 <= world.told_at("orphaned_calcom") <= 37


def test_a_row_repointed_to_and_fro_within_the_grace_is_no_finding() -> None:
    world = pair().until(30)
    world.writes("17", booking=None)
    world.until(32).writes("17", booking="4fQx")
    assert world.until(70).told() == []


def test_a_row_deleted_and_written_again_within_the_grace_is_no_finding() -> None:
    world = pair().until(30)
    world.deletes("17")
    world.until(32).writes("18", booking="4fQx")
    assert world.until(70).told() == []


def test_a_row_that_goes_to_another_tenant_has_left_the_first() -> None:
    """A delete under the old key and a create under the new one (design §3): neither tenant sees the other's."""
    world = pair().until(30)
    world.writes("17", company_id=2)
    world.until(60)
    mine = [finding for _, finding in world.findings if finding.tenant == "1"]
    assert [finding.rule for finding in mine] == ["tenant_mismatch"]


# Rows that were there before Plumbline -----------------------------------------------


def test_a_snapshots_row_is_judged_like_any_other() -> None:
    """`op = r`: judged too (issue 3), and proved by reads."""
    world = World()
    change = world.appointment("17", booking="gone1")
    read = msgspec.structs.replace(change.version, snapshot_row=True, commit_lsn=change.version.lsn)
    world.captured(msgspec.structs.replace(change, version=read))
    assert world.until(20).told() == ["opened orphaned_local appointment 17"]


def test_a_second_snapshot_of_a_row_that_agrees_starts_no_deadline() -> None:
    """§C: lost offsets re-read all rows as `r`; the snapshot's time is not the row's."""
    world = pair().until(30)
    again = world.appointment("17")
    world.captured(msgspec.structs.replace(again, version=msgspec.structs.replace(again.version, snapshot_row=True)))
    asked = len(world.asked)
    assert world.until(60).told() == []
    assert len(world.asked) == asked
    assert world.now == 60
    assert at(60) > at(30)


def test_a_row_first_learnt_by_a_pass_is_as_old_as_its_making() -> None:
    """Else a fault older than the installation would be told as news where a pass comes before the snapshot."""
    world = World()
    week = 7 * 24 * HOUR
    world.call("5", direction=None, created_at=clock(-week))
    snapshot = Snapshot(5_000, 5_001)
    row = call_row(world.rows["calls", "5"])
    world.engine.observe((RowReadSeen(TENANT, "call", "5", RowRead(snapshot, at(0), at(0.1), row)),))
    world.until(10)
    assert world.finding("missing_direction").opened_at == clock(-week)
