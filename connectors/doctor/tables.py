"""The monitored tables: columns, types, words, what our role may do, and whether changes tell their tenant."""

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from connectors.crm.table import FLAGS
from connectors.doctor.database import PREPARE, Look
from connectors.doctor.line import Line, fail, ok, warn
from connectors.source.inspection import TABLE_SQL, own_index, quoted
from connectors.source.mapping import ID, OPTIONAL, TENANT, TableMapping
from streams.decode.names import ColumnNames

_SQL = files("connectors.doctor")
COLUMNS_SQL, WRITABLE_SQL, PUBLICATION_SQL = (
    (_SQL / f"{name}.sql").read_text(encoding="utf-8") for name in ("columns", "writable", "publication")
)
#: Words of so many of the newest rows are looked at.
WORDS_OF_ROWS = 5_000
SHOWN_MAX = 5
INSTANTS = frozenset({"timestamp with time zone", "timestamp without time zone"})
WHOLE = frozenset({"smallint", "integer", "bigint"})
TEXTS = frozenset({"text", "character varying", "character", "uuid", "USER-DEFINED"})
_TIMES = frozenset({"starts_at", "ends_at", "created_at", "updated_at", "last_sync_attempt_at"})
#: By these columns of ours rows are looked up.
_LOOKED_UP = frozenset({"calcom_v2_booking_id", "call_id"})


def qualified(table: TableMapping) -> str:
    """The table's name with its schema, as SQL."""
    return f"{quoted(table.schema)}.{quoted(table.name)}"


async def examine_columns(look: Look, kind: str, table: TableMapping) -> list[Line]:
    """There, readable, of types that can be read, looked up by index."""
    rows = await look.connection.fetch(COLUMNS_SQL, qualified(table))
    check = f"{kind} columns"
    if not rows:
        mend = f"correct source.{kind}.table" + (' ("" if there are no calls)' if kind == "calls" else "")
        return [fail(check, f"there is no table {table.table}, or our role may not see it", mend)]
    there = {row["name"]: row for row in rows}
    lines = [*_missing(check, kind, table, there), *_unreadable(check, table, there)]
    lines += [*_types(kind, table, there), *_indexes(look, kind, table, there)]
    return lines or [ok(check, f"{len(table.read)} mapped, all there and of types that can be read")]


def _missing(check: str, kind: str, table: TableMapping, there: Mapping[str, Any]) -> Iterator[Line]:
    lacking = [ours for ours, theirs in table.columns.items() if theirs not in there and ours not in OPTIONAL]
    mend = f'source.{kind}.columns: {{ name = "their name" }}, or "" where there is none'
    if keys := [ours for ours in lacking if ours in (ID, TENANT)]:
        yield fail(check, f"{table.table} has no column for {', '.join(keys)}", mend)
    if others := [f"{ours} ({table.columns[ours]})" for ours in lacking if ours not in (ID, TENANT)]:
        yield warn(check, f"not there: {', '.join(others)}; rules that need them stay silent", mend)


def _unreadable(check: str, table: TableMapping, there: Mapping[str, Any]) -> Iterator[Line]:
    denied = [theirs for theirs in table.read if theirs in there and not there[theirs]["readable"]]
    if denied:
        columns = ", ".join(quoted(theirs) for theirs in denied)
        mend = f"{PREPARE}, or GRANT SELECT ({columns}) ON {qualified(table)} to our role"
        yield fail(check, f"our role may not read {', '.join(denied)}", mend)


def _types(kind: str, table: TableMapping, there: Mapping[str, Any]) -> Iterator[Line]:
    for ours, theirs in table.columns.items():
        if theirs not in there:
            continue
        type_ = there[theirs]["type"]
        if ours in _TIMES and type_ not in INSTANTS:
            yield fail(
                f"{kind}.{ours}", f"{type_}: no instant", "map a column of type timestamp with or without a zone"
            )
        if ours in FLAGS and type_ not in WHOLE | {"boolean"}:
            mend = "map a boolean or a column of 0 and 1 (a generated column will do)"
            yield fail(f"{kind}.{ours}", f"{type_}: words such as t or yes are not guessed", mend)
        if ours == "sync_attempt_count" and type_ not in WHOLE:
            yield fail(f"{kind}.{ours}", f"{type_}: no whole number", f'map a count, or "" in source.{kind}.columns')
    if ID in table.columns and (key := there.get(table.id)) is not None and key["type"] not in WHOLE | TEXTS:
        yield warn(f"{kind}.id", f"{key['type']}: looked up without an index", "map a key of integers, uuids or texts")


def _indexes(look: Look, kind: str, table: TableMapping, there: Mapping[str, Any]) -> Iterator[Line]:
    wanted = _LOOKED_UP | (frozenset() if look.streams else {"updated_at"})
    for ours in sorted(wanted & set(table.columns)):
        column = there.get(table.columns[ours])
        if kind == "calls" and ours in _LOOKED_UP:
            continue
        if column is not None and not column["indexed"]:
            mend = f"CREATE INDEX CONCURRENTLY ON {qualified(table)} ({quoted(table.columns[ours])})"
            yield warn(f"{kind}.{ours}", "no index begins with it: each proof reads the whole table", mend)


async def examine_words(look: Look, kind: str, table: TableMapping) -> list[Line]:
    """Words that mean nothing to us, in the newest rows."""
    given = look.source.appointments.words if kind == "appointments" else look.source.calls.words
    names = ColumnNames({}, None, given)
    columns = ("status", "calcom_sync_status") if kind == "appointments" else ("direction", "session_outcome")
    there = {row["name"] for row in await look.connection.fetch(COLUMNS_SQL, qualified(table))}
    unknown: list[str] = []
    for ours in columns:
        if table.columns.get(ours) in there:
            words = await _words(look, table, table.columns[ours])
            found = [f"{word!r} ({rows} rows)" for word, rows in words.most_common() if names.unknown(ours, word)]
            unknown += [f"{ours} {each}" for each in found[:SHOWN_MAX]]
    if not unknown:
        return [ok(f"{kind} words", f"all known in the newest {WORDS_OF_ROWS} rows")]
    mend = f'say what they mean in [source.{kind}.words], such as status = {{ booked = "confirmed" }}'
    return [warn(f"{kind} words", f"no judgement for {', '.join(unknown)}", mend)]


async def _words(look: Look, table: TableMapping, column: str) -> Counter[str]:
    newest = f"SELECT {quoted(column)} FROM {qualified(table)} ORDER BY {quoted(table.id)} DESC LIMIT {WORDS_OF_ROWS}"
    sql = f"SELECT {quoted(column)}::text AS word, count(*) AS rows FROM ({newest}) AS newest GROUP BY 1"
    return Counter({row["word"]: row["rows"] for row in await look.connection.fetch(sql) if row["word"]})


async def examine_visibility(look: Look, kind: str, table: TableMapping) -> Line:
    """Whether policies may hide rows from our role: what it does not see looks missing."""
    check = f"{kind} rows"
    if not await look.connection.fetchval("SELECT row_security_active(to_regclass($1))", qualified(table)):
        return ok(check, "none is hidden from our role")
    role = look.names.role
    mend = (
        f"ALTER ROLE {role} BYPASSRLS, or CREATE POLICY {role} ON {qualified(table)} FOR SELECT TO {role} USING (true)"
    )
    return warn(
        check, "row level security is active: a row that it hides looks missing, and its booking orphaned", mend
    )


async def examine_writing(look: Look) -> Line:
    """Nothing but the heartbeat may be written. A session that is read-only by default is no such promise."""
    writable = [row["name"] for row in await look.connection.fetch(WRITABLE_SQL, look.names.schema)]
    if not writable:
        return ok("source privileges", "our role can write nowhere but in its own schema")
    more = f" and {len(writable) - SHOWN_MAX} more" if len(writable) > SHOWN_MAX else ""
    found = f"our role may write {', '.join(writable[:SHOWN_MAX])}{more}"
    mend = f"{PREPARE} with a role of its own, or REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON … FROM {look.names.role}"
    return fail("source privileges", found, mend)


async def examine_publication(look: Look) -> list[Line]:
    """Exactly our tables, whole, and every kind of change."""
    if not look.streams:
        return [ok("source publication", "none is used")]
    published = {row["name"]: row for row in await look.connection.fetch(PUBLICATION_SQL, look.names.publication)}
    if not published:
        return [fail("source publication", f"{look.names.publication} does not exist or is empty", PREPARE)]
    places = [(table.schema, table.name) for table in look.mapping.tables]
    wanted = [await _shown(look, *place) for place in [*places, (look.names.schema, "heartbeat")]]
    lines = [
        fail("source publication", f"{name} is not published", PREPARE) for name in wanted if name not in published
    ]
    lines += [
        fail("source publication", f"{name}: a column list over FULL makes the application's UPDATE fail",
             f"ALTER PUBLICATION {quoted(look.names.publication)} SET TABLE … without columns; {PREPARE}")
        for name, row in published.items()
        if row["column_list"] and row["identity"] == "f"
    ]  # fmt: skip
    if not all(row["all_changes"] for row in published.values()):
        mend = f"ALTER PUBLICATION {quoted(look.names.publication)} SET (publish = 'insert, update, delete')"
        lines.append(fail("source publication", "does not publish every kind of change", mend))
    return lines or [ok("source publication", f"{look.names.publication}: {', '.join(sorted(published))}")]


async def _shown(look: Look, schema: str, name: str) -> str:
    return str(await look.connection.fetchval("SELECT format('%I.%I', $1::text, $2::text)", schema, name))


async def examine_identity(look: Look, kind: str, table: TableMapping) -> Line:
    """Whether a delete tells whose row it was."""
    check = f"{kind} identity"
    if not look.streams:
        return ok(check, "not needed")
    row = await look.connection.fetchrow(TABLE_SQL, table.schema, table.name, own_index(table))
    if row is None:
        return fail(check, f"{table.table} is no ordinary table", f"correct source.{kind}.table")
    if not row["has_primary_key"]:
        return fail(check, "no primary key: published, the application's UPDATE would fail", "give it a primary key")
    if row["identity"] == "f":
        return ok(check, "FULL: updates log the whole old row")
    if row["identity"] == "i" and table.tenant in (row["identity_columns"] or ()):
        return ok(check, f"by index {row['identity_index']}")
    return fail(check, "a delete does not tell its tenant", PREPARE)
