"""Identifiers and instants. A bare str or int is never an id.

Every id is text, also where the database has a number (contracts.md, "Ids and values"). An instant is
whole milliseconds since 1970 in UTC: the one form of time inside the core, cheap to compare and exact.
"""

from datetime import UTC, datetime
from typing import NewType
from uuid import UUID, uuid5

TenantId = NewType("TenantId", str)
AccountName = NewType("AccountName", str)
BookingUid = NewType("BookingUid", str)
#: What a database column names: a uid or a numeric id, as text.
BookingRef = NewType("BookingRef", str)
AppointmentId = NewType("AppointmentId", str)
CallId = NewType("CallId", str)
AlertId = NewType("AlertId", str)
RequestId = NewType("RequestId", str)
#: Milliseconds since 1970-01-01T00:00:00Z.
Instant = NewType("Instant", int)

#: `uuid5(NAMESPACE_DNS, "plumbline-monitor")`, the namespace of every id that Plumbline makes.
NAMESPACE = UUID("df83975b-360a-5e67-b309-47ff091eda85")

#: Rows without a tenant are judged under this one, and only by the rules about it.
NO_TENANT = TenantId("~none")
NEVER = Instant(0)


def alert_id(rule: str, tenant: str, kind: str, subject: str) -> AlertId:
    """The id of an alert: the same fault has the same alert for ever."""
    return AlertId(str(uuid5(NAMESPACE, f"{rule}|{tenant}|{kind}|{subject}")))


def is_numeric(ref: str) -> bool:
    """Whether a booking reference is a numeric id: it is never asked by uid (404 for each)."""
    return ref.isascii() and ref.isdigit()


def unmapped_tenant(account: str) -> TenantId:
    """The tenant under which an account's webhooks travel while their event type is mapped to nobody."""
    return TenantId(f"~{account}")


def iso(at: int | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z; None stays None."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_iso(text: str | None) -> Instant | None:
    """An instant from ISO 8601 with an offset; None and "" (older cancellations) are None.

    Raises ValueError for text that is no instant, or has no offset.
    """
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"instant without an offset: {text!r}")
    return Instant(round(moment.timestamp() * 1000))
