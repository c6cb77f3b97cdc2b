"""Whose a booking is that an account showed: which tenant's, and whether the account's at all.

`GET /bookings/{uid}` answers for anybody's booking, whoever asks (calcom.md §4); only the list shows an account's own.
So the event types that each account's lists showed are remembered: a booking of an event type that only other
accounts' lists have shown is theirs. One of an event type never seen is taken for the asking account's.

Of a shared account, a booking whose event type is mapped to nobody is shown to each tenant that uses the account and
asks: the worker asks for it because a row of that tenant names it.
"""

from collections import defaultdict
from collections.abc import Iterable

from connectors.calcom.answers import BookingAnswer, Elsewhere, Found
from connectors.calcom.booking import Booking, event_type_id
from streams.model.ids import unmapped_tenant
from streams.settings import Settings


class Ownership:
    """What the settings and the lists say of event types."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._accounts_of: defaultdict[str, set[str]] = defaultdict(set)
        for account in settings.accounts:
            self.learn(account.name, account.event_types)

    def learn(self, account: str, event_types: Iterable[str]) -> None:
        """The account's own list showed bookings of these event types."""
        for event_type in event_types:
            self._accounts_of[event_type].add(account)

    def event_types_of(self, account: str) -> list[str]:
        """What is known to be the account's, sorted."""
        return sorted(event_type for event_type, accounts in self._accounts_of.items() if account in accounts)

    def tenant_of(self, account: str, booking: Booking) -> str:
        """The tenant of a booking that is the account's."""
        return self._settings.tenant_of(account, event_type_id(booking))

    def placed(self, answer: BookingAnswer, account: str, tenant: str) -> BookingAnswer:
        """The same answer, unless it shows a booking of another account, or of another tenant than the one who asked.

        Then nothing of the booking is told.
        """
        if not isinstance(answer, Found):
            return answer
        accounts = self._accounts_of.get(event_type_id(answer.booking) or "", {account})
        owner = self.tenant_of(account, answer.booking)
        nobodys = owner == unmapped_tenant(account) and self._uses(tenant, account)
        if account in accounts and (owner == tenant or nobodys):
            return answer
        return Elsewhere(began_at=answer.began_at, http_status=answer.http_status)

    def _uses(self, tenant: str, account: str) -> bool:
        return any(one.name == account for one in self._settings.accounts_of(tenant))
