"""A customer's appointment as the application sees it, and the columns that say how its sync stands."""

from uuid import UUID, uuid5

import msgspec

from connectors.world.app.calcom_api import Booked
from connectors.world.calcom.event_types import EventType
from connectors.world.instants import moment, now

#: Where appointments that Cal.com should know come from.
SOURCES = ("website", "calcom", "retell_webhook")
#: Namespace of the application's idempotency keys.
KEYS = UUID("550e8400-e29b-41d4-a716-446655440000")
#: The sync columns of a row of which Cal.com has not been asked yet.
UNSYNCED: dict[str, object] = {
    "calcom_sync_status": "pending", "sync_attempt_count": 0, "last_sync_attempt_at": None, "sync_verified_at": None,
}  # fmt: skip


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's appointment as far as it got: booking, row and call."""

    booked: Booked
    kind: EventType
    customer: int
    email: str
    name: str
    row: str | None = None
    call: str | None = None

    @property
    def service(self) -> int:
        """The application's number for what was booked."""
        return self.kind.id % 10 + 1

    def key(self, source: str) -> str:
        """The idempotency key (design §4): the same wish has the same key, however often it is sent."""
        wish = f"{self.customer}:{self.service}:{moment(self.booked.start).isoformat()}:{source}"
        return str(uuid5(KEYS, wish))


def synced(attempts: int = 1) -> dict[str, object]:
    """The sync columns of a row for which Cal.com has just answered."""
    at = moment(now())
    return {
        "calcom_sync_status": "synced", "sync_attempt_count": attempts, "last_sync_attempt_at": at,
        "sync_verified_at": at,
    }  # fmt: skip
