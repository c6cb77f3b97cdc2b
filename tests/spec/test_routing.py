"""Which channels hear of an alert, and what keeps it from them for a while."""

import re
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from streams.alerts.alert import Alert
from streams.configured_notices import notice_policy
from streams.model.records import Subject
from streams.model.rule import Rule, Severity, SubjectKind
from streams.model.source_records import EVERY_TENANT
from streams.notices.inhibition import SilentSource
from streams.notices.planning import Policy
from streams.notices.routing import Hours, Led, Route, led_to
from streams.notices.silences import Matchers, Silence
from streams.settings import Settings
from tests.alert_words import Life, at, finding
from tests.log_words import around, decided, way

ROOT = Path(__file__).parents[2]
ALERT: Alert = Life().hears(finding("opened", 1)).alert
WARNING = msgspec.structs.replace(ALERT, severity=Severity.WARNING, rule=Rule.STUCK_PENDING)
OF_NINE = msgspec.structs.replace(ALERT, tenant="9")
LABELS = {"region": "eu"}
#: Noon is a Thursday, in UTC.
OFFICE = Hours(from_minute=9 * 60, to_minute=17 * 60, days=frozenset(range(5)), zone=ZoneInfo("UTC"))
NIGHT = Hours(from_minute=22 * 60, to_minute=6 * 60, days=frozenset({3}), zone=ZoneInfo("UTC"))


def test_without_routes_everybody_hears_and_mail_at_once_is_for_what_is_critical() -> None:
    assert led_to("slack", WARNING, {}, (), at(0)) is Led.NOW
    assert led_to("mail-now", ALERT, {}, (), at(0)) is Led.NOW
    assert led_to("mail-now", WARNING, {}, (), at(0)) is Led.NOT


@pytest.mark.parametrize(
    ("route", "alert", "fits"),
    [
        (Route(channels=frozenset()), ALERT, True),
        (Route(channels=frozenset(), tenants=frozenset({"3"})), ALERT, True),
        (Route(channels=frozenset(), tenants=frozenset({"3"})), OF_NINE, False),
        (Route(channels=frozenset(), severities=frozenset({Severity.CRITICAL})), WARNING, False),
        (Route(channels=frozenset(), rules=frozenset({Rule.STUCK_PENDING})), WARNING, True),
        (Route(channels=frozenset(), labels={"region": "eu"}), ALERT, True),
        (Route(channels=frozenset(), labels={"region": "us"}), ALERT, False),
        (Route(channels=frozenset(), labels={"tier": "gold"}), ALERT, False),
    ],
)
def test_a_route_fits_what_fits_all_of_its_matchers(route: Route, alert: Alert, fits: bool) -> None:
    assert route.fits(alert, LABELS) is fits


def test_the_first_route_that_fits_decides_unless_it_says_go_on() -> None:
    pager = Route(channels=frozenset({"pagerduty"}), severities=frozenset({Severity.CRITICAL}))
    rest = Route(channels=frozenset({"slack"}))
    assert led_to("slack", ALERT, {}, (pager, rest), at(0)) is Led.NOT
    assert led_to("slack", WARNING, {}, (pager, rest), at(0)) is Led.NOW
    both = msgspec.structs.replace(pager, go_on=True)
    assert led_to("slack", ALERT, {}, (both, rest), at(0)) is Led.NOW
    assert led_to("pagerduty", ALERT, {}, (both, rest), at(0)) is Led.NOW


def test_outside_its_hours_a_route_keeps_its_notices_and_leads_them_nowhere_else() -> None:
    office = Route(channels=frozenset({"slack"}), hours=OFFICE)
    rest = Route(channels=frozenset({"mail"}))
    assert led_to("slack", ALERT, {}, (office, rest), at(4 * 60)) is Led.NOW
    assert led_to("slack", ALERT, {}, (office, rest), at(6 * 60)) is Led.LATER
    assert led_to("mail", ALERT, {}, (office, rest), at(6 * 60)) is Led.NOT
    policy = Policy(routes=(office,))
    assert decided(ALERT, around(at(6 * 60), policy)) == "held outside_hours"
    assert decided(ALERT, around(at(21 * 60), policy)) == "pending", "Friday, 9:00"
    assert decided(ALERT, around(at(45 * 60), policy)) == "held outside_hours", "Saturday, 9:00"


@pytest.mark.parametrize(
    ("hour", "within"), [(21.9, False), (22, True), (29.9, True), (30, False), (22 + 24, False), (5, False)]
)
def test_hours_may_end_on_the_next_day(hour: float, within: bool) -> None:
    assert NIGHT.contain(at((hour - 12) * 60)) is within


def test_a_silence_holds_what_it_fits_from_its_beginning_to_its_end() -> None:
    planned = Silence(id="s", matchers=Matchers(tenants=("3",)), starts_at=at(10), ends_at=at(20))
    for minutes, expected in ((9, "pending"), (10, "held silenced"), (19, "held silenced"), (20, "pending")):
        assert decided(ALERT, around(at(minutes), silences=(planned,))) == expected
    assert decided(OF_NINE, around(at(10), silences=(planned,))) == "pending"
    ended = msgspec.structs.replace(planned, ended_at=at(15))
    assert decided(ALERT, around(at(15), silences=(ended,))) == "pending"


@pytest.mark.parametrize(
    ("matchers", "fits"),
    [
        (Matchers(), True),
        (Matchers(tenants=()), False),
        (Matchers(rules=(Rule.ORPHANED_CALCOM,), severities=(Severity.CRITICAL,)), True),
        (Matchers(rules=(Rule.ORPHANED_CALCOM,), severities=(Severity.INFO,)), False),
        (Matchers(subject=("booking", "4fQ")), True),
        (Matchers(subject=("appointment", "4fQ")), False),
        (Matchers(labels={"region": "eu"}), True),
        (Matchers(labels={"region": "us"}), False),
    ],
)
def test_a_silence_fits_what_fits_all_of_its_matchers(matchers: Matchers, fits: bool) -> None:
    assert matchers.fit(ALERT, LABELS) is fits


@pytest.mark.parametrize(
    ("source", "tenant", "account", "expected"),
    [
        ("database", "3", None, "held inhibited"),
        ("database", EVERY_TENANT, None, "held inhibited"),
        ("clock", EVERY_TENANT, None, "held inhibited"),
        ("database", "9", None, "pending"),
        ("calcom:harbor", "3", None, "held inhibited"),
        ("calcom:harbor", EVERY_TENANT, "harbor", "held inhibited"),
        ("calcom:harbor", "3", "quay", "pending"),  # its booking is held elsewhere
        ("calcom:pier", EVERY_TENANT, None, "pending"),  # an account of others
        ("webhooks:harbor", "3", None, "pending"),  # slow, not doubtful
    ],
)
def test_the_alert_about_a_source_stands_for_those_about_what_it_shows(
    source: str, tenant: str, account: str | None, expected: str
) -> None:
    policy = Policy(accounts_of=lambda tenant: frozenset({"harbor", "quay"} if tenant == "3" else ()))
    silent = (SilentSource(tenant=tenant, source=source),)
    assert decided(ALERT, around(policy=policy, sources=silent), account=account) == expected


def test_the_alert_about_a_source_is_told_itself() -> None:
    subject = Subject(kind=SubjectKind.SOURCE, id="calcom:harbor")
    about = msgspec.structs.replace(ALERT, rule=Rule.SOURCE_STALLED, subject=subject)
    silent = (SilentSource(tenant=EVERY_TENANT, source="database"),)
    assert decided(about, around(sources=silent)) == "pending"


def test_what_comes_and_goes_is_told_once_an_hour() -> None:
    told = around(at(30), begun_told_at=at(0))
    assert decided(ALERT, told, flapping=True) == "held flapping"
    assert decided(ALERT, told) == "pending"
    assert decided(ALERT, around(at(60), begun_told_at=at(0)), flapping=True) == "pending"
    assert decided(ALERT, around(at(30)), flapping=True) == "pending", "it was never told here"


def test_a_digest_waits() -> None:
    assert decided(ALERT, around(), channel=way("mail", "digest")) == "pending digest"


def test_the_example_of_the_documentation_is_valid_and_says_what_it_says_it_does() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "notices.md").read_text(encoding="utf-8"), re.DOTALL)
    policy = notice_policy(Settings.model_validate(tomllib.loads(example)))
    night, gold = at(12 * 60), msgspec.structs.replace(WARNING, tenant="15")

    def hear(alert: Alert) -> dict[str, Led]:
        labels = policy.labels_of(alert.tenant)
        channels = ("slack", "slack:#incidents", "slack:#gold", "mail", "pagerduty")
        return {
            one: led for one in channels if (led := led_to(one, alert, labels, policy.routes, night)) is not Led.NOT
        }

    assert hear(ALERT) == {"slack": Led.LATER, "slack:#incidents": Led.NOW, "mail": Led.NOW}
    assert hear(WARNING) == {"slack": Led.LATER, "mail": Led.NOW}
    assert hear(gold) == {"slack:#gold": Led.NOW, "mail": Led.NOW}
    assert policy.escalate_to == {"pagerduty"}


def test_the_settings_say_who_is_told() -> None:
    settings = Settings.model_validate(
        {
            "tenants": [{"id": "3", "labels": {"region": "eu"}}],
            "accounts": [{"name": "harbor", "tenant": "3", "api_key": "k"}],
            "notices": {"repeat_hours": 2, "escalate_after_minutes": 5, "escalate_to": ["pagerduty"]},
            "routes": [
                {"channels": ["slack"], "labels": {"region": "eu"}, "hours_from": "09:00", "hours_to": "17:00",
                 "days": ["mon", "tue", "wed", "thu", "fri"], "timezone": "UTC"},
                {"channels": ["mail"]},
            ],
        }
    )  # fmt: skip
    policy = notice_policy(settings)
    assert policy.routes[0] == Route(channels=frozenset({"slack"}), labels={"region": "eu"}, hours=OFFICE)
    assert policy.routes[1].hours is None
    assert policy.labels_of("3") == {"region": "eu"}
    assert policy.accounts_of("3") == {"harbor"}
    assert (policy.repeat_ms, policy.escalate_after_ms) == (2 * 3_600_000, 5 * 60_000)
    assert policy.escalate_to == {"pagerduty"}
