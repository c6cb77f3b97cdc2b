"""`plumbline check`: one comparison from a role that may only read, with Postgres and Cal.com and nothing else."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from starlette.applications import Starlette

from connectors.check.result import Comparison
from connectors.check.run import compare
from connectors.stack.databases import EXAMPLE_CRM
from connectors.stack.stack import LocalStack
from connectors.world.calcom.booking import Attendee, Booking, Draft
from connectors.world.calcom.server import calcom_app
from connectors.world.calcom.state import CalcomState
from connectors.world.config import WorldConfig
from connectors.world.instants import now
from connectors.world.knobs import changed
from connectors.world.serving import serving
from streams.settings import Settings
from tests.integration.connecting import ACCOUNTS, CALM

pytestmark = pytest.mark.stack
MONTH = timedelta(days=30)
MINUTE_MS, DAY_MS = 60_000, 86_400_000
HARBOR = ACCOUNTS[0]
_numbers = itertools.count(1)


# The words of this specification -----------------------------------------------------


class Practice:
    """One tenant's rows and bookings."""

    def __init__(self, application: Any, calcom: CalcomState, server: Starlette, settings: Settings) -> None:
        self.application = application
        self.calcom = calcom
        self.server = server
        self.settings = settings

    def books(self, *, in_days: int = 3) -> Booking:
        kind = next(iter(self.calcom.event_types[HARBOR.name].values()))
        start = now() + in_days * DAY_MS + next(_numbers) * MINUTE_MS
        attendee = Attendee(name="Ewan Birrell", email="ewan.birrell@mail.example")
        draft = Draft(account=HARBOR.name, event_type=kind, start=start, end=start + 30 * MINUTE_MS, attendee=attendee)
        return self.calcom.bookings.create(draft, now() - DAY_MS)

    async def visit(self, booking: Booking | None = None, **columns: object) -> str:
        """An appointment in sync with the booking, but for `columns`; one that names its own has no booking here."""
        if booking is None and "calcom_v2_booking_id" not in columns:
            booking = self.books()
        start = booking.start if booking else now() + 3 * DAY_MS + next(_numbers) * MINUTE_MS
        times = {"starts_at": moment(start), "ends_at": moment(booking.end if booking else start + 30 * MINUTE_MS)}
        row = {"calcom_v2_booking_id": booking.uid if booking else None, "status": "confirmed", "source": "web",
               "calcom_sync_status": "synced", "customer_id": next(_numbers), **times}  # fmt: skip
        return await self.insert("appointments", **row | columns)

    async def insert(self, table: str, **columns: object) -> str:
        columns = {"company_id": 1, "created_at": moment(now() - DAY_MS)} | columns
        names, places = ", ".join(columns), ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        sql = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id::text"
        return str(await self.application.fetchval(sql, *columns.values()))

    async def check(self, **account: str) -> Comparison:
        """The comparison, with another account's settings if given."""
        settings = self.settings
        if account:
            [own] = settings.model_dump()["accounts"]
            plain = own | {"api_key": HARBOR.api_key, "webhook_secrets": []} | account
            settings = Settings.model_validate({**_sections(settings), "accounts": [plain]})
        return await compare(settings, MONTH)


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def told(comparison: Comparison) -> set[tuple[str, str]]:
    return {(finding.rule, finding.subject.id) for finding in comparison.findings}


@asynccontextmanager
async def practice(postgres: LocalStack) -> AsyncIterator[Practice]:
    """A world of its own: database, reading role, Cal.com."""
    name, admin_dsn = f"check_{next(_numbers)}", str(postgres.endpoints.admin_dsn)
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'reads' CONNECTION LIMIT 2")
    await admin.close()
    application = await asyncpg.connect(f"{admin_dsn.rpartition('/')[0]}/{name}")
    await application.execute(EXAMPLE_CRM.read_text(encoding="utf-8"))
    await application.execute(f"GRANT SELECT ON appointments, calls TO {name}")
    calcom = CalcomState(WorldConfig(accounts=(HARBOR,), knobs=CALM))
    server = calcom_app(calcom)
    address = admin_dsn.rpartition("@")[2].rpartition("/")[0]
    async with serving(server) as url:
        settings = Settings.model_validate(
            {
                "source": {"dsn": f"postgresql://{name}:reads@{address}/{name}"},
                "calcom": {"base_url": url, "timeout_seconds": 2},
                "accounts": [{"name": HARBOR.name, "tenant": HARBOR.tenant, "api_key": HARBOR.api_key}],
            }
        )
        yield Practice(application, calcom, server, settings)
    await application.close()


def _sections(settings: Settings) -> dict[str, Any]:
    return {"source": settings.source, "calcom": settings.calcom}


# The specification -------------------------------------------------------------------


async def test_a_practice_in_order_is_clean(postgres: LocalStack) -> None:
    async with practice(postgres) as here:
        for _ in range(20):
            await here.visit()
        old, new = here.books(), here.books(in_days=5)
        await here.visit(old)
        await here.visit(new, status="scheduled")
        call = await here.insert("calls", appointment_made=True, session_outcome="appointment_booked",
                                 direction="inbound")  # fmt: skip
        await here.visit(call_id=int(call))
        comparison = await here.check()
        assert (told(comparison), comparison.unjudged, comparison.notes) == (set(), (), ())
        assert comparison.exit_code == 0
        assert (comparison.compared.bookings, comparison.compared.appointments, comparison.compared.calls) == (
            23, 23, 1,
        )  # fmt: skip


async def test_what_differs_is_found_and_nothing_else(postgres: LocalStack) -> None:
    async with practice(postgres) as here:
        for _ in range(12):
            await here.visit()
        alone = here.books()
        late = here.books()
        expected = {
            ("orphaned_calcom", alone.uid),
            ("orphaned_local", await here.visit(calcom_v2_booking_id="nobodyKnowsThisUid")),
            ("start_time_drift", await here.visit(late, starts_at=moment(late.start + 45 * MINUTE_MS))),
            ("status_drift", await here.visit(status="cancelled")),
            ("stuck_pending", await here.visit(calcom_sync_status="pending")),
            ("never_synced", await here.visit(calcom_v2_booking_id=None, calcom_sync_status=None)),
            ("missing_direction", await here.insert("calls", appointment_made=False)),
            (
                "missing_appointment",
                await here.insert("calls", appointment_made=True, session_outcome="appointment_booked",
                                  direction="inbound"),
            ),
        }  # fmt: skip
        just_now = moment(now() - MINUTE_MS)
        await here.visit(calcom_sync_status="pending", created_at=just_now)
        await here.visit(calcom_v2_booking_id=None, calcom_sync_status=None, created_at=just_now)
        comparison = await here.check()
        assert told(comparison) == expected
        assert (comparison.exit_code, comparison.unjudged) == (1, ())
        assert comparison.seconds < 60


async def test_rows_that_hold_numeric_ids_are_matched_and_missed_by_lists(postgres: LocalStack) -> None:
    async with practice(postgres) as here:
        for _ in range(3):
            booking = here.books()
            await here.visit(booking, calcom_v2_booking_id=str(booking.id))
        lost = await here.visit(calcom_v2_booking_id="987654321")
        comparison = await here.check()
        assert told(comparison) == {("orphaned_local", lost)}
        assert comparison.unjudged == ()


async def test_tenants_without_an_account_are_left_out_and_rows_of_nobody_are_not(postgres: LocalStack) -> None:
    async with practice(postgres) as here:
        await here.visit()
        await here.visit(calcom_v2_booking_id="anotherTenantsUid", company_id=99)
        nobodys = await here.insert("calls", company_id=None, direction="inbound")
        comparison = await here.check()
        assert told(comparison) == {("missing_tenant", nobodys)}
        assert comparison.notes == ("tenant 99 has no account here: 1 rows left out",)
        assert (comparison.compared.appointments, comparison.compared.tenants) == (1, 2)


async def test_while_cal_com_is_away_nothing_is_judged_and_that_is_said(postgres: LocalStack) -> None:
    async with practice(postgres) as here:
        await here.visit(calcom_v2_booking_id="nobodyKnowsThisUid")
        here.calcom.knobs = changed(here.calcom.knobs, {"outage": True})
        comparison = await here.check()
        assert (told(comparison), comparison.exit_code) == (set(), 2)
        [line] = comparison.unjudged
        assert line.startswith("account harbor: Cal.com does not answer")


async def test_a_key_that_cal_com_refuses_is_named(postgres: LocalStack) -> None:
    async with practice(postgres) as here:
        await here.visit()
        comparison = await here.check(api_key="cal_live_wrong")
        assert (told(comparison), comparison.exit_code) == (set(), 2)
        assert comparison.unjudged == (
            "account harbor: Cal.com refuses its key (status 401): correct accounts.api_key",
        )


async def test_a_table_that_may_not_be_read_is_named(postgres: LocalStack) -> None:
    async with practice(postgres) as here:
        await here.visit()
        await here.application.execute("REVOKE ALL ON calls FROM PUBLIC; DROP TABLE calls")
        comparison = await here.check()
        assert comparison.exit_code == 2
        assert any(line.startswith("the table of calls: ") for line in comparison.unjudged)


async def test_where_not_one_row_has_its_booking_the_mapping_is_doubted(postgres: LocalStack) -> None:
    async with practice(postgres) as here:
        for _ in range(10):
            here.books()
            await here.visit(calcom_v2_booking_id=f"not-a-uid-{next(_numbers)}", status="over")
        comparison = await here.check()
        assert comparison.exit_code == 2
        assert comparison.notes[-1].startswith("no judgement by status 'over' of 10 rows")
        assert any("tenant 1: not one booking has its row" in line for line in comparison.unjudged)
