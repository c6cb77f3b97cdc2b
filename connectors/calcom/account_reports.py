"""What is said of an account's two sources, `calcom:<account>` and `webhooks:<account>`. Pure.

Three answers: it lives, it is stalled, or nobody can say now (None). The API is stalled while its breaker has not been
closed for a minute, or while the poll is refused (a key that was taken back answers, and shows nothing). Webhooks are
stalled when Cal.com must have sent some and none came: changes that the poll saw, three in a row and for two minutes.
"""

from datetime import datetime, timedelta

import msgspec

from connectors.calcom.announced import AnnouncedChanges
from connectors.calcom.breaker import BreakerState
from connectors.calcom.subscriptions import DISPROVED_BY_DELIVERY, Audit
from streams.model.ids import parse_iso
from streams.model.records import Difference
from streams.model.source_records import calcom_of, webhooks_of
from streams.sources.report import SourceReport

#: Webhooks that were under way when their subscription was turned off.
UNDER_WAY_MS_MAX = 60_000


class AccountPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When an account's sources are worth an alert (design §5, source_stalled)."""

    #: Cal.com's breaker is not closed for so long.
    unreachable_seconds: float = 60.0
    #: Every round of the poll failed for so long, whatever the answer was.
    refused_seconds: float = 180.0
    #: … and failed within this time: a poll that waits for its turn is not refused.
    refusal_age_seconds: float = 90.0
    #: So many changes in a row without a webhook …
    silent_changes: int = 3
    #: … and none at all for so long since the first of them was seen.
    silent_seconds: float = 120.0
    #: The listener's last word is older: nobody can say.
    unheard_seconds: float = 30.0
    #: Between two looks at the subscriptions; a look older than three of them says nothing any more.
    audit_seconds: float = 600.0


class AccountHearing(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of an account's sources."""

    account: str
    tenants: tuple[str, ...]
    breaker: BreakerState = BreakerState()
    polled_through: datetime | None = None
    poll_failing_since: datetime | None = None
    poll_failed_at: datetime | None = None
    poll_failure: str | None = None
    delivered_at: datetime | None = None
    listened_at: datetime | None = None
    changes: tuple[AnnouncedChanges, ...] = ()
    audit: Audit | None = None


def calcom_report(
    heard: AccountHearing, now: datetime, watching_since: datetime, policy: AccountPolicy
) -> SourceReport | None:
    """How the account's API fares. None while an open breaker of before the start has not been probed again."""
    breaker = heard.breaker
    if breaker.state != "closed" and (breaker.last_failure_at or 0.0) < watching_since.timestamp():
        return None
    why = _away(breaker, now, policy) or _refused(heard, now, policy)
    return SourceReport(
        source=calcom_of(heard.account),
        word="live" if why is None else "stalled",
        why=why or "Cal.com answers",
        tenants=heard.tenants,
        heard_through=_ms(heard.polled_through),
        details={"breaker": breaker.state},
    )


def _away(breaker: BreakerState, now: datetime, policy: AccountPolicy) -> str | None:
    if breaker.state == "closed" or breaker.opened_at is None:
        return None
    seconds = now.timestamp() - breaker.opened_at
    return f"Cal.com has not answered for {_length(seconds)}" if seconds >= policy.unreachable_seconds else None


def _refused(heard: AccountHearing, now: datetime, policy: AccountPolicy) -> str | None:
    """Cal.com answers, yet no round of the poll came through; an outage before does not count."""
    failed_at, since = heard.poll_failed_at, heard.poll_failing_since
    if heard.breaker.state != "closed" or since is None or failed_at is None:
        return None
    if (now - failed_at).total_seconds() > policy.refusal_age_seconds:
        return None
    seconds = now.timestamp() - max(since.timestamp(), heard.breaker.closed_at or 0.0)
    if seconds < policy.refused_seconds:
        return None
    return f"Cal.com answers, and has shown no bookings for {_length(seconds)}: {heard.poll_failure}"


def webhooks_report(heard: AccountHearing, now: datetime, policy: AccountPolicy) -> SourceReport | None:
    """How the account's webhooks fare. None while nobody listens."""
    if heard.listened_at is None or (now - heard.listened_at).total_seconds() > policy.unheard_seconds:
        return None
    unheard = [one for one in heard.changes if heard.delivered_at is None or one.made_after >= heard.delivered_at]
    changes = sum(one.changes for one in unheard)
    first_seen = min((one.seen_at for one in unheard), default=heard.listened_at)
    silent_seconds = (heard.listened_at - first_seen).total_seconds()
    silent = changes >= policy.silent_changes and silent_seconds >= policy.silent_seconds
    why = f"{changes} changes were seen in Cal.com, and no webhook came" if silent else "webhooks come as they should"
    return SourceReport(
        source=webhooks_of(heard.account),
        word="stalled" if silent else "live",
        why=why,
        tenants=heard.tenants,
        heard_through=_ms(heard.delivered_at if silent else heard.listened_at),
        drift=standing_drift(heard, now, policy),
        details={"changes_without_webhook": str(changes)},
    )


def standing_drift(heard: AccountHearing, now: datetime, policy: AccountPolicy) -> tuple[Difference, ...] | None:
    """How the subscription differs, as far as deliveries do not disprove it; None without a recent look."""
    audit = heard.audit
    checked_at = parse_iso(audit.checked_at) if audit is not None else None
    if audit is None or checked_at is None:
        return None
    if now - datetime.fromisoformat(audit.checked_at) > 3 * timedelta(seconds=policy.audit_seconds):
        return None
    since, delivered = parse_iso(audit.since), _ms(heard.delivered_at)
    if since is None or delivered is None or delivered <= since + UNDER_WAY_MS_MAX:
        return audit.drift
    return tuple(one for one in audit.drift if one.field not in DISPROVED_BY_DELIVERY)


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
