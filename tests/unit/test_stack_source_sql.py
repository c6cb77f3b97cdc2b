"""The SQL of `source prepare` and `remove`, and the connector's configuration, as text."""

import re
from dataclasses import replace

import pytest

from connectors.source.errors import NoPrimaryKey, NoSuchColumn, NoSuchTable, SourceError, WrongWalLevel
from connectors.source.inspection import Remembered, SourceNames, SourceState, TableState
from connectors.source.mapping import EXAMPLE, SourceMapping, TableMapping, mapping_of
from connectors.source.plan import plan_preparation, plan_removal
from connectors.source.registration import Registration, render
from connectors.source.steps import Mode, Plan
from streams.settings import Settings

NAMES = SourceNames()
#: Never read: what is not judged does not leave the database.
PRIVATE = ("staff_id", "sync_error_message", "sync_error_code", "retell_call_id")

# The words of this specification -----------------------------------------------------


def table(mapping: TableMapping, *, tenant_not_null: bool = False) -> TableState:
    columns = {column: column == mapping.id for column in mapping.read} | dict.fromkeys(PRIVATE, False)
    return TableState(
        mapping=mapping,
        exists=True,
        has_primary_key=True,
        columns=columns | {mapping.tenant: tenant_not_null},
        identity="d",
        identity_index=None,
        identity_columns=frozenset(),
        own_index_valid=None,
    )


def database(*tables: TableState) -> SourceState:
    return SourceState(
        wal_level="logical",
        role_exists=False,
        publication_exists=False,
        slot_exists=False,
        tables=tables or tuple(table(mapping) for mapping in EXAMPLE.tables),
        remembered=(),
        identities_now={},
    )


def prepared(state: SourceState) -> Plan:
    return plan_preparation(state, NAMES, "it's secret")


def sql(plan: Plan) -> str:
    return "\n".join(step.sql for step in plan.steps)


def registered(mapping: SourceMapping = EXAMPLE, **more: str) -> dict[str, str]:
    dsn = "postgresql://plumb:p%40ss%24%7Bx%7D@db.example:6432/crm?sslmode=require"
    return render(Registration(**({"dsn": dsn, "mapping": mapping, "partitions": 12} | more)))  # type: ignore[arg-type]  # the fields by name


# Preparation -------------------------------------------------------------------------


def test_the_role_may_read_the_mapped_columns_and_write_the_heartbeat_only() -> None:
    text = sql(prepared(database()))
    granted = re.findall(r"GRANT (.*?) TO", text, re.DOTALL)
    assert [grant for grant in granted if "UPDATE" in grant] == ['SELECT, UPDATE ON "plumbline".heartbeat']
    assert not re.search(r"INSERT|DELETE|ALL", " ".join(granted))
    assert not [column for column in PRIVATE if column in text]
    assert "CONNECTION LIMIT 6" in text
    assert "REPLICATION" in text
    assert "statement_timeout = '2s'" in text
    assert "PASSWORD 'it''s secret'" in text


def test_where_the_provider_keeps_the_attribute_the_role_joins_the_provider_s() -> None:
    text = sql(prepared(replace(database(), replication_role="rds_replication")))
    assert 'GRANT "rds_replication" TO "plumbline";' in text
    assert " REPLICATION " not in text.replace("REPLICATION IDENTITY", "")


def test_a_database_that_is_only_read_gets_a_role_that_reads_and_nothing_else() -> None:
    state = replace(database(), wal_level="replica")
    plan = plan_preparation(state, NAMES, "p", streaming=False)
    text = sql(plan)
    assert "CONNECTION LIMIT 2" in text
    assert "default_transaction_read_only = on" in text
    assert [word for word in ("REPLICATION", "PUBLICATION", "UPDATE", "SCHEMA plumbline") if word in text] == []
    assert "GRANT SELECT (" in text


def test_the_publication_names_exactly_the_tables_and_no_columns() -> None:
    assert prepared(database()).steps[-1].sql == (
        'CREATE PUBLICATION "plumbline" FOR TABLE "public"."appointments", "public"."calls", '
        "\"plumbline\".heartbeat WITH (publish = 'insert, update, delete');"
    )


def test_a_nullable_tenant_takes_the_whole_old_row_and_says_so() -> None:
    plan = prepared(database())
    assert 'ALTER TABLE "public"."appointments" REPLICA IDENTITY FULL;' in sql(plan)
    assert any("may be null" in note for note in plan.notes)


def test_a_tenant_that_is_never_null_is_told_by_an_index_built_beside_the_traffic() -> None:
    plan = prepared(database(*(table(mapping, tenant_not_null=True) for mapping in EXAMPLE.tables)))
    [build, _] = [step for step in plan.steps if step.mode is Mode.ALONE]
    assert build.sql == (
        'CREATE UNIQUE INDEX CONCURRENTLY "plumbline_identity_appointments" '
        'ON "public"."appointments" ("company_id", "id");'
    )
    assert 'REPLICA IDENTITY USING INDEX "plumbline_identity_appointments"' in sql(plan)
    assert any("must stay NOT NULL" in note for note in plan.notes)


def test_an_index_that_was_not_built_to_the_end_is_built_anew() -> None:
    broken = replace(table(EXAMPLE.calls, tenant_not_null=True), own_index_valid=False)
    plan = prepared(database(broken))
    alone = [step.sql.split()[0] for step in plan.steps if step.mode is Mode.ALONE]
    assert alone == ["DROP", "CREATE"]


def test_every_change_of_a_table_gives_up_its_lock_soon() -> None:
    plan = prepared(database(*(table(mapping, tenant_not_null=True) for mapping in EXAMPLE.tables)))
    assert {step.mode for step in plan.steps if "ALTER TABLE" in step.sql} == {Mode.LOCKING}
    assert "SET LOCAL lock_timeout = '500ms'" in plan.script()


def test_what_is_so_already_is_left_alone() -> None:
    full = [replace(table(mapping), identity="f") for mapping in EXAMPLE.tables]
    state = replace(database(*full), role_exists=True, publication_exists=True)
    text = sql(prepared(state))
    assert "ALTER TABLE" not in text
    assert "CREATE ROLE" not in text
    assert "ALTER PUBLICATION" in text


def test_a_column_that_the_database_does_not_have_is_noted_and_not_granted() -> None:
    full = table(EXAMPLE.calls)
    columns = {name: value for name, value in full.columns.items() if name != "appointment_link_status"}
    plan = prepared(database(replace(full, columns=columns)))
    assert "appointment_link_status" not in sql(plan)
    assert any("has no appointment_link_status" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        (replace(database(), wal_level="replica"), WrongWalLevel, "wal_level is 'replica'"),
        (database(replace(table(EXAMPLE.calls), exists=False)), NoSuchTable, "public.calls"),
        (database(replace(table(EXAMPLE.calls), has_primary_key=False)), NoPrimaryKey, "public.calls"),
        (database(replace(table(EXAMPLE.calls), columns={"id": True})), NoSuchColumn, "company_id"),
    ],
)
def test_what_cannot_be_monitored_is_refused_by_name(state: SourceState, error: type[SourceError], words: str) -> None:
    with pytest.raises(error, match=words):
        prepared(state)


def test_removal_gives_back_the_replica_identity_that_was_there() -> None:
    indexed = Remembered(table_name='"public"."calls"', previous="i", previous_index='"theirs"', made="f", index=None)
    state = replace(database(), remembered=(indexed,), identities_now={'"public"."calls"': "f"})
    assert 'ALTER TABLE "public"."calls" REPLICA IDENTITY USING INDEX "theirs";' in sql(plan_removal(state, NAMES))


def test_removal_leaves_a_replica_identity_that_somebody_changed_since() -> None:
    ours = Remembered(
        table_name='"public"."calls"', previous="d", previous_index=None, made="i", index='"public"."ours"'
    )
    state = replace(database(), remembered=(ours,), identities_now={'"public"."calls"': "f"})
    text = sql(plan_removal(state, NAMES))
    assert "REPLICA IDENTITY" not in text
    assert 'DROP INDEX CONCURRENTLY IF EXISTS "public"."ours";' in text


# The connector -----------------------------------------------------------------------


def test_the_connector_reads_the_mapped_columns_only() -> None:
    columns = registered()["column.include.list"].split(",")
    assert r"public\.appointments\.company_id" in columns
    assert not [column for column in columns for private in PRIVATE if private in column]
    assert registered()["publication.autocreate.mode"] == "disabled"


def test_the_connection_comes_from_the_dsn_word_by_word() -> None:
    config = registered()
    keys = ("hostname", "port", "user", "password", "dbname", "sslmode")
    told = [config[f"database.{key}"] for key in keys]
    assert told == ["db.example", "6432", "plumb", "p@ss${x}", "crm", "require"]


def test_nothing_of_the_template_is_left_open() -> None:
    config = registered(topic_prefix="eu.")
    assert not [key for key, value in config.items() if re.search(r"\$\{(?!x\})", value)]
    assert config["topic.prefix"] == "eu.crm"
    assert config["heartbeat.interval.ms"] == "1000"
    assert config["poll.interval.ms"] == "20"
    assert config["tombstones.on.delete"] == "false"


def test_tables_of_other_names_come_on_our_topics_keyed_by_their_tenant() -> None:
    mapping = SourceMapping(
        appointments=TableMapping("booking.termine", {"id": "nr", "company_id": "praxis"}),
        calls=TableMapping("anrufe", {"id": "id", "company_id": "mandant"}),
    )
    config = registered(mapping)
    assert config["table.include.list"] == r"booking\.termine,public\.anrufe"
    assert config["message.key.columns"] == r"booking\.termine:praxis;public\.anrufe:mandant"
    assert config["transforms.appointments.regex"] == r"crm\.booking\.termine"
    assert config["transforms.appointments.replacement"] == "crm.public.appointments"
    assert config["transforms.appointmentsTenant.field"] == "praxis"
    assert config["transforms.callsTenant.field"] == "mandant"


def test_a_database_without_calls_is_registered_and_published_without_them() -> None:
    mapping = mapping_of(Settings.model_validate({"source": {"calls": {"table": ""}}}).source)
    config = registered(mapping)
    assert not [key for key, value in config.items() if "calls" in (key + value).lower()]
    assert config["transforms"] == "appointments,appointmentsTenant"
    assert config["predicates"] == "isAppointment"
    plan = prepared(database(*(table(each) for each in mapping.tables)))
    assert "calls" not in sql(plan)
    assert plan.steps[-1].sql.startswith(
        'CREATE PUBLICATION "plumbline" FOR TABLE "public"."appointments", "plumbline".heartbeat'
    )


def test_a_mapping_without_a_tenant_is_refused() -> None:
    with pytest.raises(ValueError, match="company_id"):
        TableMapping("calls", {"id": "id"})


def test_a_dsn_that_names_no_database_is_refused() -> None:
    with pytest.raises(SourceError, match=r"source\.dsn"):
        registered(dsn="postgresql://plumb:p@db.example")
