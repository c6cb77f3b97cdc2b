"""The notification log in the store: what the notifiers' `NoticeLog` asks for, each a transaction of its own."""

from collections.abc import Sequence

from connectors.store.database import Database
from connectors.store.notice_plans import plan_changes
from connectors.store.notice_tellings import Lease, claim_next, record_failed, record_put_off, record_sent
from connectors.store.notice_upkeep import decide_held, prune, tell_again
from streams.alerts.alert import Alert
from streams.alerts.notice import Reason
from streams.model.ids import Instant
from streams.notices.claim import Claim
from streams.notices.planning import Policy, Way


class StoredNotices:
    """The log of all channels. Each method raises StoreUnavailable when it is away."""

    def __init__(self, database: Database, policy: Policy, *, lease: Lease | None = None) -> None:
        self._database = database
        self._policy = policy
        self._lease = lease or Lease()

    async def plan(self, changes: Sequence[tuple[Alert, str | None]], ways: Sequence[Way], now: Instant) -> int:
        """Enter what these changes (alert, action) call for on these channels; how many lines were decided."""
        async with self._database.transaction() as connection:
            return await plan_changes(connection, changes, ways, self._policy, now)

    async def claim(self, way: Way, now: Instant) -> Claim | float | None:
        """The next message of a channel; else in how many seconds there may be one; None where nobody can say."""
        async with self._database.transaction() as connection:
            return await claim_next(connection, way, self._lease, now)

    async def sent(self, telling: str, message: str | None) -> None:
        """It was told; `message` is the channel's own name of it."""
        async with self._database.transaction() as connection:
            await record_sent(connection, telling, message)

    async def put_off(self, telling: str, seconds: float, reason: Reason) -> None:
        """The same again in so many seconds."""
        async with self._database.transaction() as connection:
            await record_put_off(connection, telling, seconds, reason)

    async def failed(self, telling: str, reason: Reason) -> None:
        """Never."""
        async with self._database.transaction() as connection:
            await record_failed(connection, telling, reason)

    async def decide_held(self, ways: Sequence[Way], now: Instant) -> int:
        """Decide again about a batch of what was kept back; how many of it changed."""
        async with self._database.transaction() as connection:
            return await decide_held(connection, ways, self._policy, now)

    async def tell_again(self, ways: Sequence[Way], now: Instant, after: str | None) -> tuple[int, str | None]:
        """Plan repeats and escalations of a batch of alerts: how many, and after which id the next begins."""
        async with self._database.transaction() as connection:
            return await tell_again(connection, ways, self._policy, now, after)

    async def prune(self) -> None:
        """Forget a batch of old lines."""
        async with self._database.transaction() as connection:
            await prune(connection)
