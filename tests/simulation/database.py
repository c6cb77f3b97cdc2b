"""The application's Postgres as it is: rows with their history, transactions, snapshots and the WAL's change events."""

from collections.abc import Callable, Collection, Iterator
from random import Random
from typing import Any

import msgspec

from tests.simulation.agenda import Agenda
from tests.truth import T0, clock

#: Share of commits that wait for a standby: the WAL tells of them before a SELECT shows them (design §9).
SLOW_COMMITS = 0.1
SLOW_SECONDS = 1.0

Columns = dict[str, Any]
Table = str  # "appointments" | "calls"


class Version(msgspec.Struct, frozen=True):
    """One committed state of a row; `columns` null: deleted."""

    columns: Columns | None
    tx: int
    visible_at: float


class Database:
    """Both tables. `captured(table, tenant, envelope, token)` is told of each change in the order of commits."""

    def __init__(
        self, agenda: Agenda, random: Random, *, skew: float, captured: Callable[[Table, str | None, bytes, str], None]
    ) -> None:
        self._agenda = agenda
        self._random = random
        self._skew = skew
        self._captured = captured
        self._next_tx = 1_000
        self._lsn = 10_000
        #: Of the commit before, as Debezium knows it: of none after a snapshot.
        self._commit_lsn: int | None = 9_999
        #: Transactions that have begun and will commit some time.
        self._begun: list[int] = []
        self._invisible: list[tuple[float, int]] = []
        self._history: dict[tuple[Table, str], list[Version]] = {}
        self.rows: dict[tuple[Table, str], Columns] = {}
        #: (column, value) → appointments that ever held it.
        self._ever: dict[tuple[str, str], dict[str, None]] = {}

    def write(self, table: Table, row: str, **columns: Any) -> str:
        """Insert or update, committed now; the token by which the change event will be known."""
        held = self.rows.get((table, row))
        now = clock(self._agenda.now + self._skew)
        created = {"created_at": now} if held is None else {}
        after = (held or {"id": int(row), "company_id": 1}) | created | columns | {"updated_at": now}
        moved = held is not None and held["company_id"] != after["company_id"]
        if held is not None and moved:
            self._commit(table, row, held, None, self._transaction(row, table))
        return self._commit(table, row, held, after, self._transaction(row, table), moved=moved)

    def delete(self, table: Table, row: str) -> str:
        held = self.rows[(table, row)]
        return self._commit(table, row, held, None, self._transaction(row, table))

    def _transaction(self, row: str, table: Table) -> tuple[int, float]:
        """An id, which may be older than its commit, and when SELECTs see it: not before the row's last one."""
        if self._random.random() < 0.05:
            self._begun.append(self._take_tx())
        tx = self._begun.pop(0) if self._begun and self._random.random() < 0.3 else self._take_tx()
        slow = self._random.random() < SLOW_COMMITS
        visible_at = self._agenda.now + (self._random.uniform(0, SLOW_SECONDS) if slow else 0.0)
        history = self._history.get((table, row))
        if history:
            visible_at = max(visible_at, history[-1].visible_at)
        return tx, visible_at

    def _take_tx(self) -> int:
        self._next_tx += 1
        return self._next_tx

    def _commit(
        self,
        table: Table,
        row: str,
        before: Columns | None,
        after: Columns | None,
        transaction: tuple[int, float],
        *,
        moved: bool = False,
    ) -> str:
        tx, visible_at = transaction
        self._lsn += 10
        if visible_at > self._agenda.now:
            self._invisible.append((visible_at, tx))
        self._history.setdefault((table, row), []).append(Version(after, tx, visible_at))
        if after is None:
            del self.rows[(table, row)]
        else:
            self.rows[(table, row)] = after
            if table == "appointments":
                for column in ("calcom_v2_booking_id", "call_id"):
                    self._ever.setdefault((column, str(after.get(column))), {})[row] = None
        op = "d" if after is None else "c" if before is None or moved else "u"
        told = after if after is not None else before
        assert told is not None, "a commit without a row"
        token = f"{table}:{row}:{self._lsn}"
        self._captured(table, _text(told["company_id"]), self._envelope(op, before, after, tx), token)
        self._commit_lsn = self._lsn
        return token

    def _envelope(self, op: str, before: Columns | None, after: Columns | None, tx: int | None) -> bytes:
        return msgspec.json.encode(
            {
                "op": op,
                "before": before if op == "d" else None,
                "after": after,
                "source": {
                    "ts_ms": T0 + round((self._agenda.now + self._skew) * 1000),
                    "lsn": self._lsn,
                    "txId": tx,
                    "sequence": msgspec.json.encode([_text(self._commit_lsn), _text(self._lsn)]).decode(),
                },
            }
        )

    def snapshot_again(self) -> None:
        """Debezium reads the tables from the start: every row once more, with op r."""
        self._lsn += 10
        self._commit_lsn = None
        for (table, row), columns in self.rows.items():
            token = f"{table}:{row}:{self._lsn}"
            self._captured(table, _text(columns["company_id"]), self._envelope("r", None, columns, None), token)

    # SELECTs ------------------------------------------------------------------------------------------------

    def snapshot(self) -> str:
        """`pg_current_snapshot()` now."""
        self._invisible = [(at, tx) for at, tx in self._invisible if at > self._agenda.now]
        running = sorted({*self._begun, *(tx for _, tx in self._invisible)})
        upper = self._next_tx + 1
        lower = running[0] if running else upper
        return f"{lower}:{upper}:{','.join(map(str, running))}"

    def visible(self, table: Table, row: str) -> Columns | None:
        """What a SELECT by key shows now."""
        for version in reversed(self._history.get((table, row), ())):
            if version.visible_at <= self._agenda.now:
                return version.columns
        return None

    def naming(self, column: str, values: Collection[str]) -> Iterator[Columns]:
        """Visible appointments whose column holds one of these values."""
        rows = {row: value for value in values for row in self._ever.get((column, value), ())}
        for row in rows:
            columns = self.visible("appointments", row)
            if columns is not None and str(columns.get(column)) in values:
                yield columns


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
