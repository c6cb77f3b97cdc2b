"""The alerts of one transaction, from reading them under lock to writing what became of them."""

from collections.abc import Sequence

import msgspec

from connectors.store.database import Connection
from connectors.store.rows import locked, write
from streams.alerts.alert import Alert, Change, Step, TrackedAlert


class Draft(msgspec.Struct):
    """The alerts of one transaction, as read and as they will be written."""

    known: frozenset[str]
    alerts: dict[str, TrackedAlert]
    touched: set[str] = msgspec.field(default_factory=set)
    changes: list[tuple[Alert, Change]] = msgspec.field(default_factory=list)

    def take(self, step: Step) -> None:
        """Remember one step."""
        alert = step.tracked.alert
        self.alerts[alert.id] = step.tracked
        self.touched.add(alert.id)
        if step.change is not None:
            self.changes.append((alert, step.change))

    async def write(self, connection: Connection) -> None:
        """Write what was touched."""
        alerts = [self.alerts[one] for one in sorted(self.touched)]
        await write(connection, known=self.known, alerts=alerts, changes=self.changes)


async def draft_of(connection: Connection, ids: Sequence[str]) -> Draft:
    """A draft of those of these alerts that exist, locked until the transaction ends."""
    alerts = await locked(connection, ids)
    return Draft(known=frozenset(alerts), alerts=alerts)
