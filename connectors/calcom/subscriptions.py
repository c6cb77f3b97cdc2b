"""An account's webhook subscriptions as they are, and how they differ from what they should be. Pure.

Ours are those that deliver to our door, `…/webhooks/calcom/<account>`. They are good if those that are active and
without a template of their own cover all that they ever covered, and in any case the three triggers without which
bookings come, move and go unheard. An empty list is no proof: subscriptions of event types and teams stand in none
that an account is shown (calcom.md §4). A subscription that was in the list and good, and is gone, is another thing.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from streams.decode.webhook import STATE_TRIGGERS
from streams.model.records import Difference, Record

#: Without these no subscription is good.
REQUIRED_TRIGGERS = frozenset({"BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED"})
#: What is delivered all the same is not missing: differences that deliveries disprove.
DISPROVED_BY_DELIVERY = frozenset({"subscription", "active", "url"})


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook of the list. `url` without query and credentials, which may be secret."""

    id: str
    url: str
    triggers: frozenset[str]
    active: bool
    has_template: bool


class Audit(Record, frozen=True, kw_only=True):
    """The last look. `good`: the subscriptions (id → address) and `triggers` as they were when all was good last.

    `drift` is how they differ, `since` when that was first seen.
    """

    checked_at: str
    good: dict[str, str] = msgspec.field(default_factory=dict)
    triggers: tuple[str, ...] = ()
    drift: tuple[Difference, ...] = ()
    since: str | None = None


def subscription_of(raw: object) -> Subscription | None:
    """One object of the list; None for what is none."""
    if not isinstance(raw, Mapping):
        return None
    url, triggers = raw.get("subscriberUrl"), raw.get("triggers")
    if raw.get("id") is None or not isinstance(url, str) or not isinstance(triggers, list):
        return None
    return Subscription(
        id=str(raw["id"]),
        url=_shown(url),
        triggers=frozenset(str(trigger) for trigger in triggers),
        active=raw.get("active") is not False,
        has_template=bool(raw.get("payloadTemplate")),
    )


def audited(before: Audit | None, listed: Sequence[Subscription], account: str, at: str) -> Audit:
    """What a complete list at `at` says of the account's subscriptions."""
    before = before or Audit(checked_at=at)
    ours = [one for one in listed if one.url.endswith(f"/webhooks/calcom/{account}")]
    sound = [one for one in ours if one.active and not one.has_template]
    covered = frozenset[str]().union(*(one.triggers for one in sound))
    expected = REQUIRED_TRIGGERS | set(before.triggers)
    if sound and expected <= covered:
        good = {one.id: one.url for one in sound}
        return Audit(checked_at=at, good=good, triggers=tuple(sorted(covered & STATE_TRIGGERS)))
    moved = [one for one in listed if one.id in before.good and one not in ours]
    drift = _lacking(expected, covered) if sound else _unsound(before, ours, moved)
    since = (before.since or at) if drift else None
    return msgspec.structs.replace(before, checked_at=at, drift=drift, since=since)


def _lacking(expected: frozenset[str], covered: frozenset[str]) -> tuple[Difference, ...]:
    """What is delivered is delivered well, and is not all."""
    actual = ", ".join(sorted(covered & STATE_TRIGGERS)) or None
    return (Difference(field="triggers", local=", ".join(sorted(expected)), calcom=actual),)


def _unsound(before: Audit, ours: Sequence[Subscription], moved: Sequence[Subscription]) -> tuple[Difference, ...]:
    """Nothing that can be used is delivered to our door."""
    drift = [Difference(field="url", local=before.good[one.id], calcom=one.url) for one in moved]
    if any(not one.active for one in (*ours, *moved)):
        drift.append(Difference(field="active", local="true", calcom="false"))
    if any(one.has_template and one.active for one in ours):
        drift.append(Difference(field="payload_template", local=None, calcom="custom"))
    if not ours and not moved and before.good:
        drift.append(Difference(field="subscription", local=", ".join(sorted(before.good.values())), calcom=None))
    return tuple(drift)


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path.rstrip('/')}"
