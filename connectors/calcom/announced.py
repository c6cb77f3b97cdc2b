"""Which of the changes that the poll sees Cal.com must have told by a webhook. Pure.

Counted is only what a trigger exists for: a new uid, and a status that became accepted, cancelled or rejected. Not
counted is what is silent by design: host or location changed, times changed in place, seats (calcom.md §1.5, §6.21).
Of a series one webhook tells it all (§1.7), and a booking that was moved is told by its successor (§3).
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import msgspec

from connectors.calcom.booking import Booking, event_type_id

#: A change may have been made this long before a list could show it: Cal.com's replicas lag (design §4a).
REPLICA_LAG_MAX = timedelta(seconds=15)
#: A booking counts as new if it was made in the round, as far as Cal.com's clock and ours agree.
CLOCKS_APART_MAX = timedelta(seconds=60)
#: Bookings whose status is remembered.
STATUSES_MAX = 20_000
_BEGUN = frozenset({"accepted", "pending"})
_TOLD = frozenset({"accepted", "cancelled", "rejected"})


class AnnouncedChanges(msgspec.Struct, frozen=True, kw_only=True):
    """So many changes, each with a webhook of its own, made after the one instant and seen at the other."""

    made_after: datetime
    seen_at: datetime
    changes: int


class ChangeCounter:
    """Compares what each round of one account's poll shows with what it showed before.

    The first round after a start only remembers. A round that fails is continued by the next: what it saw counts then.
    `event_types` are those in scope, empty for all.
    """

    def __init__(self, event_types: Collection[str] = ()) -> None:
        self._event_types = frozenset(event_types)
        self._statuses: OrderedDict[str, str] = OrderedDict()
        self._changed: set[str] = set()
        self._made_after: datetime | None = None

    def see(self, bookings: Iterable[Booking]) -> None:
        """A page of the round showed these."""
        for booking in bookings:
            if not self._event_types or event_type_id(booking) in self._event_types:
                self._see(booking)

    def round_ended(self, begun_at: datetime, seen_at: datetime) -> AnnouncedChanges | None:
        """The round that began at `begun_at` was read to its end; None if it showed nothing to hear of."""
        before, self._made_after = self._made_after, begun_at - REPLICA_LAG_MAX
        changes = len(self._changed)
        self._changed.clear()
        if before is None or not changes:
            return None
        return AnnouncedChanges(made_after=before, seen_at=seen_at, changes=changes)

    def _see(self, booking: Booking) -> None:
        uid, status = str(booking["uid"]), str(booking["status"]).lower()
        before = self._statuses.pop(uid, None)
        self._statuses[uid] = status
        while len(self._statuses) > STATUSES_MAX:
            self._statuses.popitem(last=False)
        if self._made_after is not None and self._is_told(booking, before, status, self._made_after):
            self._changed.add(str(booking.get("recurringBookingUid") or uid))

    def _is_told(self, booking: Booking, before: str | None, status: str, made_after: datetime) -> bool:
        if before is None:
            made_at = booking.get("createdAt")
            is_new = isinstance(made_at, str) and datetime.fromisoformat(made_at) > made_after - CLOCKS_APART_MAX
            return is_new and status in _BEGUN
        return before != status and status in _TOLD and not booking.get("rescheduledToUid")
