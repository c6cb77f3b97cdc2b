"""Whatever an alert holds, its message is one that Slack takes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from slack_sdk.models.blocks import Block

from connectors.notify.slack.blocks import message
from connectors.notify.slack.thread import reply
from connectors.world.slack.limits import violations
from streams.alerts.alert import Alert, Links
from streams.alerts.notice import Common, NoticeKind
from streams.model.records import Difference, Side
from streams.model.rule import AlertStatus, Resolution, Rule, Severity
from tests.alert_words import Life, at, clock, finding
from tests.notice_words import audience, telling

#: Text from outside: signs that Slack reads as markup, nothing at all, and very much of it.
outside = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["&", "<!channel>", "`*_~", "\n\n", " ", "🔴", "x|y>"]).flatmap(
        lambda sign: st.integers(1, 4000).map(lambda times: sign * times)
    ),
)
maybe = st.none() | outside
times = st.none() | st.sampled_from([str(clock(60)), str(clock(-60)), "no instant"])


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    alert: Alert = Life().hears(finding("opened", 1)).alert
    names = draw(st.lists(outside, max_size=12, unique=True))
    return replace(
        alert,
        title=draw(outside.filter(lambda text: bool(text.strip()))),
        summary=draw(outside),
        tenant=draw(outside),
        severity=draw(st.sampled_from(Severity)),
        status=draw(st.sampled_from(AlertStatus)),
        resolution=draw(st.none() | st.sampled_from(Resolution)),
        resolved_at=draw(st.none() | st.just(str(clock(90)))),
        booking_uid=draw(maybe),
        appointment_id=draw(maybe),
        call_id=draw(maybe),
        acknowledged_by=draw(maybe),
        episode=draw(st.integers(1, 10**9)),
        local=_side(draw, names),
        calcom=_side(draw, names),
        differences=tuple(Difference(field=name, local=draw(maybe), calcom=draw(maybe)) for name in names[:3]),
        runbook_url=draw(st.just("https://x.example/") | outside),
        links=Links(calcom=draw(maybe), app="https://app.example/?q=" + draw(outside)),
    )


def _side(draw: st.DrawFn, names: list[str]) -> dict[str, str | None]:
    extra: dict[str, Any] = {name: draw(maybe) for name in names}
    return {"start": draw(times), "end": draw(times), "status": draw(maybe)} | extra


commons = st.builds(
    Common, rule=st.none() | st.sampled_from(Rule), tenant=maybe, account=maybe, event_type=maybe, since=st.none()
)


@settings(max_examples=60)
@given(
    st.sampled_from(NoticeKind),
    st.lists(alerts(), min_size=1, max_size=3),
    st.sampled_from([0, 1, 300]),
    commons,
    st.booleans(),
)
def test_any_notice_is_a_message_within_slacks_limits_that_mentions_nobody(
    kind: NoticeKind, told: list[Alert], more: int, common: Common, buttons: bool
) -> None:
    # Many alerts, of which some are as they were drawn: a group names twenty.
    several = (told * 20)[: len(told) if more == 0 else 20]
    notice = telling(kind, *several, total=len(several) + more, common=common)
    said = message(notice, audience(), at(8), buttons=buttons)
    assert said.text
    assert violations({"text": said.text, "blocks": list(said.blocks)}) == []
    for block in Block.parse_all(list(said.blocks)):
        block.validate_json()  # slack-sdk's own opinion
    assert not [text for text in (said.text, *_marked_up(list(said.blocks))) if "<!" in text]
    line = reply(notice, audience(), of=notice.total)
    assert line is None or line.text


def _marked_up(part: Any) -> list[str]:
    """The texts in which Slack looks for markup; in plain ones it does not."""
    if isinstance(part, dict):
        own = [part["text"]] if part.get("type") == "mrkdwn" else []
        return own + [text for value in part.values() for text in _marked_up(value)]
    return [text for each in part for text in _marked_up(each)] if isinstance(part, list) else []


def test_sides_that_say_nothing_are_left_out() -> None:
    bare = Life().hears(finding("opened", 1, local=Side(), calcom=Side())).alert
    said = message(telling(NoticeKind.OPENED, bare), audience(), at(8), buttons=False)
    assert not [block for block in said.blocks if "fields" in block]
