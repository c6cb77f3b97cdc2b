"""Inhibition: while a source cannot be trusted, the alert about the source stands for those about what it shows."""

from collections.abc import Sequence

import msgspec

from streams.alerts.alert import Alert
from streams.model.rule import Rule, SubjectKind
from streams.model.source_records import EVERY_TENANT

#: What makes a source untrustworthy; a subscription that is set wrongly does not.
INHIBITING_RULES: frozenset[Rule] = frozenset({Rule.SOURCE_STALLED, Rule.COVERAGE_GAP})
#: Missing webhooks make detection slow, not doubtful: the poll finds what they do not tell, and reads prove it.
_ONLY_SLOW = "webhooks"


class SilentSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source with an alert that stands: `database`, `clock`, `calcom:<account>`, `webhooks:<account>`."""

    tenant: str
    source: str

    @property
    def kind(self) -> str:
        """Which kind of source."""
        return self.source.partition(":")[0]

    @property
    def account(self) -> str | None:
        """The account whose source it is; None for the database and the clock."""
        return self.source.partition(":")[2] or None


def is_inhibited(
    alert: Alert, account: str | None, accounts_of_tenant: frozenset[str], sources: Sequence[SilentSource]
) -> bool:
    """Whether one of the sources speaks for this alert. `account` is the one that holds its booking, if known."""
    if alert.subject.kind is SubjectKind.SOURCE:
        return False
    accounts = accounts_of_tenant if account is None else frozenset({account})
    return any(
        source.kind != _ONLY_SLOW
        and source.tenant in (alert.tenant, EVERY_TENANT)
        and (source.account is None or source.account in accounts)
        for source in sources
    )
