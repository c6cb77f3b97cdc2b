"""Watches the API and the webhooks of every account, from what the process that reads Cal.com keeps in the store."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.calcom.account_reports import AccountHearing, AccountPolicy, calcom_report, webhooks_report
from connectors.calcom.announced import AnnouncedChanges
from connectors.calcom.breaker import BreakerState
from connectors.calcom.breaker_store import circuit_key
from connectors.calcom.subscriptions import Audit
from streams.model.source_records import calcom_of, webhooks_of
from streams.settings import Settings
from streams.settings_sections import AccountSettings
from streams.sources.report import SourceReport

_HEARD = """
SELECT account, cursor.polled_through, hearing.poll_failing_since, hearing.poll_failed_at, hearing.poll_failure,
       hearing.delivered_at, hearing.listened_at, breaker.state,
       extract(epoch FROM breaker.closed_at)::float8 AS closed_at,
       extract(epoch FROM breaker.opened_at)::float8 AS opened_at,
       extract(epoch FROM breaker.last_failure_at)::float8 AS last_failure_at,
       audit.audit::text AS audit,
       (SELECT json_agg(round)::text FROM announced_changes AS round WHERE round.account = asked.account)
           AS changes
  FROM unnest($1::text[], $2::text[]) AS asked (account, circuit)
  LEFT JOIN poll_cursors AS cursor USING (account)
  LEFT JOIN account_hearing AS hearing USING (account)
  LEFT JOIN webhook_audits AS audit USING (account)
  LEFT JOIN circuit_breaker_states AS breaker ON breaker.circuit_key = asked.circuit
"""


class AccountWatcher:
    """One for all accounts. An account without webhook secrets has no webhooks: the door takes none."""

    def __init__(self, settings: Settings, pool: Any, policy: AccountPolicy) -> None:
        self._pool = pool
        self._policy = policy
        self._accounts = {account.name: account for account in settings.accounts}
        self._since = datetime.now(UTC)

    @property
    def sources(self) -> Sequence[str]:
        """The API and the webhooks of each account."""
        apis = [calcom_of(name) for name in self._accounts]
        return [*apis, *(webhooks_of(account.name) for account in self._accounts.values() if account.webhook_secrets)]

    async def report(self) -> Sequence[SourceReport]:
        """How they fare; without those of which nobody can say now. Raises what asyncpg raises."""
        names = list(self._accounts)
        rows = await self._pool.fetch(_HEARD, names, [circuit_key(name) for name in names])
        now = datetime.now(UTC)
        reports: list[SourceReport | None] = []
        for row in rows:
            account = self._accounts[row["account"]]
            heard = _heard(row, account)
            reports.append(calcom_report(heard, now, self._since, self._policy))
            if account.webhook_secrets:
                reports.append(webhooks_report(heard, now, self._policy))
        return [report for report in reports if report is not None]

    async def close(self) -> None:
        """The pool is the process's."""


def tenants_of(account: AccountSettings) -> tuple[str, ...]:
    """Whose bookings the account holds."""
    return tuple(sorted(account.tenants))


def _heard(row: Mapping[str, Any], account: AccountSettings) -> AccountHearing:
    changes, audit = row["changes"], row["audit"]
    return AccountHearing(
        account=account.name,
        tenants=tenants_of(account),
        breaker=BreakerState(
            state=row["state"] or "closed",
            opened_at=row["opened_at"],
            closed_at=row["closed_at"],
            last_failure_at=row["last_failure_at"],
        ),
        polled_through=row["polled_through"],
        poll_failing_since=row["poll_failing_since"],
        poll_failed_at=row["poll_failed_at"],
        poll_failure=row["poll_failure"],
        delivered_at=row["delivered_at"],
        listened_at=row["listened_at"],
        changes=tuple(msgspec.json.decode(changes, type=list[AnnouncedChanges])) if changes else (),
        audit=msgspec.json.decode(audit, type=Audit) if audit else None,
    )
