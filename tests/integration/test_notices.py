"""Who is told what on the real stack: many findings, a channel that is down, a process that dies, silences, repeats."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from api.app import create_app
from api.services import services_of
from connectors.notify.channel import Delivered, Outcome, Pace, Telling
from connectors.notify.speaker import Speaker, way_of
from connectors.stack.stack import LocalStack
from connectors.store.alerts import AlertStore
from connectors.store.notices import StoredNotices
from connectors.store.rows import alert_of
from streams.alerts.actions import Acknowledge
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, Reason
from streams.model.ids import Instant, iso
from streams.model.rule import Rule
from streams.notices.claim import Claim
from streams.notices.planning import Policy, Way
from streams.notices.routing import Route
from tests.alert_words import finding
from tests.integration.alerting import Ground, new_ground, running
from tests.integration.speaking import ALONE, webhook
from tests.integration.telling import (
    all_decided,
    first_notices,
    flood,
    kills,
    notifying,
    outage,
    p95,
    slack,
    story,
)
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

HOUR_MS = 3_600_000


class Notebook:
    """A channel that writes down what it is told."""

    def __init__(self, name: str = "slack", pace: Pace = "grouped") -> None:
        self.name = name
        self.pace: Pace = pace
        self.kinds = frozenset(NoticeKind)
        self.told: list[Telling] = []

    async def tell(self, telling: Telling) -> Outcome:
        """Write it down."""
        self.told.append(telling)
        return Delivered(f"{self.name}/{len(self.told)}")

    async def close(self) -> None:
        """Nothing to let go of."""

    def said(self, subject: str) -> list[str]:
        """The kinds of what was told of one subject, alone."""
        return [one.kind.value for one in self.told if [alert.subject.id for alert in one.alerts] == [subject]]


@pytest.fixture
async def ground(stack: LocalStack) -> AsyncIterator[Ground]:
    async with new_ground(stack) as made:
        yield made


async def test_two_hundred_findings_of_one_cause_are_three_messages_and_two_hundred_alerts(ground: Ground) -> None:
    async with slack() as (receiver, url), notifying(ground, [webhook(url)]):
        await flood(ground, 200, 1.0)
        await all_decided(ground, 200)
        assert len(receiver.messages) <= 5
    told = await story(ground)
    assert told.messages == len(receiver.messages)
    assert told.states == {"sent": 2, "sent grouped": 198}
    async with api(ground) as client:
        page = await client.get("/v1/alerts?limit=200", headers=bearer("ops"))
        assert len(page.json()["items"]) == 200


async def test_what_many_have_in_common_is_said_and_so_is_their_message_later(ground: Ground) -> None:
    notebook, ground.store = Notebook(), AlertStore(ground.database, account_of=lambda _: "harbor")
    async with notifying(ground, [notebook]):
        await flood(ground, 5, 0.1)
        await until(lambda: len(notebook.told) == 3)
        group = notebook.told[2]
        assert (group.kind, group.together, group.total, group.standing) == (NoticeKind.OPENED, Reason.GROUPED, 3, 3)
        common = group.common
        assert (common.rule, common.tenant, common.account) == (Rule.ORPHANED_CALCOM, "3", "harbor")
        assert (common.event_type, common.since) == ("4773493", group.alerts[0].opened_at)
        assert (group.by_rule, group.by_tenant) == ({Rule.ORPHANED_CALCOM: 3}, {"3": 3})
        known = group.alerts[0]
        await ground.store.act(known.id, Acknowledge(), actor="ana", tenants=None, versions=None)
        await until(lambda: len(notebook.told) == 4)
    edit = notebook.told[3]
    assert (edit.kind, edit.message, edit.total) == (NoticeKind.CHANGED, "slack/3", 3), "the whole group is edited"
    assert {alert.id for alert in edit.alerts} == {alert.id for alert in group.alerts}


async def test_the_first_notice_comes_within_a_second(ground: Ground) -> None:
    async with slack() as (receiver, url), notifying(ground, [webhook(url)], lease=ALONE):
        waits = await first_notices(ground, receiver, 20)
    assert p95(waits[1:]) <= 1.0, waits  # the first one waits for the consumer to join


async def test_slack_down_for_a_while_loses_nothing_and_tells_nothing_twice(ground: Ground) -> None:
    async with slack() as (receiver, url), notifying(ground, [webhook(url)]):
        opened, ended = await outage(ground, receiver, 10)
        await all_decided(ground, opened + ended)
        told, ends = await story(ground), await story(ground, "resolved")
        assert len(receiver.messages) == told.messages
    assert sum(count for state, count in told.states.items() if state.startswith("sent")) == opened - ended
    assert told.states["skipped over_before_told"] == ended
    assert ends.states == {"skipped never_told": ended}


async def test_a_process_killed_between_send_and_record_tells_one_message_more_and_loses_none(ground: Ground) -> None:
    async with slack() as (receiver, url):
        messages = await kills(ground, receiver, url, 2)
    assert 2 <= messages <= 4
    assert (await story(ground)).states == {"sent": 2}


async def test_what_is_critical_is_repeated_and_goes_to_others_until_somebody_knows(ground: Ground) -> None:
    team, boss = Notebook(), Notebook("slack:#boss")
    policy = Policy(
        routes=(Route(channels=frozenset({"slack"})),),
        repeat_ms=1_000,
        escalate_after_ms=500,
        escalate_to=frozenset({"slack:#boss"}),
    )
    async with notifying(ground, [team, boss], policy, ALONE):
        await ground.store.apply([finding("opened", 1)])
        await until(lambda: boss.said("4fQ")[:1] == ["escalated"], 40)
        await until(lambda: "repeated" in team.said("4fQ"), 40)
        assert team.told[1].turn == 1
        [alert] = team.told[0].alerts
        await ground.store.act(alert.id, Acknowledge(), actor="ana", tenants=None, versions=None)
        await until(lambda: team.said("4fQ")[-1] == "changed")
        await ground.store.apply([finding("resolved", 5, proved=1)])
        await until(lambda: "resolved" in team.said("4fQ"))
        await until(lambda: "resolved" in boss.said("4fQ"))
    not_routed = await ground.query("SELECT reason FROM notices WHERE channel = 'slack:#boss' AND kind = 'opened'")
    assert [row["reason"] for row in not_routed] == ["not_routed"]


async def test_a_digest_is_one_message_of_all_that_was_and_is(ground: Ground) -> None:
    log, way = StoredNotices(ground.database, Policy()), Way(name="mail", pace="digest", kinds=frozenset(NoticeKind))
    now = Instant(int(time.time() * 1000))
    await ground.store.apply([finding("opened", 1, subject=f"d{number}") for number in range(3)])
    await ground.store.apply([finding("resolved", 5, proved=1, subject="d0")])
    assert await log.plan(await published(ground), [way], Instant(now - 4 * HOUR_MS)) == 4
    digest = await log.claim(way, now)
    assert isinstance(digest, Claim)
    assert (digest.together, digest.total, digest.standing) == (Reason.DIGEST, 3, 2)
    assert [alert.subject.id for alert in digest.alerts][-1] == "d0", "what is over stands last"
    await log.sent(digest.telling, None)
    await log.plan(await published(ground), [way], now)
    assert await log.claim(way, now) is None


async def test_two_processes_speak_through_one_channel_and_say_nothing_both(ground: Ground) -> None:
    one, other = Notebook(), Notebook()
    log = StoredNotices(ground.database, Policy(), lease=ALONE)
    await ground.store.apply([finding("opened", 1, subject=f"two{number}") for number in range(30)])
    await log.plan(await published(ground), [way_of(one)], Instant(0))
    async with running(Speaker(log, one).run, Speaker(log, other).run):
        await all_decided(ground, 30)
    told = [telling.alerts[0].id for telling in (*one.told, *other.told)]
    assert len(told) == len(set(told)) == 30


async def test_a_silence_keeps_back_what_it_fits_until_it_ends_and_an_end_comes_through(ground: Ground) -> None:
    notebook = Notebook()
    soon = iso(int(time.time() * 1000) + HOUR_MS)
    wanted = {"tenants": ["3"], "rules": ["orphaned_calcom"], "ends_at": soon, "comment": "moving"}
    async with notifying(ground, [notebook], lease=ALONE), api(ground) as client:
        await ground.store.apply([finding("opened", 1, subject="told")])
        await until(lambda: notebook.said("told") == ["opened"])
        preview = await client.post("/v1/silences", json={**wanted, "preview": True}, headers=bearer("three"))
        assert preview.json() == {"fits": 1, "silence": None}
        made = (await client.post("/v1/silences", json=wanted, headers=bearer("three"))).json()["silence"]
        assert (made["state"], made["author"]) == ("holds", "three")
        kept_back, other = finding("opened", 1, subject="kept"), finding("opened", 1, subject="other", tenant="9")
        await ground.store.apply([kept_back, other, finding("resolved", 5, proved=1, subject="told")])
        await until(lambda: notebook.said("other") == ["opened"] and notebook.said("told") == ["opened", "resolved"])
        log = await client.get(f"/v1/alerts/{kept_back.alert_id}/notices", headers=bearer("three"))
        [line] = log.json()["items"]
        assert (line["channel"], line["state"], line["reason"]) == ("slack", "held", "silenced")
        ended = await client.post(f"/v1/silences/{made['id']}/end", headers=bearer("three"))
        assert ended.json()["ended_by"] == "three"
        await until(lambda: notebook.said("kept") == ["opened"])
        await sees_its_own_alone(client, made["id"])


async def sees_its_own_alone(client: httpx.AsyncClient, silence: str) -> None:
    """A key of another tenant knows neither the silence nor the log, and makes none for others."""
    listed = await client.get("/v1/silences?ended=true", headers=bearer("nine"))
    assert listed.json() == {"items": []}
    assert len((await client.get("/v1/silences?ended=true", headers=bearer("ops"))).json()["items"]) == 1
    tenants = {line["tenant"] for line in (await client.get("/v1/notices", headers=bearer("nine"))).json()["items"]}
    assert tenants == {"9"}
    page = (await client.get("/v1/notices?limit=2&state=sent", headers=bearer("three"))).json()
    rest = (await client.get(f"/v1/notices?cursor={page['next_cursor']}", headers=bearer("three"))).json()
    assert len(page["items"]) == 2
    assert {line["tenant"] for line in rest["items"]} == {"3"}
    assert (await client.post(f"/v1/silences/{silence}/end", headers=bearer("nine"))).status_code == 403
    later = iso(int(time.time() * 1000) + 91 * 24 * HOUR_MS)
    for body, field in (
        ({"tenants": ["9"], "ends_at": later, "comment": "c"}, "tenants"),
        ({"ends_at": later, "comment": "c"}, "allowed is at least one of"),
        ({"rules": ["status_drift"], "ends_at": later, "comment": "c"}, "ends_at"),
        ({"rules": ["status_drift"], "ends_at": "2026-01-01T00:00:00Z", "comment": "c"}, "ends_at"),
    ):
        refused = await client.post("/v1/silences", json=body, headers=bearer("three"))
        assert refused.status_code == 422
        assert field in refused.text


async def test_figures_tell_how_long_the_oldest_notice_waits(ground: Ground) -> None:
    log, way = StoredNotices(ground.database, Policy()), Way(name="slack", pace="grouped", kinds=frozenset(NoticeKind))
    await ground.store.apply([finding("opened", 1)])
    await log.plan(await published(ground), [way], Instant(0))
    async with api(ground) as client:
        text = (await client.get("/metrics")).text
    assert 'plumbline_notices{channel="slack",reason="",state="pending"} 1.0' in text
    assert 'plumbline_notice_oldest_seconds{channel="slack"}' in text


def api(ground: Ground) -> httpx.AsyncClient:
    """The API in this process."""
    app = create_app(services_of(ground.settings))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api")


def bearer(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer key-of-{name}"}


async def published(ground: Ground) -> list[tuple[Alert, str | None]]:
    """The changes that the store would publish, in their order."""
    rows = await ground.query("SELECT action, alert FROM outbox ORDER BY id")
    return [(alert_of(row["alert"]), row["action"]) for row in rows]
