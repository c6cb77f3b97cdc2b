"""A notice in Slack: what its blocks say, what can be pressed, and what of it Slack cannot misread."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from slack_sdk.models.blocks import Block

from connectors.notify.slack.blocks import NAMED_MAX, Said, message
from connectors.notify.slack.thread import is_loud, reply
from connectors.world.slack.limits import violations
from streams.alerts.actions import Acknowledge, Snooze
from streams.alerts.alert import Alert, Links
from streams.alerts.notice import Common, NoticeKind
from streams.model.records import Side
from streams.model.rule import Resolution, Rule
from tests.alert_words import Life, at, clock, finding
from tests.notice_words import audience, telling
from tests.spec.test_notice_words import DRIFT

BERLIN = ZoneInfo("Europe/Berlin")
OPENED = finding("opened", 1)


def said(kind: NoticeKind, *alerts: Alert, buttons: bool = True, **more: Any) -> Said:
    found = message(telling(kind, *alerts, **more), audience(BERLIN), at(8), buttons=buttons)
    assert violations({"text": found.text, "blocks": list(found.blocks)}) == []
    for block in Block.parse_all(list(found.blocks)):
        block.validate_json()  # slack-sdk's own opinion
    return found


def shown(found: Said) -> str:
    """All that a person reads in the blocks."""

    def texts(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["text"]] if isinstance(part.get("text"), str) else []
            return own + [text for value in part.values() for text in texts(value)]
        return [text for each in part for text in texts(each)] if isinstance(part, list) else []

    return "\n".join(texts(list(found.blocks)))


def pressable(found: Said) -> list[str]:
    return [
        element["action_id"].removeprefix("plumbline.")
        for block in found.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def life(*findings: Any) -> Life:
    return Life(BERLIN).hears(*(findings or (OPENED,)))


def test_a_first_message_says_what_where_when_and_how_it_was_proved() -> None:
    alert = replace(life().alert, links=Links(calcom="https://app.cal.com/booking/4fQ", app="https://app.it/calls/1"))
    found = said(NoticeKind.OPENED, alert)
    assert found.blocks[0]["text"]["text"] == "🔴 Booked in Cal.com, missing in your database"
    text = shown(found)
    for part in (
        "*company 3* · P1 · critical · *Starts in 52 min*",
        "(waited 4 s)",
        "booking `4fQ`",
        "<https://app.cal.com/booking/4fQ|Open booking>",
        "<https://app.it/calls/1|Open in app>",
        "Runbook: docs/runbooks/orphaned_calcom.md",
    ):
        assert part in text
    assert found.text.startswith("🔴 Booked in Cal.com, missing in your database. Starts in 52 min")


def test_both_sides_stand_beside_one_another_and_what_differs_is_marked() -> None:
    [fields] = [block["fields"] for block in said(NoticeKind.OPENED, life(DRIFT).alert).blocks if "fields" in block]
    local, calcom = (field["text"].splitlines() for field in fields)
    assert (local[0], calcom[0]) == ("*Your database*", "*Cal.com*")
    assert "≠ start: Thu 14:00 CET" in local
    assert "≠ start: Thu 14:30 CET" in calcom
    assert "booking: 4fQ" in local


def test_what_was_pressed_is_not_offered_again_and_nothing_once_it_is_over() -> None:
    assert pressable(said(NoticeKind.OPENED, life().alert)) == ["acknowledge", "snooze", "resolve"]
    seen = life().does(Acknowledge(), actor="slack:U7").alert
    assert pressable(said(NoticeKind.CHANGED, seen)) == ["snooze", "resolve"]
    assert "*Acknowledged by* <@U7>" in shown(said(NoticeKind.CHANGED, seen))
    silent = life().does(Snooze(until=at(600))).alert
    assert pressable(said(NoticeKind.CHANGED, silent)) == ["acknowledge", "resolve"]
    assert "Snoozed until Thu 23:00 CET" in shown(said(NoticeKind.CHANGED, silent))
    over = life(OPENED, finding("resolved", 11, proved=1)).alert
    assert pressable(said(NoticeKind.RESOLVED, over)) == []
    assert "Recovered, stood for 12 min" in shown(said(NoticeKind.RESOLVED, over))


def test_a_superseded_alert_says_that_another_one_speaks() -> None:
    over = life(OPENED, finding("resolved", 5, resolution=Resolution.SUPERSEDED)).alert
    assert "another alert speaks for its cause" in shown(said(NoticeKind.CHANGED, over))


def test_without_somebody_to_hear_them_there_are_no_buttons() -> None:
    assert pressable(said(NoticeKind.OPENED, life().alert, buttons=False)) == []


def test_a_group_says_what_its_alerts_have_in_common_and_names_the_first() -> None:
    alerts = [life(finding("opened", 1, subject=f"b{n}")).alert for n in range(100)]
    common = Common(rule=Rule.ORPHANED_CALCOM, tenant="3", account="harbor", event_type="15", since=clock(-1))
    found = said(NoticeKind.OPENED, *alerts, total=300, common=common)
    text = shown(found)
    assert found.blocks[0]["text"]["text"] == "🔴 300 × Booked in Cal.com, missing in your database"
    for part in ("*account*\nharbor", "*event type*\n15", "*since*\nThu 12:59 CET", "booking `b0`", "and 280 more"):
        assert part in text
    assert f"`b{NAMED_MAX}`" not in text
    assert pressable(found) == ["acknowledge_all", "snooze_all"]


def test_a_groups_message_shows_how_many_are_still_open_and_which_are_over() -> None:
    standing = life().alert
    over = life(finding("opened", 1, subject="b2"), finding("resolved", 9, proved=1, subject="b2")).alert
    text = shown(said(NoticeKind.CHANGED, standing, over))
    assert "1 of 2 still open" in text
    assert "✅ booking `b2`" in text
    done = said(NoticeKind.RESOLVED, over, over)
    assert done.blocks[0]["text"]["text"].startswith("✅")
    assert pressable(done) == []


def test_the_baseline_counts_and_offers_nothing_to_press() -> None:
    found = said(NoticeKind.BASELINE, total=4, by_rule={Rule.ORPHANED_LOCAL: 3, Rule.STATUS_DRIFT: 1})
    assert "In your database, missing in Cal.com: 3\nStatuses differ: 1" in shown(found)
    assert pressable(found) == []


@pytest.mark.parametrize("kind", [NoticeKind.OPENED, NoticeKind.CHANGED])
def test_text_from_outside_cannot_mention_link_or_break_out(kind: NoticeKind) -> None:
    nasty = finding("opened", 1, subject="<!channel>&<http://x|y>`", calcom=Side(booking="<!here>", status="<@U1>"))
    alert = replace(life(nasty).alert, assignee="<@U2>", acknowledged_by=None)
    for found in (said(kind, alert), said(kind, alert, alert, total=5)):
        everything = found.text + json.dumps(found.blocks, ensure_ascii=False)
        for sign in ("<!", "<@", "<http://x"):
            assert sign not in everything
        assert "&lt;!channel&gt;&amp;&lt;http://x|y&gt;" in everything


def test_a_persons_name_cannot_mention_anybody() -> None:
    seen = life().does(Acknowledge(), actor="slack:U7> <!channel").alert
    assert "<!" not in shown(said(NoticeKind.CHANGED, seen))


@pytest.mark.parametrize(
    ("kind", "of", "expected"),
    [
        (NoticeKind.REOPENED, 1, "🔴 It is back (episode 1) · Cal.com: accepted"),
        (NoticeKind.REPEATED, 1, "🔴 It still stands, and nobody looks after it, told again for the 2nd time"),
        (NoticeKind.ESCALATED, 1, "🔴 Nobody has acknowledged it; others are told too"),
        (NoticeKind.REMINDER, 1, "🔴 It still stands: its acknowledgement or snooze has ended"),
        (NoticeKind.CHANGED, 1, "Open · Cal.com: accepted"),
        (NoticeKind.REMINDER, 300, "booking 4fQ: 🔴 It still stands"),
    ],
)
def test_the_thread_hears_one_line_a_change(kind: NoticeKind, of: int, expected: str) -> None:
    told = reply(telling(kind, life().alert, turn=2), audience(BERLIN), of=of)
    assert told is not None
    assert told.text.startswith(expected)


def test_a_group_that_merely_changes_is_edited_and_its_thread_hears_how_it_ends() -> None:
    over = life(OPENED, finding("resolved", 11, proved=1)).alert
    assert reply(telling(NoticeKind.CHANGED, over, life().alert), audience(), of=2) is None
    ended = reply(telling(NoticeKind.RESOLVED, over, over), audience(), of=2)
    assert ended is not None
    assert ended.text == "✅ Recovered · all over"


def test_only_what_is_critical_and_news_is_shown_to_the_channel_too() -> None:
    warning = life(finding("opened", 1, rule=Rule.END_TIME_DRIFT)).alert
    assert is_loud(telling(NoticeKind.REOPENED, life().alert))
    assert not is_loud(telling(NoticeKind.RESOLVED, life().alert))
    assert not is_loud(telling(NoticeKind.REOPENED, warning))
