"""A webhook's subscription as it is, against what it was when all was good."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.calcom.account_reports import AccountHearing, AccountPolicy, standing_drift
from connectors.calcom.subscriptions import Audit, Subscription, audited, subscription_of

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
DOOR = "https://door.example/webhooks/calcom/harbor"
ALL = ("BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED", "BOOKING_REJECTED")


def at(seconds: float) -> str:
    return (NINE + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def subscription(id: str = "1", **more: Any) -> Subscription:
    raw = {"id": id, "subscriberUrl": DOOR, "triggers": list(ALL), "active": True, "payloadTemplate": None}
    made = subscription_of({**raw, **more})
    assert made is not None
    return made


def look(before: Audit | None, *listed: Subscription, seconds: float = 600) -> Audit:
    return audited(before, listed, "harbor", at(seconds))


def drift(audit: Audit) -> list[tuple[str, str | None, str | None]]:
    return [(one.field, one.local, one.calcom) for one in audit.drift]


@pytest.fixture
def good() -> Audit:
    audit = look(None, subscription(), seconds=0)
    assert not audit.drift
    return audit


# What is drift ---------------------------------------------------------------------


def test_one_that_was_turned_off(good: Audit) -> None:
    assert drift(look(good, subscription(active=False))) == [("active", "true", "false")]


def test_one_that_points_elsewhere(good: Audit) -> None:
    other = "https://other.example/hook"
    assert drift(look(good, subscription(subscriberUrl=other))) == [("url", DOOR, other)]


def test_one_that_lacks_a_trigger_that_it_had(good: Audit) -> None:
    few = [one for one in ALL if one != "BOOKING_REJECTED"]
    assert drift(look(good, subscription(triggers=few))) == [
        ("triggers", ", ".join(sorted(ALL)), ", ".join(sorted(few)))
    ]


def test_one_with_a_payload_template_of_its_own(good: Audit) -> None:
    [(field, local, calcom)] = drift(look(good, subscription(payloadTemplate='{"who": "{{attendees}}"}')))
    assert (field, local, calcom) == ("payload_template", None, "custom")  # the template itself is nobody's business


def test_one_that_was_good_and_is_gone(good: Audit) -> None:
    assert drift(look(good)) == [("subscription", DOOR, None)]


def test_one_that_was_configured_wrongly_from_the_start() -> None:
    assert [one.field for one in look(None, subscription(active=False)).drift] == ["active"]
    assert [one.field for one in look(None, subscription(triggers=["BOOKING_CREATED"])).drift] == ["triggers"]


# What is none ----------------------------------------------------------------------


def test_an_empty_list_is_no_proof() -> None:
    assert not look(None).drift


def test_subscriptions_of_others_are_theirs() -> None:
    theirs = subscription(subscriberUrl="https://door.example/webhooks/calcom/quay", active=False)
    assert not look(None, theirs, subscription("2", subscriberUrl="https://crm.example/hook", active=False)).drift


def test_one_that_was_replaced_by_another(good: Audit) -> None:
    assert not look(good, subscription("2")).drift
    assert not look(good, subscription(active=False), subscription("2")).drift


def test_triggers_may_be_spread_over_several(good: Audit) -> None:
    assert not look(good, subscription(triggers=list(ALL[:2])), subscription("2", triggers=list(ALL[2:]))).drift


def test_a_trigger_that_was_never_there_is_not_missed() -> None:
    three = ["BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED"]
    first = look(None, subscription(triggers=three))
    assert not first.drift
    assert not look(first, subscription(triggers=three)).drift


def test_what_was_mended_is_good_again(good: Audit) -> None:
    broken = look(good, subscription(active=False))
    mended = look(broken, subscription(), seconds=1200)
    assert (mended.drift, mended.since) == ((), None)


def test_its_address_is_shown_without_what_may_be_secret() -> None:
    shown = subscription(subscriberUrl="https://user:secret@door.example:8443/webhooks/calcom/harbor/?key=secret")
    assert shown.url == "https://door.example:8443/webhooks/calcom/harbor"


@pytest.mark.parametrize("raw", [None, 7, {}, {"id": 1}, {"id": 1, "subscriberUrl": None, "triggers": []}])
def test_what_is_no_subscription_is_passed_over(raw: object) -> None:
    assert subscription_of(raw) is None


# What is told of it ----------------------------------------------------------------


def told(audit: Audit | None, *, now: float, delivered: float | None = None) -> list[str] | None:
    heard = AccountHearing(
        account="harbor",
        tenants=("1",),
        audit=audit,
        delivered_at=None if delivered is None else NINE + timedelta(seconds=delivered),
    )
    found = standing_drift(heard, NINE + timedelta(seconds=now), AccountPolicy())
    return None if found is None else [one.field for one in found]


def test_without_a_recent_look_nobody_can_say(good: Audit) -> None:
    assert told(None, now=0) is None
    assert told(good, now=1801) is None
    assert told(good, now=1800) == []


def test_what_is_delivered_all_the_same_is_not_missing(good: Audit) -> None:
    # A team's subscription, which no list shows, delivers too.
    off = look(good, subscription(active=False))
    assert told(off, now=700, delivered=590) == ["active"]
    assert told(off, now=700, delivered=655) == ["active"]  # it may have been under way
    assert told(off, now=700, delivered=665) == []


def test_deliveries_do_not_disprove_a_missing_trigger(good: Audit) -> None:
    few = look(good, subscription(triggers=list(ALL[:4])))
    assert told(few, now=700, delivered=690) == ["triggers"]
