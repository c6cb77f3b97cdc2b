"""One tenant of the application: its account, its database, its free slots; and the desk where a story is told."""

import asyncio
import random
from itertools import count

import msgspec
from msgspec.structs import replace

from connectors.world.app.calcom_api import AccountApi, Booked
from connectors.world.app.crm import Crm
from connectors.world.calcom.event_types import EventType, event_types_of
from connectors.world.calcom.shapes import host_email
from connectors.world.config import EventKind, WorldAccount
from connectors.world.instants import DAY, HOUR, MINUTE, moment, now
from connectors.world.knobs import Fate

#: Bookings of one account never share a start: a host cannot be in two places.
SLOT = 5 * MINUTE
FAR = 60 * DAY
#: The chance of an appointment within the next hour, and how near it may be.
SOON, SOON_MIN = 0.1, 15 * MINUTE

FIND_TRIES, FIND_PAUSE_SECONDS = 20, 0.1

FIRST_NAMES = ("Marta", "Ewan", "Joao", "Aiko", "Lena", "Pavel", "Nora", "Tomas", "Ines", "Karl")
LAST_NAMES = ("Lindqvist", "Birrell", "Vilar", "Brandt", "Sorel", "Dietz", "Falk", "Reyes", "Okafor", "Moss")

_customers = count(10_001)


class Practice:
    """What all stories of one tenant share."""

    def __init__(self, account: WorldAccount, api: AccountApi, crm: Crm) -> None:
        self.account = account
        self.api = api
        self.crm = crm
        self.kinds: dict[EventKind, EventType] = {kind.kind: kind for kind in event_types_of(account).values()}
        self._taken: set[int] = set()

    @property
    def tenant(self) -> str:
        return self.account.tenant

    @property
    def host_email(self) -> str:
        return host_email(self.account)

    def slot(self, rng: random.Random, *, soon: bool | None = None) -> int:
        """A free start, milliseconds: within the hour for some, within 60 days for most."""
        is_soon = rng.random() < SOON if soon is None else soon
        while True:
            ahead = rng.randint(SOON_MIN, HOUR) if is_soon else rng.randint(2 * HOUR, FAR)
            start = -(-(now() + ahead) // SLOT) * SLOT
            if start not in self._taken:
                self._taken.add(start)
                return start
            is_soon = False  # few slots an hour; later ones abound

    def weekly_slot(self, rng: random.Random, weeks: int) -> int:
        """A start that is free in so many weeks running."""
        while True:
            start = self.slot(rng, soon=False)
            later = {start + n * 7 * DAY for n in range(1, weeks)}
            if not later & self._taken:
                self._taken |= later
                return start


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's appointment as far as it got: booking, row and call."""

    booked: Booked
    kind: EventType
    customer: int
    email: str
    name: str
    row: str | None = None
    call: str | None = None


class Desk:
    """The words in which a story is told: what the application does for one customer. `changes` counts them."""

    def __init__(self, practice: Practice, rng: random.Random, fate: Fate) -> None:
        self.practice = practice
        self.rng = rng
        #: What becomes of this story's webhooks unless a step says otherwise.
        self.fate = fate
        self.changes = 0

    async def pause(self, least: float, most: float) -> None:
        await asyncio.sleep(self.rng.uniform(least, most))

    def ref(self, booked: Booked) -> str:
        """What this tenant keeps of a booking: the uid, or the numeric id."""
        return str(booked.id) if self.practice.account.numeric_ids else booked.uid

    def slot(self) -> int:
        return self.practice.slot(self.rng)

    # Cal.com -------------------------------------------------------------------------------------------------

    async def book(
        self, kind: EventKind = "plain", fate: Fate | None = None, minutes: int | None = None, start: int | None = None
    ) -> Visit:
        """A booking, and nothing yet in the database. Raises CalcomFailed."""
        customer = next(_customers)
        name = f"{self.rng.choice(FIRST_NAMES)} {self.rng.choice(LAST_NAMES)}"
        email = f"customer{customer}.{self.practice.tenant}@mail.example"
        event_type = self.practice.kinds[kind]
        self.changes += 1
        booked = await self.practice.api.create(
            start or self.slot(), event_type.id, name, email, fate or self.fate, minutes
        )
        return Visit(booked=booked, kind=event_type, customer=customer, email=email, name=name)

    async def reschedule(self, visit: Visit, fate: Fate | None = None, *, host: bool = True) -> Visit:
        """A new uid at another time; the row is not touched. Raises CalcomFailed."""
        self.changes += 1
        by = self.practice.host_email if host else visit.email
        booked = await self.practice.api.reschedule(visit.booked.uid, self.slot(), fate or self.fate, by)
        return replace(visit, booked=booked)

    async def cancel(self, visit: Visit, fate: Fate | None = None) -> int:
        """When the booking was cancelled, by Cal.com's clock. Raises CalcomFailed."""
        self.changes += 1
        return (await self.practice.api.cancel(visit.booked.uid, fate or self.fate)).changed_at

    async def confirm(self, visit: Visit, fate: Fate | None = None) -> Visit:
        """Raises CalcomFailed."""
        self.changes += 1
        return replace(visit, booked=await self.practice.api.confirm(visit.booked.uid, fate or self.fate))

    async def decline(self, visit: Visit, fate: Fate | None = None) -> Visit:
        """Raises CalcomFailed."""
        self.changes += 1
        return replace(visit, booked=await self.practice.api.decline(visit.booked.uid, fate or self.fate))

    async def find(self, email: str) -> Booked | None:
        """The attendee's booking, asked for until a replica shows it, at most FIND_TRIES times. Raises CalcomFailed."""
        for _ in range(FIND_TRIES):
            found = await self.practice.api.find(email)
            if found is not None:
                return found
            await asyncio.sleep(FIND_PAUSE_SECONDS)
        return None

    # The database --------------------------------------------------------------------------------------------

    async def ring(self, **columns: object) -> str:
        """A call row; a finished one unless columns say otherwise."""
        self.changes += 1
        defaults: dict[str, object] = {
            "company_id": int(self.practice.tenant),
            "retell_call_id": f"call_{self.rng.getrandbits(64):016x}",
            "direction": self.rng.choice(("inbound", "inbound", "outbound")),
        }
        return await self.practice.crm.insert("calls", **(defaults | columns))

    async def row(self, visit: Visit, **columns: object) -> Visit:
        """Writes the appointment's row as it ought to be, but for the columns given."""
        self.changes += 1
        booked = visit.booked
        service = visit.kind.id % 10 + 1
        defaults: dict[str, object] = {
            "company_id": int(self.practice.tenant),
            "customer_id": visit.customer,
            "service_id": service,
            "staff_id": self.practice.account.user_id,
            "call_id": int(visit.call) if visit.call else None,
            "calcom_v2_booking_id": self.ref(booked),
            "source": "retell_webhook" if visit.call else self.rng.choice(("website", "calcom")),
            "status": "pending" if booked.status == "pending" else self.rng.choice(("confirmed", "scheduled")),
            "starts_at": moment(booked.start),
            "ends_at": moment(booked.end),
            "idempotency_key": f"crm-{visit.customer}-{service}-{booked.start}",
            "sync_origin": "retell" if visit.call else "calcom",
            "calcom_sync_status": "synced",
        }
        return replace(visit, row=await self.practice.crm.insert("appointments", **(defaults | columns)))

    async def change(self, visit: Visit, **columns: object) -> int:
        """The instant after the commit."""
        assert visit.row is not None, "the visit has a row"
        self.changes += 1
        return await self.practice.crm.update("appointments", visit.row, **columns)

    async def repoint(self, visit: Visit, **columns: object) -> int:
        """Brings the row to the visit's booking: reference and times."""
        booked = visit.booked
        defaults: dict[str, object] = {
            "calcom_v2_booking_id": self.ref(booked),
            "starts_at": moment(booked.start),
            "ends_at": moment(booked.end),
        }
        return await self.change(visit, **(defaults | columns))

    async def drop(self, visit: Visit) -> int:
        """Deletes the row."""
        assert visit.row is not None, "the visit has a row"
        self.changes += 1
        return await self.practice.crm.delete("appointments", visit.row)

    async def note(self, call: str, **columns: object) -> int:
        """Changes the call's row."""
        self.changes += 1
        return await self.practice.crm.update("calls", call, **columns)

    # Whole visits --------------------------------------------------------------------------------------------

    async def visit(self, kind: EventKind = "plain", *, call: bool | None = None) -> Visit:
        """An appointment that is in order on both sides, out of a call or not."""
        if call if call is not None else self.rng.random() < 0.5:
            return await self.phone_visit(kind)
        visit = await self.book(kind)
        await self.pause(0.05, 0.4)
        return await self.row(visit)

    async def phone_visit(self, kind: EventKind = "plain", **call_columns: object) -> Visit:
        """Call, booking, row, and the call's flags; `call_columns` spoil the flags."""
        call = await self.ring()
        await self.pause(0.05, 0.3)
        visit = await self.row(replace(await self.book(kind), call=call))
        await self.note(call, **({**self.made(visit), **call_columns}))
        return visit

    def made(self, visit: Visit) -> dict[str, object]:
        """The flags of a call that made this appointment."""
        return {
            "session_outcome": "appointment_booked",
            "appointment_made": True,
            "customer_id": visit.customer,
            "booking_id": self.ref(visit.booked),
        }
