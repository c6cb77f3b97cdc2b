"""The ledger of truth: the last line of an entry holds, and a reader may follow while it is written."""

import json
from pathlib import Path

from connectors.world.instants import SECOND, with_millis
from connectors.world.ledger import Fault, Ledger, LedgerReader, Subject, Trap, read_ledger

T0 = 1_790_000_000_000

# The words of this specification -----------------------------------------------------


def fault(subject: str = "1") -> Fault:
    return Fault(
        id=f"status_drift-{subject}",
        rule="status_drift",
        way="somehow",
        tenant="1",
        subject=Subject(kind="appointment", id=subject),
        complete_at=with_millis(T0),
    )


def trap() -> Trap:
    return Trap(id="t", way="row_late", tenant="1", text="row late", subjects=(), at=with_millis(T0))


# The specification -------------------------------------------------------------------


def test_the_last_line_of_a_fault_holds(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.planted(fault())
    ledger.passed(trap())
    ledger.ended(fault(), T0 + 30 * SECOND)
    ledger.close()
    assert [json.loads(line)["entry"] for line in path.read_text().splitlines()] == ["fault", "trap", "fault"]
    first, second = read_ledger(path)
    assert isinstance(first, Fault)
    assert first.ended_at == with_millis(T0 + 30 * SECOND)
    assert isinstance(second, Trap)


def test_no_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "none") == []
    assert LedgerReader(tmp_path / "none").entries() == []


def test_a_reader_follows_what_is_written_and_waits_for_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    reader, ledger = LedgerReader(path), Ledger(path)
    ledger.planted(fault("1"))
    assert [entry.id for entry in reader.entries()] == ["status_drift-1"]
    ledger.planted(fault("2"))
    ledger.ended(fault("1"), T0 + SECOND)
    ledger.close()
    with path.open("ab") as file:
        file.write(b'{"entry": "fau')
    first, second = reader.entries()
    assert isinstance(first, Fault)
    assert (first.ended_at, second.id) == (with_millis(T0 + SECOND), "status_drift-2")
    assert reader.entries() == [first, second]
