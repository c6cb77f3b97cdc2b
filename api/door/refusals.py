"""What the door turned away, kept in memory until it lies in the store: the door itself never waits for a database.

Bounded: of a flood, which may be anybody's, the first hundreds are remembered. A process that dies takes the last few
seconds along.
"""

import asyncio
import logging
from datetime import UTC, datetime

import msgspec

from connectors.store.database import Database, StoreUnavailable
from connectors.store.webhook_ledger import Refusal, WebhookLedger
from streams.decode.webhook import STATE_TRIGGERS

logger = logging.getLogger(__name__)

KEPT_MAX = 1_000
FLUSH_SECONDS = 5.0
UID_CHARACTERS_MAX = 200


class _Payload(msgspec.Struct):
    uid: str | None = None


class _Body(msgspec.Struct):
    triggerEvent: str | None = None
    payload: _Payload | None = None


class Refusals:
    """The refusals of one process that are not in the store yet."""

    def __init__(self) -> None:
        self._waiting: list[Refusal] = []

    def note(self, account: str, status: int, body: bytes | None = None) -> None:
        """A webhook of a configured account was answered with this status; `body` if it was read to its end."""
        if len(self._waiting) >= KEPT_MAX:
            return
        uid, trigger = _booking_of(body) if body is not None else (None, None)
        self._waiting.append(
            Refusal(account=account, status=status, refused_at=datetime.now(UTC), uid=uid, trigger=trigger)
        )

    async def keep(self, database: Database) -> None:
        """Until cancelled: put them into the store, as often as it takes."""
        ledger = WebhookLedger(database)
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            waiting = self._waiting[:]
            if not waiting:
                continue
            try:
                await ledger.refused(waiting)
            except StoreUnavailable as later:
                logger.debug("refusals are kept for the store: %s", later)
            else:
                del self._waiting[: len(waiting)]


def _booking_of(body: bytes) -> tuple[str | None, str | None]:
    """Uid and trigger that an unproved body claims; nothing that is not of their form."""
    try:
        found = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    uid = found.payload.uid if found.payload is not None else None
    if uid is None or len(uid) > UID_CHARACTERS_MAX or "\x00" in uid or found.triggerEvent not in STATE_TRIGGERS:
        return None, None
    return uid, found.triggerEvent
