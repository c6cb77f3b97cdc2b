"""Cal.com as one object: accounts, bookings, webhooks, limits and knobs. One per server."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from connectors.world.calcom.asides import aside
from connectors.world.calcom.booking import Booking
from connectors.world.calcom.bookings import Bookings
from connectors.world.calcom.deliveries import Deliveries, Parcel, Subscription
from connectors.world.calcom.event_types import EventType, event_types_of
from connectors.world.calcom.payloads import Occasion, Style, body, ping
from connectors.world.calcom.throttle import Throttle
from connectors.world.config import WorldAccount, WorldConfig
from connectors.world.instants import SECOND, now
from connectors.world.knobs import Fate

TRIGGERS = (
    "BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED", "BOOKING_REJECTED",
    "BOOKING_PAYMENT_INITIATED", "BOOKING_PAID", "BOOKING_NO_SHOW_UPDATED", "MEETING_STARTED", "MEETING_ENDED",
    "INSTANT_MEETING",
)  # fmt: skip


class Caller(msgspec.Struct, frozen=True):
    """Who asks: an account by one of its keys."""

    account: WorldAccount
    key: str
    is_app: bool


class CalcomState:
    """Everything the routes share. `rng` is seeded, so the same requests meet the same luck."""

    def __init__(self, config: WorldConfig) -> None:
        self.config = config
        self.knobs = config.knobs
        self.rng = random.Random(f"{config.seed}|calcom")
        self.bookings = Bookings(random.Random(f"{config.seed}|bookings"))
        self.deliveries = Deliveries(lambda: self.knobs, random.Random(f"{config.seed}|webhooks"))
        self.throttle = Throttle()
        self.accounts = {account.name: account for account in config.accounts}
        self.event_types = {account.name: event_types_of(account) for account in config.accounts}
        self.requests: Counter[str] = Counter()
        self.subscriptions = {
            f"wh-{account.name}": Subscription(
                id=f"wh-{account.name}", account=account.name, url=account.webhook_url, secret=account.secret,
                generation=account.generation, triggers=TRIGGERS,
            )
            for account in config.accounts
            if account.webhook_url
        }  # fmt: skip

    def caller(self, key: str) -> Caller | None:
        for account in self.accounts.values():
            if key in (account.api_key, account.app_key):
                return Caller(account, key, key == account.app_key)
        return None

    def event_type(self, number: int) -> tuple[str, EventType] | None:
        """The account and the event type of this id."""
        for name, kinds in self.event_types.items():
            if number in kinds:
                return name, kinds[number]
        return None

    def seen_until(self) -> int:
        """The instant whose state one read shows: now, less a lag drawn for this read."""
        return now() - round(self.rng.uniform(0, self.knobs.replica_lag_seconds_max) * SECOND)

    def announce(self, occasion: Occasion, booking: Booking, fate: Fate) -> None:
        """Sends a webhook to every subscription of the booking's account that wants it."""
        for subscription in self._subscribers(booking.account, occasion.trigger):
            style = self._style(subscription)
            build = partial(self._body, occasion, booking, style)
            self._send(subscription, occasion.trigger, booking.uid, style, build, fate)

    def tell_aside(self, trigger: str, booking: Booking, fate: Fate, status: str | None = None) -> None:
        """Sends what says nothing of the booking's state; a trigger nobody can subscribe to goes to everybody."""
        for subscription in self._subscribers(booking.account, trigger if trigger in TRIGGERS else None):
            style = self._style(subscription)
            build = partial(aside, trigger, now(), booking, style, status)
            self._send(subscription, trigger, booking.uid, style, build, fate)

    def ping(self, account: str, fate: Fate) -> None:
        """The test button of each of an account's webhooks."""
        for subscription in self.subscriptions.values():
            if subscription.account == account:
                self._send(subscription, "PING", None, "legacy", partial(ping, now()), fate)

    async def dawdle(self) -> None:
        """The time an answer takes."""
        await asyncio.sleep(self.rng.uniform(0, self.knobs.slow_seconds_max))

    def _subscribers(self, account: str, trigger: str | None) -> Iterator[Subscription]:
        for subscription in self.subscriptions.values():
            wanted = trigger is None or not subscription.triggers or trigger in subscription.triggers
            if subscription.account == account and subscription.active and wanted:
                yield subscription

    def _send(
        self,
        subscription: Subscription,
        trigger: str,
        uid: str | None,
        style: Style,
        build: Callable[[], bytes],
        fate: Fate,
    ) -> None:
        if subscription.account not in self.knobs.webhooks_silent:
            self.deliveries.send(Parcel(subscription, trigger, uid, style, build), fate)

    def _body(self, occasion: Occasion, booking: Booking, style: Style) -> bytes:
        # The newer sender reads the row when it delivers; the older one tells what it was handed.
        told = self.bookings.current(booking.uid) if style == "pipeline" else booking
        return body(occasion, told, self.accounts[booking.account], style)

    def _style(self, subscription: Subscription) -> Style:
        if subscription.generation == "mixed":
            return self.rng.choice(("legacy", "pipeline"))
        return "pipeline" if subscription.generation == "pipeline" else "legacy"
