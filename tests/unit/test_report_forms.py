"""The daily report in text and HTML: readable on 80 columns, safe whatever stands in it, nothing from elsewhere."""

import re
from html.parser import HTMLParser

import msgspec
import pytest

from connectors.reports.html import html_of
from connectors.reports.text import COLUMNS, text_of
from connectors.reports.wording import percent, took
from streams.model.rule import SEVERITY, Rule
from streams.reports.figures import RuleFigures, Seconds, Standing
from streams.reports.report import DailyReport, Day, Hour, ReportGap
from tests.report_words import at, counted, covered, name_of, outage, report, runbook, trouble

SECTIONS = ("Summary", "Inconsistency breakdown", "Top issues", "Trend analysis", "Action items")
NASTY = "<script>alert(1)</script>\x1b[31m\n" + "long" * 40


def busy(word: str = "4fQx") -> DailyReport:
    """A bad day: every rule spoke, a source was away, a side was not compared."""
    rules = tuple(
        RuleFigures(rule=rule, severity=SEVERITY[rule], opened=1234567, resolved=1234560, open=7) for rule in Rule
    )
    gap = ReportGap(source=word, began_at="2026-11-20T09:58:00.000Z", ended_at=None)
    return report(
        counted(
            rules=rules,
            resolutions={"recovered": 9, "false_positive": 1},
            detection=Seconds(count=9, mean=2.3, p50=2.0, p95=400, max=9000),
            standing=Standing(at="2026-11-20T23:59:00.000Z", in_sync=99_999, differing=1, unknown=12),
            calls=1247,
            appointments=892,
            orphans_last_day=12,
            review_waiting=21,
        ),
        coverage=(covered(complete=False, gaps=(gap,)), covered("9")),
        troubles=(trouble(10, alerts=300, open=12, example=word, event_type=word), trouble(10, tenant=word)),
        outages=(outage(9.9, 10.5, source=word),),
        days=tuple(Day(date=f"2026-11-{day:02}", opened=day * 997, critical=day) for day in range(7, 21)),
        hours=tuple(Hour(hour=f"{hour:02}:00", opened=hour, critical=hour // 2) for hour in range(24)),
        untaken_critical=3,
        standing_over_a_day=2,
    )


class Outline(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.headings: list[str] = []
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._within = tag

    def handle_data(self, data: str) -> None:
        if self._within == "h2" and data.strip():
            self.headings.append(data.strip())


@pytest.mark.parametrize("made", [busy(), busy(NASTY), report()], ids=["busy", "nasty", "quiet"])
def test_text_has_five_sections_on_eighty_columns(made: DailyReport) -> None:
    lines = text_of(made, name_of).splitlines()
    assert [line for line in lines if line in {name.upper() for name in SECTIONS}] == [s.upper() for s in SECTIONS]
    assert [line for line in lines if len(line) > COLUMNS] == []


def test_text_holds_nothing_that_a_terminal_obeys() -> None:
    assert "\x1b" not in text_of(busy(NASTY), name_of)


def test_html_has_the_same_five_sections() -> None:
    for made in (busy(), report()):
        assert tuple(Outline(html_of(made, name_of)).headings) == SECTIONS


def test_html_escapes_what_comes_from_outside() -> None:
    page = html_of(busy(NASTY), lambda tenant: NASTY)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4


def test_html_loads_nothing_and_runs_nothing() -> None:
    page = html_of(busy(), name_of)
    outline = Outline(page)
    assert not outline.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert not [name for name, _ in outline.attributes if name in {"src", "href", "srcset"} or name.startswith("on")]
    assert not re.findall(r"url\(|@import", page)


def test_a_runbook_with_an_address_is_a_link() -> None:
    made = busy()
    items = tuple(msgspec.structs.replace(one, runbook="https://books.example/a") for one in made.issues.items)
    linked = msgspec.structs.replace(made, issues=msgspec.structs.replace(made.issues, items=items))
    assert '<a href="https://books.example/a">' in html_of(linked, name_of)
    bad = tuple(msgspec.structs.replace(one, runbook="javascript:alert(1)") for one in made.issues.items)
    unlinked = msgspec.structs.replace(made, issues=msgspec.structs.replace(made.issues, items=bad))
    assert "href" not in html_of(unlinked, name_of)


def test_both_say_who_what_and_when() -> None:
    made = busy()
    for form in (text_of(made, name_of), html_of(made, name_of)):
        words = " ".join(re.sub("<[^>]+>", "", form).split())
        assert "Fri 20 Nov 2026" in words
        assert "1 of 2 companies compared through its end" in words
        assert "Harbor Clinic" in words
        assert "300 alerts, 12 still open" in words
        assert runbook("orphaned_calcom") in words


def test_a_week_without_a_week_before_says_so() -> None:
    made = report(installed_at=at(-24))
    assert "no week before to compare with" in text_of(made, name_of)


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (None, "not known"),
        (0, "0.0 %"),
        (0.9167, "91.7 %"),
        (0.99991, "99.99 %"),
        (0.999999, "99.99 %"),
        (1, "100.0 %"),
    ],
)
def test_almost_all_is_not_rounded_to_all(rate: float | None, said: str) -> None:
    assert percent(rate) == said


@pytest.mark.parametrize(("seconds", "said"), [(2.34, "2.3 s"), (120, "2.0 min"), (7200, "2.0 h"), (None, "not known")])
def test_durations_are_told_in_the_unit_that_people_use(seconds: float | None, said: str) -> None:
    assert took(seconds) == said
