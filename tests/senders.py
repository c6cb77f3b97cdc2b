"""What the two systems send, in a specification: webhooks, pages of the poll, change events.

Made from the truth; heard by the engine when a test says so.
"""

import itertools
from hashlib import sha256
from typing import Any

import msgspec

from streams.decode import decode_record
from streams.decode.columns import appointment_row, call_row
from streams.engine import Partition
from streams.model.facts import RowVersion, Told
from streams.model.ids import NO_TENANT, parse_iso
from streams.model.observation import NobodysRow, RowChanged, WebhookHeard
from streams.topics import Topic
from tests.truth import HOUR, NOWHERE, TENANT, Truth, at, clock


class Senders(Truth):
    """Both systems as they are, and what they say of it."""

    engine: Partition

    def __init__(self, answer_after: float) -> None:
        super().__init__(answer_after)
        self._bodies = itertools.count(1)

    # Cal.com ------------------------------------------------------------------------------------------------

    def webhook(self, trigger: str, uid: str, **claims: Any) -> WebhookHeard:
        """The body Cal.com would send now; heard when a test says so."""
        held = self.bookings[uid]
        status = {"BOOKING_CANCELLED": "cancelled", "BOOKING_REQUESTED": "pending", "BOOKING_REJECTED": "rejected"}
        body = f"{trigger}{uid}{next(self._bodies)}".encode()
        told = Told(
            created_at=at(self.now),
            sequence=0,
            body=sha256(body).hexdigest()[:16],
            arrived=at(self.now),
            trigger=trigger,
            status=claims.get("status", status.get(trigger, "accepted")),
            start=claims.get("start", _ms(held["start"])),
            end=claims.get("end", _ms(held["end"])),
            event_type=str(held["eventTypeId"]),
            numeric_id=str(held["id"]),
            predecessor=held.get("rescheduledFromUid") if trigger != "BOOKING_CREATED" else None,
        )
        return WebhookHeard(TENANT, uid, told)

    def heard(self, webhook: WebhookHeard) -> None:
        """A webhook arrives now."""
        told = msgspec.structs.replace(webhook.told, arrived=at(self.now))
        self.engine.observe((msgspec.structs.replace(webhook, told=told),))

    def hears(self, trigger: str, uid: str, **claims: Any) -> None:
        self.heard(self.webhook(trigger, uid, **claims))

    def posts(self, trigger: str, uid: str, **fields: Any) -> None:
        """A webhook's body arrives, through the real decoder; `fields` are its payload's, None leaves one out."""
        held = self.bookings[uid]
        claimed = {"BOOKING_CANCELLED": "CANCELLED", "BOOKING_REQUESTED": "PENDING", "BOOKING_REJECTED": "REJECTED"}
        payload = {
            "uid": uid,
            "bookingId": held["id"],
            "status": claimed.get(trigger, "ACCEPTED"),
            "startTime": held["start"],
            "endTime": held["end"],
            "eventTypeId": held["eventTypeId"],
            "title": f"body {next(self._bodies)}",
        } | fields
        sent = {"triggerEvent": trigger, "createdAt": clock(self.now)}
        sent |= {"payload": {name: value for name, value in payload.items() if value is not None}}
        body = msgspec.json.encode(sent)
        self.engine.observe(decode_record(Topic.WEBHOOKS, TENANT.encode(), body, at(self.now), NOWHERE))

    def polled(self, uid: str) -> None:
        """A page of the poll shows the booking now."""
        self.engine.observe((self.page(uid, at(self.now), at(self.now)),))

    # The database -------------------------------------------------------------------------------------------

    def appointment(self, row: str, **columns: Any) -> RowChanged:
        """The application writes an appointment; the change event is heard when a test says so."""
        held = self.rows.get(("appointments", row)) or {
            "company_id": int(TENANT),
            "status": "confirmed",
            "source": "web",
            "call_id": None,
            "starts_at": clock(HOUR),
            "ends_at": clock(HOUR + 1800),
            "created_at": clock(self.now),
        }
        start = columns.pop("start", None)
        minutes = columns.pop("minutes", 30)
        if start is not None:
            columns |= {"starts_at": clock(start), "ends_at": clock(start + minutes * 60)}
        if "booking" in columns:
            columns["calcom_v2_booking_id"] = columns.pop("booking")
        self.rows[("appointments", row)] = held | columns | {"id": int(row), "table": "appointments"}
        return self._version("appointment", row, appointment_row(self.rows[("appointments", row)]))

    def call(self, row: str, **columns: Any) -> RowChanged:
        held = self.rows.get(("calls", row)) or {
            "company_id": int(TENANT),
            "direction": "inbound",
            "session_outcome": None,
            "appointment_made": False,
            "booking_id": None,
            "created_at": clock(self.now),
        }
        self.rows[("calls", row)] = held | columns | {"id": int(row), "table": "calls"}
        return self._version("call", row, call_row(self.rows[("calls", row)]))

    def delete(self, row: str, *, table: str = "appointments") -> RowChanged:
        change = self._version("appointment" if table == "appointments" else "call", row, None)
        del self.rows[(table, row)]
        return change

    def _version(self, kind: Any, row: str, columns: Any) -> RowChanged:
        tx = next(self.tx)
        version = RowVersion(
            commit_lsn=tx * 100, lsn=tx * 100, tx=tx, arrived=at(self.now), source_at=at(self.now), row=columns
        )
        return RowChanged(self._owner(f"{kind}s", row) or TENANT, kind, row, version)

    def _owner(self, table: str, row: str) -> str | None:
        """Whose the row is now; null while there is none."""
        held = self.rows.get((table, row))
        return None if held is None else str(held["company_id"] or NO_TENANT)

    def captured(self, change: RowChanged) -> None:
        """Debezium's record of a change arrives now; one without a key says no more than that there was one."""
        version = msgspec.structs.replace(change.version, arrived=at(self.now))
        nobodys = change.tenant == NO_TENANT
        seen = NobodysRow(change.kind, change.id) if nobodys else msgspec.structs.replace(change, version=version)
        self.engine.observe((seen,))

    def writes(self, row: str, **columns: Any) -> None:
        self._written(self._owner("appointments", row), self.appointment(row, **columns))

    def calls(self, row: str, **columns: Any) -> None:
        self._written(self._owner("calls", row), self.call(row, **columns))

    def _written(self, owner: str | None, change: RowChanged) -> None:
        """A row that changes its tenant is deleted under the old key and created under the new one."""
        if owner is not None and owner != change.tenant:
            gone = msgspec.structs.replace(change.version, row=None)
            self.captured(msgspec.structs.replace(change, tenant=owner, version=gone))
        self.captured(change)

    def deletes(self, row: str, *, table: str = "appointments") -> None:
        self.captured(self.delete(row, table=table))


def _ms(text: str) -> int:
    return int(parse_iso(text) or 0)
