"""What a watcher says of one source now. The watchers are connectors; what follows from it is `advance`."""

import msgspec

from streams.model.records import Difference
from streams.model.source_records import EVERY_TENANT, SourceWord


class SourceReport(msgspec.Struct, frozen=True, kw_only=True):
    """How one source fares now.

    `why` is for people and may count up; it names no secret and nobody. `heard_through`: milliseconds, everything up
    to there was heard of (None: nothing yet); it need not be known each time. `drift`: how the webhook's subscription
    differs from what it should be (`calcom` is what it is, `local` what it should be), empty where it is as it should
    be, None where nobody could look. `details`: short facts for the alert, by name.
    """

    source: str
    word: SourceWord
    why: str
    tenants: tuple[str, ...] = (EVERY_TENANT,)
    heard_through: int | None = None
    drift: tuple[Difference, ...] | None = ()
    details: dict[str, str] = {}

    @property
    def tenant(self) -> str:
        """Whose an alert about it is: the tenant's where there is exactly one, else everybody's."""
        return self.tenants[0] if len(self.tenants) == 1 else EVERY_TENANT
