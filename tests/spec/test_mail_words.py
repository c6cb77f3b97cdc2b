"""What a mail says: a digest of what stands and what is over, or one alert; what came from outside is text alone."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors.notify.mail.channel import mail_channels
from connectors.notify.mail.letter import SUBJECT_CHARACTERS_MAX, compose
from connectors.notify.mail.page import COUNTS_MAX, Page, page_of
from connectors.notify.mail.rendering import html_of, text_of
from streams.alerts.actions import Acknowledge
from streams.alerts.alert import Alert
from streams.alerts.notice import Common, NoticeKind, Reason
from streams.settings import Settings
from streams.settings_notices import MailSettings
from tests.alert_words import Life, at, drifted, finding
from tests.notice_words import audience, telling

MAIL = MailSettings(host="mail.test", recipients=("ops@example.com",))


def standing(subject: str = "4fQ", **fields: Any) -> Alert:
    found: Alert = replace(Life().hears(finding("opened", 1, subject=subject)).alert, **fields)
    return found


def over(subject: str = "9xZ") -> Alert:
    first, last = finding("opened", 1, subject=subject), finding("resolved", 11, proved=1, subject=subject)
    found: Alert = Life().hears(first, last).alert
    return found


def page(kind: NoticeKind, *alerts: Alert, **more: Any) -> Page:
    return page_of(telling(kind, *alerts, **more), audience(ZoneInfo("Europe/Berlin")), at(30))


def digest(*alerts: Alert, **more: Any) -> Page:
    return page(NoticeKind.OPENED, *alerts, together=Reason.DIGEST, **more)


# A digest -----------------------------------------------------------------------------


def test_a_digest_says_how_many_stand_and_how_many_are_over() -> None:
    assert digest(standing("a"), standing("b"), over()).subject == "🔴 2 alerts stand, 1 is over"
    assert digest(standing()).subject == "🔴 1 alert stands (company 3, booking 4fQ)"
    assert digest(over("a"), over("b")).subject == "✅ 2 over, none stands"


def test_it_lists_what_stands_before_what_is_over_and_counts_what_it_does_not_list() -> None:
    one = digest(over(), standing(), total=40, standing=30)
    assert [entry.about for entry in one.standing] == ["booking 4fQ"]
    assert [(entry.about, entry.standing) for entry in one.over] == [("booking 9xZ", "Recovered, stood for 12 min")]
    assert one.subject == "🔴 30 alerts stand, 10 are over"
    assert "… and 38 more that are not listed." in text_of(one)


def test_it_counts_by_rule_and_by_company_where_there_are_several_most_first() -> None:
    counts = digest(
        standing(),
        total=9,
        by_rule={"start_time_drift": 2, "orphaned_calcom": 7},
        by_tenant={"3": 4, "4": 5},
    ).counts
    assert [(one.heading, one.lines) for one in counts] == [
        ("By rule", (("Booked in Cal.com, missing in your database", 7), ("Start times differ", 2))),
        ("By company", (("company 4", 5), ("company 3", 4))),
    ]


def test_many_companies_are_counted_as_others() -> None:
    by_tenant = {str(number): 1 for number in range(COUNTS_MAX + 3)}
    [companies] = digest(standing(), total=99, by_rule={"orphaned_calcom": 99}, by_tenant=by_tenant).counts
    assert (len(companies.lines), companies.others) == (COUNTS_MAX, 3)


# One alert ----------------------------------------------------------------------------


def test_one_alert_is_its_own_subject_and_shows_both_sides() -> None:
    alert = Life().hears(finding("opened", 1), drifted(2, "2026-11-26T14:00:00.000Z")).alert
    one = page(NoticeKind.OPENED, alert)
    assert one.subject == "🔴 Booked in Cal.com, missing in your database (company 3, booking 4fQ)"
    text = text_of(one)
    assert "≠ start: database – | Cal.com Thu 14:00 CET" in text
    assert "Since Thu 12:59 CET · Starts in 30 min" in text
    assert "Open booking: https://" in text
    assert text.count("missing in your database") == 1, "the title is said once"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (NoticeKind.REPEATED, "🔴 Still standing: Booked in Cal.com"),
        (NoticeKind.REMINDER, "🔴 Nobody looks after it any more: Booked in Cal.com"),
        (NoticeKind.ESCALATED, "🔴 Nobody looks after it: Booked in Cal.com"),
    ],
)
def test_a_mail_that_comes_again_says_why(kind: NoticeKind, said: str) -> None:
    assert page(kind, standing()).subject.startswith(said)


def test_an_end_says_how_it_ended_and_who_acknowledged_is_named() -> None:
    assert page(NoticeKind.RESOLVED, over()).subject.startswith("✅ Recovered: Booked in Cal.com")
    seen = Life().hears(finding("opened", 1)).does(Acknowledge(), actor="ana").alert
    assert page(NoticeKind.REPEATED, seen).standing[0].standing == "Acknowledged by ana"


def test_a_group_says_what_its_alerts_have_in_common() -> None:
    common = Common(rule="orphaned_calcom", account="harbor", event_type="4773493", since="2026-11-26T11:58:00.000Z")
    one = page(NoticeKind.OPENED, standing("a"), standing("b"), total=300, common=common, together=Reason.GROUPED)
    assert one.subject == "🔴 300 × Booked in Cal.com, missing in your database"
    assert ("account", "harbor") in one.facts
    assert ("since", "Thu 12:58 CET") in one.facts


def test_what_is_older_than_the_installation_is_told_in_numbers() -> None:
    one = page(NoticeKind.BASELINE, total=4, by_rule={"orphaned_calcom": 4})
    assert one.subject == "📋 Found at installation: 4 older faults"
    assert "     4  Booked in Cal.com, missing in your database" in text_of(one)


# What came from outside ------------------------------------------------------------------


class Tags(HTMLParser):
    """The tags of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.addresses: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


def test_no_text_from_outside_becomes_markup_or_an_address() -> None:
    evil = '"><script src=//evil.example></script><img src=x onerror=alert(1)>'
    plain = Tags(html_of(page(NoticeKind.OPENED, standing())))
    alert = standing(title=evil, summary=evil, calcom={"status": evil}, runbook_url="javascript:alert(1)")
    attacked = Tags(html_of(page(NoticeKind.OPENED, alert)))
    assert set(attacked.seen) <= set(plain.seen)
    assert attacked.addresses == plain.addresses


def test_a_mail_loads_nothing_from_elsewhere() -> None:
    document = html_of(digest(standing(), over()))
    assert not {"script", "img", "link", "iframe"} & set(Tags(document).seen)
    assert "url(" not in document
    assert "@import" not in document


def headers(subject: str) -> Any:
    """A mail with this subject, as it is read."""
    letter = compose(MAIL, subject=subject, text="text", html="<p>", key="k", now=datetime.now(UTC))
    return message_from_bytes(letter.as_bytes(), policy=default)


PLAIN = headers("plain").keys()


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
@example("ok\r\nBcc: eve@evil.example\r\n\r\nbody")
@example("\u2028Bcc: eve@evil.example\x0b\x85\x00")
def test_no_subject_becomes_another_header(subject: str) -> None:
    read = headers(subject)
    assert read.keys() == PLAIN
    assert len(read["Subject"]) <= SUBJECT_CHARACTERS_MAX


# Channels ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mail", "channels"),
    [
        (MailSettings(), []),
        (MAIL, [("mail", "digest")]),
        (MAIL.model_copy(update={"immediate": True}), [("mail", "digest"), ("mail-now", "grouped")]),
        (MAIL.model_copy(update={"immediate": True, "digest_hours": 0}), [("mail-now", "grouped")]),
    ],
)
def test_mail_is_a_digest_and_at_once_as_wanted(mail: MailSettings, channels: list[tuple[str, str]]) -> None:
    made = mail_channels(Settings(mail=mail))
    assert [(channel.name, channel.pace) for channel in made] == channels
    assert not any(NoticeKind.CHANGED in channel.kinds for channel in made), "a mail cannot be edited"
