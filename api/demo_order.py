"""What a demo is asked for, and the settings it brings: graces short enough to be seen, tenants enough for the load."""

from typing import Any

import msgspec

from connectors.world.app.visit import SOURCES
from connectors.world.config import default_accounts
from connectors.world.ledger import GRACE_SECONDS, SHORTENED
from streams.model.rule import Rule
from streams.settings import Settings

FAULTS_PER_RULE = 12
#: Of the rules beyond the main ones: enough for every way, and the quota of a short run holds.
FAULTS_PER_FURTHER_RULE = 6


class DemoOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Without `faults_per_rule` a short run's numbers, without `bookings` a short run's pace."""

    seconds: int = 240
    seed: int = 1
    bookings: int | None = None
    faults_per_rule: int | None = None
    #: With an account each; None: those that are configured, else nine.
    tenants: int | None = None

    def traffic(self) -> dict[str, Any]:
        """The body for the world's `POST /_control/traffic`."""
        further = FAULTS_PER_FURTHER_RULE if self.faults_per_rule is None else self.faults_per_rule
        return {
            "seconds": self.seconds,
            "seed": self.seed,
            "bookings": self.bookings,
            "faults_per_rule": FAULTS_PER_RULE if self.faults_per_rule is None else self.faults_per_rule,
            "faults_per_further_rule": further,
        }


def settings_for(order: DemoOrder, settings: Settings) -> Settings:
    """The given settings with what the world's ledger takes for granted.

    Some graces are minutes by default, longer than a demo; walk-in rows are out of scope unless the scope is set.
    """
    given = settings.model_dump(mode="python")
    graces = {Rule(rule): GRACE_SECONDS[rule] for rule in SHORTENED}
    given["detection"]["grace_seconds"] = {**given["detection"]["grace_seconds"], **graces}
    given["scope"]["synced_sources"] = settings.scope.synced_sources or SOURCES
    if order.tenants is not None and not settings.accounts:
        given["accounts"] = [
            {
                "name": account.name,
                "tenant": account.tenant,
                "api_key": account.api_key,
                "webhook_secrets": [account.secret],
            }
            for account in default_accounts(None, tenants=order.tenants)
        ]
    return Settings.model_validate(given)
