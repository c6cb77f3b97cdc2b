"""The SQL that prepares a database for monitoring, and the SQL that undoes it. Pure: state in, steps out.

Two traps, both tried, both of which make the *application's* UPDATE fail: a publication with a column list
over REPLICA IDENTITY FULL, and a published table without a key. So neither is ever made here: what may
be read is cut by column privileges and by Debezium's column list.
"""

from collections.abc import Iterable, Iterator

from connectors.source.errors import NoPrimaryKey, NoSuchColumn, NoSuchTable, WrongWalLevel
from connectors.source.inspection import Remembered, SourceNames, SourceState, TableState, literal, quoted
from connectors.source.mapping import OPTIONAL
from connectors.source.steps import Mode, Plan, Step

CONNECTION_LIMIT = 6  # Debezium holds 3 and a walsender, Plumbline reads with 2
READING_CONNECTION_LIMIT = 2  # where it reads alone (source.mode = "poll")
STATEMENT_TIMEOUT = "2s"
IDENTITY_WORDS = {"d": "DEFAULT", "n": "NOTHING", "f": "FULL"}


def plan_preparation(state: SourceState, names: SourceNames, password: str, *, streaming: bool = True) -> Plan:
    """What is missing; run twice, it changes nothing the second time. Without `streaming` a role that reads, no more.

    Raises WrongWalLevel, NoSuchTable, NoPrimaryKey, NoSuchColumn.
    """
    _check(state, streaming=streaming)
    if not streaming:
        missing = tuple(_missing_columns(state.tables))
        return Plan((_reading_role(state, names, password), _reading_grants(state.tables, names)), missing)
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


def _check(state: SourceState, *, streaming: bool) -> None:
    if streaming and state.wal_level != "logical":
        raise WrongWalLevel(state.wal_level)
    for table in state.tables:
        if not table.exists:
            raise NoSuchTable(table.mapping.table)
        if not table.has_primary_key:
            raise NoPrimaryKey(table.mapping.table)
        for column in (table.mapping.id, table.mapping.tenant):
            if column not in table.columns:
                raise NoSuchColumn(table.mapping.table, column)


def _missing_columns(tables: Iterable[TableState]) -> Iterator[str]:
    for table in tables:
        theirs = [column for ours, column in table.mapping.columns.items() if ours not in OPTIONAL]
        if missing := [column for column in dict.fromkeys(theirs) if column not in table.columns]:
            yield f"{table.mapping.table} has no {', '.join(missing)}: rules that need them stay silent"


def _notes(tables: Iterable[TableState]) -> Iterator[str]:
    yield from _missing_columns(tables)
    for table in tables:
        name, tenant = table.mapping.table, table.mapping.tenant
        if table.identity == "f":
            continue
        if uses_index(table):
            yield f"while {name} is monitored, {tenant} must stay NOT NULL (replica identity)"
        else:
            yield f"{tenant} of {name} may be null, so REPLICA IDENTITY FULL: UPDATEs log the whole old row"


def _role(state: SourceState, names: SourceNames, password: str) -> Step:
    # Where a provider keeps the attribute to itself, membership in a role of its stands for it.
    group = f"\nGRANT {quoted(state.replication_role)} TO {quoted(names.role)};" if state.replication_role else ""
    attribute = "" if state.replication_role else " REPLICATION"
    return Step(
        "a role of our own, with few connections and short statements",
        _login(state, names, password, f"{attribute} CONNECTION LIMIT {CONNECTION_LIMIT}") + group,
    )


def _reading_role(state: SourceState, names: SourceNames, password: str) -> Step:
    attributes = f" CONNECTION LIMIT {READING_CONNECTION_LIMIT}"
    return Step(
        "a role of our own that reads, with two connections and short statements",
        _login(state, names, password, attributes)
        + f"\nALTER ROLE {quoted(names.role)} SET default_transaction_read_only = on;",
    )


def _login(state: SourceState, names: SourceNames, password: str, attributes: str) -> str:
    role, verb = quoted(names.role), "ALTER" if state.role_exists else "CREATE"
    return (
        f"{verb} ROLE {role} LOGIN{attributes} PASSWORD {literal(password)};\n"
        f"ALTER ROLE {role} SET statement_timeout = '{STATEMENT_TIMEOUT}';"
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
        *_reading(tables, names),
    ]
    return Step("read the mapped columns, write the heartbeat, nothing else", "\n".join(lines))


def _reading_grants(tables: tuple[TableState, ...], names: SourceNames) -> Step:
    return Step("read the mapped columns, nothing else", "\n".join(_reading(tables, names)))


def _reading(tables: tuple[TableState, ...], names: SourceNames) -> Iterator[str]:
    role = quoted(names.role)
    for table in tables:
        # Revoked first, in the same transaction: a column that is no longer mapped is no longer readable.
        columns = ", ".join(quoted(column) for column in table.mapping.read if column in table.columns)
        yield f"GRANT USAGE ON SCHEMA {quoted(table.mapping.schema)} TO {role};"
        yield f"REVOKE ALL ON {table.qualified} FROM {role};"
        yield f"GRANT SELECT ({columns}) ON {table.qualified} TO {role};"


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
