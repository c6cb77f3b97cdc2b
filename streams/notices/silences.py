"""Silences: what somebody wants to hear nothing of for a while. One that begins later is a maintenance window.

A silence holds notices back and changes no alert. What still stands when it ends is told then.
"""

from collections.abc import Mapping

import msgspec

from streams.alerts.alert import Alert
from streams.model.ids import Instant
from streams.model.rule import Rule, Severity

#: A silence always ends, and not in years.
SILENCE_DAYS_MAX = 90
SILENCE_MS_MAX = SILENCE_DAYS_MAX * 86_400_000


class Matchers(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts: all that are named must fit; what is empty fits every alert. `tenants` None is all."""

    tenants: tuple[str, ...] | None = None
    rules: tuple[Rule, ...] = ()
    severities: tuple[Severity, ...] = ()
    #: Of the alert's tenant.
    labels: dict[str, str] = {}
    #: Kind and id.
    subject: tuple[str, str] | None = None

    def fit(self, alert: Alert, labels: Mapping[str, str]) -> bool:
        """Whether an alert, of a tenant with these labels, is meant."""
        return (
            (self.tenants is None or alert.tenant in self.tenants)
            and (not self.rules or alert.rule in self.rules)
            and (not self.severities or alert.severity in self.severities)
            and (self.subject is None or self.subject == (alert.subject.kind.value, alert.subject.id))
            and all(labels.get(name) == value for name, value in self.labels.items())
        )


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """One silence. `ended_at` is when somebody ended it before its time."""

    id: str
    matchers: Matchers
    starts_at: Instant
    ends_at: Instant
    ended_at: Instant | None = None

    def holds(self, now: Instant) -> bool:
        """Whether it has begun and has not ended."""
        return self.starts_at <= now < self.ends_at and (self.ended_at is None or now < self.ended_at)
