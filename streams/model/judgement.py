"""What judging needs of the configuration; built from the settings by the shell, so that the core stays pure."""

from collections.abc import Mapping

import msgspec

from streams.model.rule import GRACE_SECONDS, Rule


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds in milliseconds; `tenants` overrides them by tenant (design §8, `[detection]`)."""

    grace_ms: Mapping[Rule, int] = msgspec.field(
        default_factory=lambda: {rule: round(seconds * 1000) for rule, seconds in GRACE_SECONDS.items()}
    )
    tenants: Mapping[str, "Judgement"] = {}
    #: Least lag wait before a read of Cal.com counts as proof.
    calcom_lag_ms: int = 2_000
    #: Times that differ by no more are the same.
    tolerance_ms: int = 60_000
    #: In scope; empty means every one.
    event_types: frozenset[str] = frozenset()
    synced_sources: frozenset[str] = frozenset()
    #: Out of scope by evidence: nothing of it ever had a partner (design §4). A configured one never is.
    unmatched_event_types: frozenset[str] = frozenset()
    unmatched_sources: frozenset[str] = frozenset()
    #: The worker's version: a new one may have begun with an empty state.
    generation: int = 1
    #: Facts of what is over are forgotten after this time.
    retention_ms: int = 30 * 86_400_000
    #: Rules switched off because the monitored database lacks their columns.
    disabled: frozenset[Rule] = frozenset()

    def of(self, tenant: str) -> "Judgement":
        """The bounds in force for one tenant."""
        return self.tenants.get(tenant, self)
