"""A notice as Slack's blocks: what, where, both sides compared, who looks after it, where to look, what to press.

Blocks are the dictionaries that Slack documents; `tests/spec/test_slack_blocks.py` holds them to its limits. The same
blocks go through a bot and a webhook; only a bot's have buttons, since nobody hears a webhook's.
"""

import msgspec

from connectors.notify import words
from connectors.notify.audience import Audience
from connectors.notify.channel import Telling
from connectors.notify.pages import pages_of
from connectors.notify.slack.buttons import Block, alert_buttons, group_buttons
from connectors.notify.slack.markup import (
    FIELD_CHARACTERS_MAX,
    HEADER_CHARACTERS_MAX,
    code,
    escaped,
    fitting,
    link,
    person,
)
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind
from streams.model.ids import Instant
from streams.model.rule import AlertStatus

#: Alerts of a group that are named one by one.
NAMED_MAX = 20
FIELDS_MAX = 10
CONTEXTS_MAX = 10


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One message: blocks, and the text for whoever cannot see blocks (a phone's lock screen, a screen reader)."""

    text: str
    blocks: tuple[Block, ...] = ()


def message(telling: Telling, audience: Audience, now: Instant, *, buttons: bool) -> Said:
    """The message that tells this, whole: as it is posted, and as it is after an edit."""
    text = escaped(words.notice_line(telling, audience, now))
    if telling.kind is NoticeKind.BASELINE:
        return Said(text=text, blocks=_baseline(telling))
    if telling.total > 1:
        return Said(text=text, blocks=_group(telling, audience, now, buttons=buttons))
    return Said(text=text, blocks=_single(telling.alerts[0], audience, now, buttons=buttons))


def _single(alert: Alert, audience: Audience, now: Instant, *, buttons: bool) -> tuple[Block, ...]:
    over = alert.status is AlertStatus.RESOLVED
    light = "✅" if over else words.LIGHT[alert.severity]
    starts = words.starts_of(alert, audience, now)
    where = [f"*{escaped(audience.name_of(alert.tenant), 200)}*", f"P{alert.priority}", str(alert.severity)]
    if starts and not over:
        where.append(f"*{escaped(starts, 200)}*")
    blocks = [
        _header(f"{light} {words.headline(alert)}"),
        _section("\n".join(part for part in (standing_markup(alert, audience), " · ".join(where)) if part)),
        _section(escaped(alert.summary)) if alert.summary else None,
        _sides(alert, audience),
        _section(" · ".join(_ids(alert))),
        _context([*_pages(alert), code(alert.rule)]),
        None if over or not buttons else alert_buttons(alert),
    ]
    return tuple(block for block in blocks if block is not None)


def _group(telling: Telling, audience: Audience, now: Instant, *, buttons: bool) -> tuple[Block, ...]:
    standing, first = words.still_standing(telling), telling.alerts[0]
    over = standing == 0
    light = "✅" if over else words.LIGHT[first.severity]
    state = "All over" if over else f"{standing} of {telling.total} still open"
    named = fitting([_named(alert, audience, now) for alert in telling.alerts[:NAMED_MAX]])
    more = telling.total - len(named)
    common = [f"*{name}*\n{escaped(value, 300)}" for name, value in words.common_facts(telling, audience)]
    rules = [] if telling.common.rule else words.counted(telling)
    blocks = [
        _header(f"{light} {words.group_headline(telling)}"),
        _section(f"*{state}*"),
        _fields(common),
        _section("\n".join(fitting([escaped(rule, 200) for rule in rules]))) if rules else None,
        _section("\n".join(named)),
        _context([f"and {more} more"]) if more > 0 else None,
        _context([link("Runbook", first.runbook_url), code(first.rule)]) if telling.common.rule else None,
        None if over or not buttons else group_buttons(telling.total),
    ]
    return tuple(block for block in blocks if block is not None)


def _baseline(telling: Telling) -> tuple[Block, ...]:
    counts = fitting([escaped(count, 200) for count in words.counted(telling)])
    told = "They were there before Plumbline. What goes wrong from now on is told as it is found."
    headline = words.baseline_headline(telling.total)
    blocks = [_header(headline), _section("\n".join(counts)) if counts else None, _context([told])]
    return tuple(block for block in blocks if block is not None)


def standing_markup(alert: Alert, audience: Audience) -> str:
    """Who looks after it, until when it is silent, or how it ended, marked up; empty where it is just open."""
    if alert.status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by is not None:
        return f"👀 *Acknowledged by* {person(alert.acknowledged_by)}"
    said = words.standing_text(alert, audience)
    sign = {AlertStatus.SNOOZED: "💤 ", AlertStatus.RESOLVED: "✅ "}.get(alert.status, "")
    return f"{sign}*{escaped(said, 300)}*" if said else ""


def _sides(alert: Alert, audience: Audience) -> Block | None:
    """Your database on the left, Cal.com on the right, line by line; what differs is marked on both."""
    compared = words.compared_fields(alert, audience)
    if not compared:
        return None

    def side(name: str, values: list[str | None]) -> str:
        rows = [
            f"{'≠ ' if one.differs else ''}{escaped(one.field, 100)}: {escaped(value, 600) if value else '–'}"
            for one, value in zip(compared, values, strict=True)
        ]
        return "\n".join(fitting([f"*{name}*", *rows], FIELD_CHARACTERS_MAX))

    return _fields(
        [side("Your database", [one.local for one in compared]), side("Cal.com", [one.calcom for one in compared])]
    )


def _named(alert: Alert, audience: Audience, now: Instant) -> str:
    over = alert.status is AlertStatus.RESOLVED
    ids = ", ".join(_ids(alert))
    starts = "" if over else words.starts_of(alert, audience, now)
    standing = words.standing_text(alert, audience)
    facts = [ids, escaped(audience.name_of(alert.tenant), 100), escaped(starts, 100), escaped(standing, 100)]
    return f"{'✅' if over else words.LIGHT[alert.severity]} " + " · ".join(fact for fact in facts if fact)


def _ids(alert: Alert) -> list[str]:
    return [f"{kind} {code(one)}" for kind, one in words.ids_of(alert)]


def _pages(alert: Alert) -> list[str]:
    pages = dict(pages_of(alert)) | {"Runbook": alert.runbook_url}
    return [link(name, url) for name, url in pages.items()]


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": words.fit(text, HEADER_CHARACTERS_MAX)}}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _fields(texts: list[str]) -> Block | None:
    return {"type": "section", "fields": [_mrkdwn(text) for text in texts[:FIELDS_MAX]]} if texts else None


def _context(texts: list[str]) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text) for text in texts[:CONTEXTS_MAX]]}


def _mrkdwn(text: str) -> Block:
    # Verbatim: what looks like an address or a channel's name is none unless it is written as such.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
