"""The desk: the words in which a story of one customer is told, on both sides of the application."""

import asyncio
import random
from itertools import count

from msgspec.structs import replace

from connectors.world.app.calcom_api import Booked
from connectors.world.app.practice import Practice
from connectors.world.app.visit import Visit, synced
from connectors.world.config import EventKind
from connectors.world.instants import MINUTE, moment
from connectors.world.knobs import Fate

FIND_TRIES, FIND_PAUSE_SECONDS = 20, 0.1

FIRST_NAMES = ("Marta", "Ewan", "Joao", "Aiko", "Lena", "Pavel", "Nora", "Tomas", "Ines", "Karl")
LAST_NAMES = ("Lindqvist", "Birrell", "Vilar", "Brandt", "Sorel", "Dietz", "Falk", "Reyes", "Okafor", "Moss")

_customers = count(10_001)


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

    def other_ref(self, booked: Booked) -> str:
        """The name that this tenant does not keep."""
        return booked.uid if self.practice.account.numeric_ids else str(booked.id)

    def slot(self) -> int:
        return self.practice.slot(self.rng)

    # Cal.com -------------------------------------------------------------------------------------------------

    async def book(
        self,
        kind: EventKind = "plain",
        fate: Fate | None = None,
        *,
        minutes: int | None = None,
        start: int | None = None,
        again: Visit | None = None,
        instant: bool = False,
    ) -> Visit:
        """A booking, and nothing yet in the database; `again` for the same customer. Raises CalcomFailed."""
        wish = self.wish(kind, start or self.slot(), again)
        self.changes += 1
        booked = await self.practice.api.create(
            wish.booked.start, wish.kind.id, wish.name, wish.email, fate or self.fate, minutes, instant=instant
        )
        return replace(wish, booked=booked)

    async def book_series(self, kind: EventKind, count: int) -> list[Visit]:
        """One booking a week, each with a uid of its own. Raises CalcomFailed."""
        wish = self.wish(kind, self.practice.weekly_slot(self.rng, count))
        self.changes += count
        made = await self.practice.api.create_series(
            wish.booked.start, wish.kind.id, wish.name, wish.email, count, self.fate
        )
        return [replace(wish, booked=booked) for booked in made]

    def wish(self, kind: EventKind, start: int, again: Visit | None = None) -> Visit:
        """Who wants what and when, `again` the same customer; nothing is booked yet."""
        customer = again.customer if again else next(_customers)
        name = again.name if again else f"{self.rng.choice(FIRST_NAMES)} {self.rng.choice(LAST_NAMES)}"
        email = again.email if again else f"customer{customer}.{self.practice.tenant}@mail.example"
        event_type = self.practice.kinds[kind]
        end = start + event_type.length * MINUTE
        hoped_for = Booked(id=0, uid="", status="accepted", start=start, end=end, changed_at=0)
        return Visit(booked=hoped_for, kind=event_type, customer=customer, email=email, name=name)

    async def reschedule(
        self, visit: Visit, fate: Fate | None = None, *, host: bool = True, start: int | None = None
    ) -> Visit:
        """A new uid at another time; the row is not touched. Raises CalcomFailed."""
        self.changes += 1
        by = self.practice.host_email if host else visit.email
        booked = await self.practice.api.reschedule(visit.booked.uid, start or self.slot(), fate or self.fate, by)
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

    async def request_move(self, visit: Visit) -> int:
        """The host asks for another time: cancelled, with no successor. Raises CalcomFailed."""
        self.changes += 1
        return (await self.practice.api.request_reschedule(visit.booked.uid, self.fate)).changed_at

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
        source = columns.get("source") or ("retell_webhook" if visit.call else self.rng.choice(("website", "calcom")))
        defaults: dict[str, object] = {
            "company_id": int(self.practice.tenant),
            "customer_id": visit.customer,
            "service_id": visit.service,
            "staff_id": self.practice.account.user_id,
            "call_id": int(visit.call) if visit.call else None,
            "calcom_v2_booking_id": self.ref(booked),
            "source": source,
            "status": "pending" if booked.status == "pending" else self.rng.choice(("confirmed", "scheduled")),
            "starts_at": moment(booked.start),
            "ends_at": moment(booked.end),
            "idempotency_key": visit.key(str(source)),
            "sync_origin": "retell" if visit.call else "calcom",
            **synced(),
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
