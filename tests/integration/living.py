"""The words of a small life: eight tenants who book, move and cancel in both systems, and what people are told."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from aiokafka.admin import AIOKafkaAdminClient

from connectors.store.findings_consumer import GROUP as STORE_GROUP
from connectors.world.calcom.booking import Booking
from connectors.world.calcom.payloads import Occasion, Trigger
from connectors.world.instants import HOUR, moment, now
from connectors.world.knobs import Fate
from streams.model.source_records import TenantStanding
from streams.topics import Topic
from tests.integration.connecting import PARTITIONS, account
from tests.integration.reading import end_offsets
from tests.integration.waiting import until
from tests.integration.watched import Watched

ACCOUNTS = tuple(account(f"house-{number}", str(number), 1000 * number) for number in range(1, 9))
TENANTS = tuple(one.tenant for one in ACCOUNTS)
#: Their rows hold Cal.com's numeric id instead of the uid.
NUMERIC = frozenset({"3", "6"})
SURE = Fate(webhook="sure")
SOMEBODY = "ada.quist@mail.example"


class Shown(NamedTuple):
    """What people see of an alert, as far as it could have been told a second time."""

    rule: str
    subject: str
    status: str
    episode: int
    resolution: str | None
    version: int


class Pair(NamedTuple):
    """A booking and the row that holds it."""

    tenant: str
    booking: Booking
    row: int


class Life(Watched):
    """Both systems, and everything that watches them."""

    _days = itertools.count(2)

    # In the two systems -------------------------------------------------------------------------------------

    def booked(self, tenant: str) -> Booking:
        """Somebody books in Cal.com, each time on another day, and Cal.com tells."""
        ahead = timedelta(days=next(self._days) % 80 + 2, minutes=next(self._days))
        booking = self.book(f"house-{tenant}", starts_in=ahead, ago=timedelta(0))
        self._tells("BOOKING_CREATED", booking)
        return booking

    async def written(self, booking: Booking) -> Pair:
        """The application's row of it."""
        tenant = booking.account.removeprefix("house-")
        row = await self._row(tenant, _held(tenant, booking), moment(booking.start), moment(booking.end))
        return Pair(tenant, booking, row)

    async def invented(self, tenant: str, booking: str) -> int:
        """A row that names a booking which Cal.com has never had."""
        start = datetime.now(UTC) + timedelta(days=next(self._days))
        return await self._row(tenant, booking, start, start + timedelta(minutes=30))

    async def moved(self, pair: Pair) -> Pair:
        """By an hour, under a new uid; the row follows."""
        old, new = self.calcom.bookings.reschedule(pair.booking.uid, pair.booking.start + HOUR, SOMEBODY, now())
        self._tells("BOOKING_RESCHEDULED", new, old)
        await self.crm.execute(
            "UPDATE appointments SET calcom_v2_booking_id = $2, starts_at = $3, ends_at = $4 WHERE id = $1",
            pair.row, _held(pair.tenant, new), moment(new.start), moment(new.end),
        )  # fmt: skip
        return pair._replace(booking=new)

    async def cancelled(self, pair: Pair) -> None:
        """On both sides, the row after the booking."""
        self._tells("BOOKING_CANCELLED", self.calcom.bookings.cancel(pair.booking.uid, None, SOMEBODY, now()))
        await self.crm.execute("UPDATE appointments SET status = 'cancelled' WHERE id = $1", pair.row)

    async def shifted(self, pair: Pair, hours: int) -> None:
        """The row's time alone."""
        sql = "UPDATE appointments SET starts_at = starts_at + $2, ends_at = ends_at + $2 WHERE id = $1"
        await self.crm.execute(sql, pair.row, timedelta(hours=hours))

    async def touched(self, pair: Pair, times: int) -> None:
        """Book-keeping, nothing that is compared; so many change events."""
        update = f"UPDATE appointments SET updated_at = clock_timestamp() WHERE id = {pair.row}"
        await self.crm.execute(f"DO $$ BEGIN FOR n IN 1..{times} LOOP {update}; END LOOP; END $$")

    async def called(self, tenant: str) -> int:
        """A call that says to have booked, and made no appointment."""
        call: int = await self.crm.fetchval(
            "INSERT INTO calls (company_id, direction, session_outcome, appointment_made)"
            " VALUES ($1, 'inbound', 'appointment_booked', false) RETURNING id", int(tenant)
        )  # fmt: skip
        return call

    async def concluded(self, call: int, outcome: str) -> None:
        await self.crm.execute("UPDATE calls SET session_outcome = $2 WHERE id = $1", call, outcome)

    async def _row(self, tenant: str, booking: str, start: datetime, end: datetime) -> int:
        row: int = await self.crm.fetchval(
            "INSERT INTO appointments (company_id, calcom_v2_booking_id, status, source, starts_at, ends_at)"
            " VALUES ($1, $2, 'confirmed', 'web', $3, $4) RETURNING id", int(tenant), booking, start, end
        )  # fmt: skip
        return row

    def _tells(self, trigger: Trigger, booking: Booking, replaced: Booking | None = None) -> None:
        self.calcom.announce(Occasion(trigger=trigger, at=now(), replaced=replaced), booking, SURE)

    # What is told -------------------------------------------------------------------------------------------

    async def told(self) -> dict[str, Shown]:
        """Every alert about bookings, rows and calls, by id."""
        rows = await self.store.fetch(
            "SELECT id::text, rule, subject_kind || ':' || subject_id, status, episode, alert->>'resolution', version"
            " FROM data_consistency_alerts WHERE subject_kind <> 'source'"
        )
        return {row[0]: Shown(*tuple(row)[1:]) for row in rows}

    async def stands(self, rule: str, subject: str, status: str = "open", episode: int = 1) -> str:
        """The alert's id, once it stands like this."""

        async def found() -> list[str]:
            assert self.worker.runs, self.worker.said()[-3000:]
            return [one for one, shown in (await self.told()).items() if shown[:4] == (rule, subject, status, episode)]

        [one] = await until(found, 40)
        return one

    async def settled(self, seconds: float = 60) -> None:
        """All that was heard until now is judged, nothing is suspected any more, and what was found is told."""
        since = datetime.now(UTC)
        sql = "SELECT standing FROM tenant_standings WHERE compared_through > $1"

        async def has_settled() -> bool:
            assert self.worker.runs, self.worker.said()[-3000:]
            found = [msgspec.json.decode(row[0], type=TenantStanding) for row in await self.store.fetch(sql, since)]
            if waiting := set(TENANTS) - {one.tenant for one in found if not (one.suspected or one.held_back_by)}:
                raise RuntimeError(f"tenants {sorted(waiting)} have not settled: {found}")
            return await self._store_has_all()

        await until(has_settled, seconds)

    async def _store_has_all(self) -> bool:
        bootstrap = str(self.settings.kafka.bootstrap_servers)
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            committed: dict[Any, Any] = await admin.list_consumer_group_offsets(
                self.settings.kafka.topic_prefix + STORE_GROUP
            )
        finally:
            await admin.close()
        ends = await end_offsets(bootstrap, self.topic(Topic.FINDINGS), PARTITIONS)
        return all(place in committed and committed[place].offset >= end for place, end in ends.items() if end)


def _held(tenant: str, booking: Booking) -> str:
    return str(booking.id) if tenant in NUMERIC else booking.uid
