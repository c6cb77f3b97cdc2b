"""`plumbline doctor`: against a live database and Cal.com, one line a check, each with its mend; nothing is changed."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
import pytest

from connectors.doctor.line import Line, Outcome, exit_code
from connectors.doctor.run import examine
from connectors.source.inspection import SourceNames
from connectors.source.mapping import mapping_of
from connectors.source.prepare import apply, remove
from connectors.stack.databases import EXAMPLE_CRM
from connectors.stack.stack import LocalStack
from connectors.store.migrate import migrate
from connectors.topics_admin import ensure_topics
from connectors.world.calcom.booking import Attendee, Draft
from connectors.world.calcom.server import calcom_app
from connectors.world.calcom.state import CalcomState
from connectors.world.config import WorldConfig
from connectors.world.instants import now
from connectors.world.knobs import changed
from connectors.world.serving import serving
from streams.model.source_records import TenantStanding
from streams.settings import Settings
from tests.integration.connecting import ACCOUNTS, CALM

pytestmark = pytest.mark.stack
HARBOR = ACCOUNTS[0]
OTHER_SCHEMA = """
CREATE TABLE termine (nr uuid PRIMARY KEY DEFAULT gen_random_uuid(), mandant text NOT NULL, cal text, zustand text,
                      beginn text, sync_attempt_count integer);
CREATE TABLE calls (id bigserial PRIMARY KEY, company_id text NOT NULL, appointment_made text);
INSERT INTO termine (mandant, zustand) VALUES ('ost', 'gebucht'), ('ost', 'verschoben');
"""
OTHER_TABLES = {
    "appointments": {
        "table": "termine",
        "columns": {"id": "nr", "company_id": "mandant", "status": "zustand", "starts_at": "beginn",
                    "calcom_v2_booking_id": "cal"},
        "words": {"status": {"gebucht": "confirmed"}},
    },
}  # fmt: skip
_numbers = itertools.count(1)


# The words of this specification -----------------------------------------------------


class Examined:
    """A database with its role, and what the doctor says of it."""

    def __init__(self, admin: Any, settings: Settings, names: SourceNames, calcom: CalcomState) -> None:
        self.admin = admin
        self.settings = settings
        self.names = names
        self.calcom = calcom

    async def lines(self) -> dict[str, Line]:
        """By check; of several about the same the worst."""
        order = (Outcome.OK, Outcome.WARN, Outcome.UNKNOWN, Outcome.FAIL)
        told = sorted(await examine(self.settings), key=lambda line: order.index(line.outcome))
        return {line.check: line for line in told}

    async def failed(self) -> dict[str, str]:
        """What failed, and how to mend it; the parts that are not here left out."""
        lines = (await self.lines()).values()
        return {one.check: one.mend for one in lines if one.outcome == "FAIL" and one.check not in ("kafka", "store")}


@asynccontextmanager
async def examined(
    postgres: LocalStack, schema: str | None = None, *, prepared: bool = True, **more: Any
) -> AsyncIterator[Examined]:
    """A database prepared as `plumbline source prepare` does it; `more` are settings."""
    name, admin_dsn = f"doctor_{next(_numbers)}", str(postgres.endpoints.admin_dsn)
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    dsn = f"{admin_dsn.rpartition('/')[0]}/{name}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(schema or EXAMPLE_CRM.read_text(encoding="utf-8"))
    address = admin_dsn.rpartition("@")[2].rpartition("/")[0]
    calcom = CalcomState(WorldConfig(accounts=(HARBOR,), knobs=CALM))
    account = {"name": "harbor", "tenant": "1", "api_key": HARBOR.api_key, "webhook_secrets": ["s"]}
    async with serving(calcom_app(calcom)) as url:
        source = {"dsn": f"postgresql://{name}:reads@{address}/{name}"} | more.pop("source", {})
        given = {"source": source, "calcom": {"base_url": url}, "accounts": [account]} | more
        settings = Settings.model_validate(given)
        names = SourceNames(role=name)
        if prepared:
            streaming = settings.source.mode == "debezium"
            await apply(dsn, mapping=mapping_of(settings.source), names=names, password="reads", streaming=streaming)
        else:
            await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'reads'")
        try:
            yield Examined(connection, settings, names, calcom)
        finally:
            if prepared:
                await remove(dsn, names=names)
            await connection.close()


# The specification -------------------------------------------------------------------


async def test_what_source_prepare_made_passes_every_check(postgres: LocalStack) -> None:
    async with examined(postgres) as here:
        assert await here.failed() == {}
        lines = await here.lines()
        assert lines["source privileges"].outcome == "ok"
        assert lines["source role"].found.endswith("CONNECTION LIMIT 6")
        assert lines["source slot"].outcome == "warn"  # Debezium makes it
        assert lines["account harbor key"].outcome == lines["account harbor version"].outcome == "ok"
        assert lines["account harbor clock"].outcome == lines["source clock"].outcome == "ok"


async def test_the_whole_is_well_with_a_broker_and_a_store(stack: LocalStack, postgres: LocalStack) -> None:
    kafka = {"bootstrap_servers": stack.endpoints.kafka_bootstrap, "partitions": 3, "topic_prefix": "doctor."}
    store = {"dsn": postgres.endpoints.store_dsn}
    async with examined(postgres, kafka=kafka, store=store) as here:
        assert (await here.lines())["kafka topics"].outcome == "warn"
        await ensure_topics(here.settings.kafka)
        await migrate(str(postgres.endpoints.store_dsn))
        await _tell_standing(str(postgres.endpoints.store_dsn))
        lines = await examine(here.settings)
        assert [line.found for line in lines if line.check == "tenant 1 sync"] == [
            "p50 0.8 s, p99.9 2.5 s of 300 appointments"
        ]
        assert exit_code(lines) == 0, [line for line in lines if line.outcome in ("FAIL", "????")]
        wrong = here.settings.model_copy(update={"kafka": here.settings.kafka.model_copy(update={"partitions": 4})})
        topics = [line for line in await examine(wrong) if line.check == "kafka topics" and line.outcome == "FAIL"]
        assert "has 3 partitions, expected 4" in topics[0].found


async def _tell_standing(dsn: str) -> None:
    """As the worker's word lies in the store."""
    standing = TenantStanding(tenant="1", at="2026-01-01T00:00:00.000Z", compared_through="2026-01-01T00:00:00.000Z",
                              lag_wait_ms=2_000, sync_p50_ms=800, sync_p999_ms=2_500, sync_samples=300)  # fmt: skip
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO tenant_standings VALUES ('1', now(), now(), $1::jsonb)", msgspec.json.encode(standing).decode()
    )
    await connection.close()


async def test_another_schema_is_told_column_by_column(postgres: LocalStack) -> None:
    async with examined(postgres, OTHER_SCHEMA, source=OTHER_TABLES) as here:
        lines = await here.lines()
        assert (lines["appointments.starts_at"].outcome, lines["appointments.starts_at"].found) == (
            "FAIL", "text: no instant",
        )  # fmt: skip
        assert lines["calls.appointment_made"].outcome == "FAIL"
        assert "words such as t or yes are not guessed" in lines["calls.appointment_made"].found
        assert lines["appointments words"].found == "no judgement for status 'verschoben' (1 rows)"
        assert "not there: customer_id" in lines["appointments columns"].found
        assert "deleted_at" not in lines["appointments columns"].found
        assert "CREATE INDEX CONCURRENTLY" in lines["appointments.calcom_v2_booking_id"].mend


async def test_a_role_that_may_write_or_take_every_connection_is_named(postgres: LocalStack) -> None:
    async with examined(postgres, prepared=False) as here:
        await here.admin.execute(f"GRANT SELECT, UPDATE ON appointments TO {here.names.role}")
        await here.admin.execute(f"GRANT SELECT ON calls TO {here.names.role}")
        lines = await here.lines()
        assert lines["source privileges"].found == "our role may write public.appointments"
        assert lines["source role"].mend.endswith("CONNECTION LIMIT 6")
        assert set(await here.failed()) == {
            "source replication", "source privileges", "source publication", "appointments identity", "calls identity",
        }  # fmt: skip


async def test_where_only_reads_are_made_nothing_of_replication_is_asked_for(postgres: LocalStack) -> None:
    async with examined(postgres, source={"mode": "poll", "calls": {"table": ""}}) as here:
        assert await here.failed() == {}
        lines = await here.lines()
        assert lines["source role"].found.endswith("CONNECTION LIMIT 2")
        assert lines["appointments.updated_at"].outcome == "warn"
        assert not [check for check in lines if check.startswith("calls")]
        assert "no table of calls" in lines["rules"].found


async def test_a_column_that_may_not_be_read_is_granted_by_the_mend(postgres: LocalStack) -> None:
    async with examined(postgres) as here:
        await here.admin.execute(f"REVOKE SELECT (status) ON appointments FROM {here.names.role}")
        mend = (await here.failed())["appointments columns"]
        assert 'GRANT SELECT ("status") ON "public"."appointments"' in mend


async def test_rows_that_a_policy_may_hide_are_warned_of(postgres: LocalStack) -> None:
    async with examined(postgres) as here:
        await here.admin.execute("ALTER TABLE appointments ENABLE ROW LEVEL SECURITY")
        lines = await here.lines()
        assert (lines["appointments rows"].outcome, lines["calls rows"].outcome) == ("warn", "ok")
        assert "BYPASSRLS" in lines["appointments rows"].mend


async def test_a_slot_that_nobody_reads_is_warned_of(postgres: LocalStack) -> None:
    async with examined(postgres) as here:
        await here.admin.execute("SELECT pg_create_logical_replication_slot('plumbline', 'pgoutput')")
        slot = (await here.lines())["source slot"]
        assert slot.outcome == "warn"
        assert slot.found.startswith("not active, holds back 0.")


async def test_a_column_list_over_the_whole_old_row_fails(postgres: LocalStack) -> None:
    async with examined(postgres) as here:
        columns = "id, company_id, status"
        await here.admin.execute(f"ALTER PUBLICATION plumbline SET TABLE appointments ({columns}), calls")
        assert "without columns" in (await here.failed())["source publication"]


async def test_what_cal_com_refuses_or_ignores_is_told(postgres: LocalStack) -> None:
    async with examined(postgres, prepared=False) as here:
        kind = next(iter(here.calcom.event_types["harbor"].values()))
        attendee = Attendee(name="Ewan Birrell", email="ewan.birrell@mail.example")
        draft = Draft(account="harbor", event_type=kind, start=now(), end=now() + 1_800_000, attendee=attendee)
        here.calcom.bookings.create(draft, now())
        here.calcom.knobs = changed(here.calcom.knobs, {"filters_ignored": True})
        assert "set calcom.api_version" in (await here.failed())["account harbor version"]
    account = {"name": "harbor", "tenant": "1", "api_key": "cal_live_wrong"}
    async with examined(postgres, prepared=False, accounts=[account]) as here:
        assert "set accounts.api_key" in (await here.failed())["account harbor key"]


async def test_what_cannot_be_reached_is_one_line(postgres: LocalStack) -> None:
    async with examined(postgres, prepared=False, source={"dsn": "postgresql://a:secret@127.0.0.1:1/x"}) as here:
        lines = await here.lines()
        assert lines["source"].outcome == "FAIL"
        assert not [check for check in lines if check.startswith("source ")]
        assert "secret" not in str(lines)
