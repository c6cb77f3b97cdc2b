"""Records as the worker's inputs hold them: Debezium's envelopes and signed webhook bodies of a consistent life.

Both sides agree about every booking of it, so no finding may come of it. Deterministic: the same number is the same
records.
"""

import hashlib
import hmac
import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from streams.model.ids import iso
from streams.topics import Topic

TENANTS = 10
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SECRET = b"whsec_of_the_bench"
STORIES_AT_ONCE = 400
#: Of the hour's bookings: how many are made by phone, move, are called off.
BY_PHONE, MOVED, CALLED_OFF = 0.2, 0.25, 0.15

_body: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("webhook.json").read_bytes())
_encode = msgspec.json.Encoder().encode

Headers = list[tuple[str, bytes]]


class Sent(NamedTuple):
    """One record for one of the inputs."""

    topic: Topic
    tenant: str
    value: bytes
    headers: Headers


class Booking(NamedTuple):
    """What both sides say of it."""

    number: int
    tenant: str
    uid: str
    starts_at: int

    @property
    def ends_at(self) -> int:
        return self.starts_at + HOUR_MS // 2


class Scribe:
    """Writes records: every change with its own LSN and transaction, every webhook with its signature."""

    def __init__(self) -> None:
        self._changes = count(1)

    def change(self, topic: Topic, op: str, row: dict[str, Any], at: int) -> Sent:
        """A change event of a row that was written at `at` (ms)."""
        number = next(self._changes)
        lsn = 24_000_000 + number * 232
        source = {
            "version": "3.7.0.Final", "connector": "postgresql", "name": "crm", "ts_ms": at, "snapshot": "false",
            "db": "crm", "sequence": f'["{lsn - 176}","{lsn}"]', "ts_us": at * 1000, "ts_ns": at * 1_000_000,
            "schema": "public", "table": topic.rpartition(".")[2], "txId": 700 + number, "lsn": lsn, "xmin": None,
        }  # fmt: skip
        envelope = {
            "before": None, "after": row, "source": source, "transaction": None, "op": op,
            "ts_ms": at + 40, "ts_us": at * 1000 + 40_000, "ts_ns": at * 1_000_000 + 40_000_000,
        }  # fmt: skip
        return Sent(topic, str(row["company_id"]), _encode(envelope), [])

    def webhook(self, trigger: str, status: str, booking: Booking, at: int, **more: Any) -> Sent:
        """A body as Cal.com sends it at `at` (ms), in the headers that the door gives it."""
        payload = _body["payload"] | more
        payload |= {
            "uid": booking.uid,
            "bookingId": 1_000_000 + booking.number,
            "iCalUID": f"{booking.uid}@Cal.com",
            "startTime": iso(booking.starts_at),
            "endTime": iso(booking.ends_at),
            "status": status,
        }
        body = _encode({"triggerEvent": trigger, "createdAt": iso(at), "payload": payload})
        headers = [
            ("account", f"account-{booking.tenant}".encode()),
            ("received_at", str(iso(at + 90)).encode()),
            ("delivery_id", f"{trigger}-{booking.uid}".encode()),
            ("x-cal-signature-256", hmac.new(SECRET, body, hashlib.sha256).hexdigest().encode()),
            ("x-cal-webhook-version", b"2021-10-20"),
            ("content-type", b"application/json"),
        ]
        return Sent(Topic.WEBHOOKS, booking.tenant, body, headers)

    def appointment(self, op: str, booking: Booking, row: int, at: int, **columns: Any) -> Sent:
        """The row of a booking."""
        held = {
            "id": row, "company_id": int(booking.tenant), "customer_id": 500 + booking.number % 900, "service_id": 3,
            "call_id": None, "calcom_v2_booking_id": booking.uid, "source": "web", "status": "confirmed",
            "starts_at": iso(booking.starts_at), "ends_at": iso(booking.ends_at), "idempotency_key": None,
            "sync_origin": "calcom", "calcom_sync_status": "synced", "last_sync_attempt_at": None,
            "sync_attempt_count": 0, "requires_manual_review": False, "created_at": iso(at), "updated_at": iso(at),
        }  # fmt: skip
        return self.change(Topic.APPOINTMENTS, op, held | columns, at)

    def call(self, op: str, booking: Booking, row: int, at: int, **columns: Any) -> Sent:
        """A call that made the booking."""
        held = {
            "id": row, "company_id": int(booking.tenant), "direction": "inbound",
            "session_outcome": "appointment_booked", "appointment_made": True, "appointment_link_status": "linked",
            "booking_id": booking.uid, "created_at": iso(at), "updated_at": iso(at),
        }  # fmt: skip
        return self.change(Topic.CALLS, op, held | columns, at)


def booking(number: int, now: int) -> Booking:
    """In the future by half a day at least, so that nothing of it is over."""
    uid = hashlib.sha256(f"booking {number}".encode()).hexdigest()[:22]
    starts_at = now - now % HOUR_MS + DAY_MS + (number % 500) * HOUR_MS
    return Booking(number, str(number % TENANTS + 1), uid, starts_at)


def agreeing(records: int, now: int) -> Iterator[Sent]:
    """Ten records a time: four bookings with their webhooks, their rows, one update, and the call behind one."""
    scribe = Scribe()
    for first in range(0, records // 10 * 4, 4):
        four = [booking(number, now) for number in range(first, first + 4)]
        block = [scribe.webhook("BOOKING_CREATED", "ACCEPTED", each, now) for each in four]
        block += [scribe.appointment("c", each, each.number + 1, now) for each in four[1:]]
        block.append(scribe.call("c", four[0], first + 1, now))
        block.append(scribe.appointment("c", four[0], first + 1, now, call_id=first + 1, source="retell_webhook"))
        block.append(scribe.appointment("u", four[1], first + 2, now, sync_attempt_count=1))
        yield from block


def hour(records: int, now: int) -> Iterator[Sent]:
    """About `records` of the hour before `now`, in order of time; every story in it is told to its end."""
    scribe, chance = Scribe(), random.Random(records)
    numbers = count()
    open_stories: list[Iterator[Sent]] = []
    told = 0

    def at() -> int:
        return now - HOUR_MS + round(HOUR_MS * min(1.0, told / records))

    while told < records or open_stories:
        if told < records and len(open_stories) < STORIES_AT_ONCE:
            open_stories.append(_story(next(numbers), now, scribe, chance, at))
        which = chance.randrange(len(open_stories))
        sent = next(open_stories[which], None)
        if sent is None:
            open_stories[which] = open_stories[-1]
            open_stories.pop()
        else:
            told += 1
            yield sent


def _story(number: int, now: int, scribe: Scribe, chance: random.Random, at: Any) -> Iterator[Sent]:
    """One booking: made, perhaps by phone; perhaps moved; perhaps called off."""
    made, row = booking(3 * number, now), number + 1
    # Every third application's row holds the numeric id, the source documents' normal case.
    ref = (lambda b: str(1_000_000 + b.number)) if number % 3 == 0 else (lambda b: b.uid)
    phone = {"call_id": row, "source": "retell_webhook"} if chance.random() < BY_PHONE else {}
    yield scribe.webhook("BOOKING_CREATED", "ACCEPTED", made, at())
    created = at()
    yield scribe.appointment("c", made, row, created, calcom_v2_booking_id=ref(made), **phone)
    if phone:
        yield scribe.call("c", made, row, at(), booking_id=ref(made))
    columns = {"created_at": iso(created), **phone}
    if chance.random() < MOVED:
        before, made = made, booking(3 * number + 1, now)._replace(tenant=made.tenant)
        yield scribe.webhook("BOOKING_RESCHEDULED", "ACCEPTED", made, at(), rescheduleUid=before.uid, iCalSequence=1)
        yield scribe.appointment("u", made, row, at(), calcom_v2_booking_id=ref(made), **columns)
    if chance.random() < CALLED_OFF:
        yield scribe.webhook("BOOKING_CANCELLED", "CANCELLED", made, at(), iCalSequence=2)
        yield scribe.appointment("u", made, row, at(), calcom_v2_booking_id=ref(made), status="cancelled", **columns)
    else:
        yield scribe.appointment("u", made, row, at(), calcom_v2_booking_id=ref(made), sync_attempt_count=1, **columns)
