"""Under which tenant a webhook travels: its account's, or what a shared account's event types map to."""

import msgspec

from streams.settings import Settings
from streams.settings_sections import AccountSettings


class _EventType(msgspec.Struct):
    id: int | str | None = None


class _EventOf(msgspec.Struct):
    """Where a booking's event type stands: in most bodies flat, in raw rows also nested (calcom.md §1.3,
    §1.6)."""

    eventTypeId: int | str | None = None
    eventType: _EventType | None = None


class _Body(_EventOf):
    payload: _EventOf | None = None


def event_type_of(body: bytes) -> str | None:
    """The event type id that a webhook body names; None if it names none or is not JSON of that shape."""
    try:
        decoded = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for part in (decoded.payload, decoded):
        if part is None:
            continue
        if part.eventTypeId is not None:
            return str(part.eventTypeId)
        if part.eventType is not None and part.eventType.id is not None:
            return str(part.eventType.id)
    return None


def tenant_of_body(settings: Settings, account: AccountSettings, body: bytes) -> str:
    """The Kafka key of a webhook: a tenant, or `~<account>` while its event type is mapped to nobody.

    Only a shared account's body is looked into.
    """
    event_type = event_type_of(body) if account.event_types else None
    return settings.tenant_of(account.name, event_type)
