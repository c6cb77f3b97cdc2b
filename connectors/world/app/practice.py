"""One tenant of the application: its account, its database, its free slots."""

import random

from connectors.world.app.calcom_api import AccountApi
from connectors.world.app.crm import Crm
from connectors.world.calcom.event_types import EventType, event_types_of
from connectors.world.calcom.shapes import host_email
from connectors.world.config import EventKind, WorldAccount
from connectors.world.instants import DAY, HOUR, MINUTE, now

#: Bookings of one account never share a start: a host cannot be in two places.
SLOT = 5 * MINUTE
FAR = 60 * DAY
#: The chance of an appointment within the next hour, and how near it may be.
SOON, SOON_MIN = 0.1, 15 * MINUTE


class Practice:
    """What all stories of one tenant share."""

    def __init__(self, account: WorldAccount, api: AccountApi, crm: Crm, neighbour: str | None = None) -> None:
        self.account = account
        self.api = api
        self.crm = crm
        #: Another tenant, into whose rows a booking may stray.
        self.neighbour = neighbour or account.tenant
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

    def slot_from(self, start: int) -> int:
        """The first free start at or after the one given."""
        while start in self._taken:
            start += SLOT
        self._taken.add(start)
        return start

    def weekly_slot(self, rng: random.Random, weeks: int) -> int:
        """A start that is free in so many weeks running."""
        while True:
            start = self.slot(rng, soon=False)
            later = {start + n * 7 * DAY for n in range(1, weeks)}
            if not later & self._taken:
                self._taken |= later
                return start
