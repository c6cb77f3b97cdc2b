"""The SQL that prepares a database for monitoring, and the SQL that undoes it. Pure: state in, steps out.

Two traps, both tried, both of which make the *application's* UPDATE fail: a publication with a column list
over REPLICA IDENTITY FULL, and a published table without a key. So neither is ever made here: what may
be read is cut by column privileges and by Debezium's column list.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from connectors.source.errors import NoPrimaryKey, NoSuchColumn, NoSuchTable, WrongWalLevel
from connectors.source.inspection import Remembered, SourceNames, SourceState, TableState, literal, quoted

CONNECTION_LIMIT = 6  # Debezium holds 3 and a walsender, Plumbline reads with 2
STATEMENT_TIMEOUT = "2s"
LOCK_TIMEOUT = "500ms"
IDENTITY_WORDS = {"d": "DEFAULT", "n": "NOTHING", "f": "FULL"}


class Mode(Enum):
    """How a step is run."""

    #: In a transaction.
    PLAIN = "plain"
    #: In a transaction with a short lock timeout, again and again: never queue before the application.
    LOCKING = "locking"
    #: Outside of any transaction: CONCURRENTLY.
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Step:
    """Some statements with one purpose."""

    purpose: str
    sql: str
    mode: Mode = Mode.PLAIN


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order, and what a person should know before they are run."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    def script(self) -> str:
        """The whole as text for psql."""
        notes = [f"-- Note: {note}" for note in self.notes]
        steps = [f"-- {step.purpose}\n{_for_psql(step)}" for step in self.steps]
        return "\n".join([*notes, *steps, ""])


def plan_preparation(state: SourceState, names: SourceNames, password: str) -> Plan:
    """What is missing; run twice, it changes nothing the second time.

    Raises WrongWalLevel, NoSuchTable, NoPrimaryKey, NoSuchColumn.
    """
    _check(state)
    steps = [_role(state, names, password), _schema(names), _grants(state.tables, names)]
    for table in state.tables:
        steps += _identity(table, names)
    steps.append(_publication(state, names))
    return Plan(tuple(steps), tuple(_notes(state.tables)))


def plan_removal(state: SourceState, names: SourceNames) -> Plan:
    """The way back, replica identities included. Sessions and the slot go first (removal.py)."""
    steps = [Step("stop publishing", f"DROP PUBLICATION IF EXISTS {quoted(names.publication)};", Mode.LOCKING)]
    for row in state.remembered:
        steps += _restored(row, state.identities_now.get(row.table_name, ""))
    steps.append(Step("our schema", f"DROP SCHEMA IF EXISTS {quoted(names.schema)} CASCADE;"))
    if state.role_exists:
        role = quoted(names.role)
        steps.append(Step("our role and its privileges", f"DROP OWNED BY {role};\nDROP ROLE {role};"))
    return Plan(tuple(steps))


def uses_index(table: TableState) -> bool:
    """Whether key and tenant can be told by an index, at no extra WAL; a nullable column cannot be in it."""
    return table.columns[table.mapping.tenant] and table.columns[table.mapping.id]


def _check(state: SourceState) -> None:
    if state.wal_level != "logical":
        raise WrongWalLevel(state.wal_level)
    for table in state.tables:
        if not table.exists:
            raise NoSuchTable(table.mapping.table)
        if not table.has_primary_key:
            raise NoPrimaryKey(table.mapping.table)
        for column in (table.mapping.id, table.mapping.tenant):
            if column not in table.columns:
                raise NoSuchColumn(table.mapping.table, column)


def _notes(tables: Iterable[TableState]) -> Iterator[str]:
    for table in tables:
        name, tenant = table.mapping.table, table.mapping.tenant
        if missing := [column for column in table.mapping.read if column not in table.columns]:
            yield f"{name} has no {', '.join(missing)}: rules that need them stay silent"
        if table.identity == "f":
            continue
        if uses_index(table):
            yield f"while {name} is monitored, {tenant} must stay NOT NULL (replica identity)"
        else:
            yield f"{tenant} of {name} may be null, so REPLICA IDENTITY FULL: UPDATEs log the whole old row"


def _role(state: SourceState, names: SourceNames, password: str) -> Step:
    role, verb = quoted(names.role), "ALTER" if state.role_exists else "CREATE"
    return Step(
        "a role of our own, with few connections and short statements",
        f"{verb} ROLE {role} LOGIN REPLICATION CONNECTION LIMIT {CONNECTION_LIMIT}"
        f" PASSWORD {literal(password)};\n"
        f"ALTER ROLE {role} SET statement_timeout = '{STATEMENT_TIMEOUT}';",
    )


def _schema(names: SourceNames) -> Step:
    schema = quoted(names.schema)
    return Step(
        "our schema: the heartbeat, and what replica identities were before us",
        f"CREATE SCHEMA IF NOT EXISTS {schema};\n"
        f"CREATE TABLE IF NOT EXISTS {schema}.heartbeat\n"
        "    (id integer PRIMARY KEY CHECK (id = 1), beat_at timestamptz NOT NULL DEFAULT now());\n"
        f"INSERT INTO {schema}.heartbeat (id) VALUES (1) ON CONFLICT DO NOTHING;\n"
        f"CREATE TABLE IF NOT EXISTS {schema}.table_identity\n"
        "    (table_name text PRIMARY KEY, previous text NOT NULL, previous_index text,\n"
        "     made text NOT NULL, index text);",
    )


def _grants(tables: tuple[TableState, ...], names: SourceNames) -> Step:
    role, schema = quoted(names.role), quoted(names.schema)
    lines = [
        f"GRANT USAGE ON SCHEMA {schema} TO {role};",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role};",
        f"GRANT SELECT, UPDATE ON {schema}.heartbeat TO {role};",
    ]
    for table in tables:
        # Revoked first, in the same transaction: a column that is no longer mapped is no longer readable.
        columns = ", ".join(quoted(column) for column in table.mapping.read if column in table.columns)
        lines += [
            f"GRANT USAGE ON SCHEMA {quoted(table.mapping.schema)} TO {role};",
            f"REVOKE ALL ON {table.qualified} FROM {role};",
            f"GRANT SELECT ({columns}) ON {table.qualified} TO {role};",
        ]
    return Step("read the mapped columns, write the heartbeat, nothing else", "\n".join(lines))


def _identity(table: TableState, names: SourceNames) -> list[Step]:
    """Steps after which a delete tells its tenant; none where that is so already."""
    if table.identity == "f" or (table.identity == "i" and table.mapping.tenant in table.identity_columns):
        return []
    if not uses_index(table):
        return [_switch(table, names, "FULL", None)]
    index = f"{quoted(table.mapping.schema)}.{quoted(table.own_index)}"
    steps = []
    if table.own_index_valid is False:
        drop = f"DROP INDEX CONCURRENTLY IF EXISTS {index};"
        steps.append(Step("an index that was not built to the end", drop, Mode.ALONE))
    if not table.own_index_valid:
        build = (
            f"CREATE UNIQUE INDEX CONCURRENTLY {quoted(table.own_index)} ON {table.qualified} "
            f"({quoted(table.mapping.tenant)}, {quoted(table.mapping.id)});"
        )
        steps.append(Step(f"an index that tells key and tenant of {table.mapping.table}", build, Mode.ALONE))
    return [*steps, _switch(table, names, f"USING INDEX {quoted(table.own_index)}", index)]


def _switch(table: TableState, names: SourceNames, identity: str, index: str | None) -> Step:
    previous = quoted(table.identity_index) if table.identity_index else None
    values = (table.qualified, table.identity, previous, "i" if index else "f", index)
    told = ", ".join("NULL" if value is None else literal(value) for value in values)
    return Step(
        f"let deletes and updates of {table.mapping.table} tell their tenant",
        f"INSERT INTO {quoted(names.schema)}.table_identity VALUES ({told})\n"
        "    ON CONFLICT (table_name) DO UPDATE SET made = excluded.made, index = excluded.index;\n"
        f"ALTER TABLE {table.qualified} REPLICA IDENTITY {identity};",
        Mode.LOCKING,
    )


def _publication(state: SourceState, names: SourceNames) -> Step:
    name = quoted(names.publication)
    heartbeat = f"{quoted(names.schema)}.heartbeat"
    tables = ", ".join([*(table.qualified for table in state.tables), heartbeat])
    sql = (
        f"ALTER PUBLICATION {name} SET TABLE {tables};"
        if state.publication_exists
        else f"CREATE PUBLICATION {name} FOR TABLE {tables} WITH (publish = 'insert, update, delete');"
    )
    return Step("publish exactly these tables", sql, Mode.LOCKING)


def _restored(row: Remembered, now: str) -> list[Step]:
    steps = []
    if now == row.made:  # else somebody has changed it since: theirs to decide
        words = IDENTITY_WORDS.get(row.previous) or f"USING INDEX {row.previous_index}"
        sql = f"ALTER TABLE {row.table_name} REPLICA IDENTITY {words};"
        steps.append(Step(f"the replica identity of {row.table_name} as it was", sql, Mode.LOCKING))
    if row.index:
        drop = f"DROP INDEX CONCURRENTLY IF EXISTS {row.index};"
        steps.append(Step(f"our index on {row.table_name}", drop, Mode.ALONE))
    return steps


def _for_psql(step: Step) -> str:
    match step.mode:
        case Mode.ALONE:
            return step.sql
        case Mode.PLAIN:
            return f"BEGIN;\n{step.sql}\nCOMMIT;"
        case Mode.LOCKING:
            lock = f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; -- on a timeout: ROLLBACK, wait, again"
            return f"BEGIN;\n{lock}\n{step.sql}\nCOMMIT;"
