"""Coverage over a real store: each tenant sees how far it is compared, and nothing of another."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from api.app import create_app
from api.coverage_answers import CircuitBreakers, CoveragePage
from api.services import services_of
from connectors.stack.stack import LocalStack
from connectors.store.findings_consumer import FindingsConsumer
from connectors.store.standings import standings_of
from streams.model.records import Subject, Verdict
from streams.model.rule import Rule, SubjectKind
from streams.model.source_records import MatchedShare, TenantStanding
from streams.settings import Settings
from streams.settings_sections import AccountSettings
from streams.topics import Topic
from tests.alert_words import finding
from tests.integration.alerting import Ground, iso_minutes, new_ground, running
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

ACCOUNTS = (
    {"name": "harbor", "tenant": "3", "api_key": "cal_live_shared"},
    {"name": "mole", "tenant": "3", "api_key": "cal_live_shared"},
    {"name": "quay", "tenant": "9", "api_key": "cal_live_quay"},
)


def standing(tenant: str, at: float, **more: Any) -> TenantStanding:
    return TenantStanding(
        tenant=tenant, at=iso_minutes(at), compared_through=iso_minutes(at), **{"lag_wait_ms": 2_000, **more}
    )


@pytest.fixture(scope="module")
async def ground(stack: LocalStack) -> AsyncIterator[Ground]:
    async with new_ground(stack) as made:
        yield made


@pytest.fixture(scope="module")
def settings(ground: Ground) -> Settings:
    accounts = tuple(AccountSettings.model_validate(account) for account in ACCOUNTS)
    return ground.settings.model_copy(update={"accounts": accounts})


@pytest.fixture(scope="module")
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(services_of(settings))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as made,
    ):
        yield made


async def ask(client: httpx.AsyncClient, path: str, key: str = "ops") -> dict[str, Any]:
    answer = await client.get(path, headers={"authorization": f"Bearer key-of-{key}"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def told(ground: Ground, *standings: TenantStanding) -> None:
    """On the topic, and in the store."""
    async with running(FindingsConsumer(ground.settings, ground.database, ground.store).run):
        for one in standings:
            await ground.send(Topic.VERDICTS, one)

        async def kept() -> bool:
            async with ground.database.connection() as connection:
                found = {one.tenant: one for one in await standings_of(connection, None, after="", limit=100)}
            return all(one.tenant in found and found[one.tenant].at >= one.at for one in standings)

        await until(kept)


async def source(ground: Ground, name: str, state: str, heard: float | None, tenants: list[str], why: str = "") -> None:
    await ground.query(
        "INSERT INTO source_states (source, state, heard_through, standing) VALUES ($1, $2, $3::text::timestamptz, $4)"
        " ON CONFLICT (source) DO UPDATE SET state = EXCLUDED.state, heard_through = EXCLUDED.heard_through",
        name,
        state,
        None if heard is None else iso_minutes(heard),
        msgspec.json.encode({"since": 1_790_000_000_000, "why": why, "tenants": tenants}).decode(),
    )


async def test_the_newest_standing_is_kept_whatever_is_replayed(ground: Ground) -> None:
    await told(ground, standing("3", 5, open=2), standing("9", 5), standing("3", 4, open=7), standing("9", 6))
    async with ground.database.connection() as connection:
        three, nine = await standings_of(connection, ("3", "9"), after="", limit=10)
    assert (three.open, nine.at) == (2, iso_minutes(6))


async def test_a_tenant_is_told_how_far_each_side_is_compared(ground: Ground, client: httpx.AsyncClient) -> None:
    share = MatchedShare(kind="event_type", id="77", total=12, matched=0, out=True)
    await told(
        ground,
        standing("3", 10, suspected=1, sync_p50_ms=800, sync_p999_ms=6_200, sync_samples=40, shares=(share,)),
    )
    await source(ground, "database", "stalled", 7, ["*"], why="no heartbeat for 15 s")
    await source(ground, "calcom:harbor", "live", 9, ["3"])
    await source(ground, "calcom:mole", "live", 8, ["3"])
    await source(ground, "calcom:quay", "live", 9, ["9"])
    await ground.query(
        "INSERT INTO sweep_coverage VALUES ('calcom', '3', 'window', now(), now(), now(), now()),"
        " ('calcom', '9', 'full', now(), now(), now(), now())"
    )
    [mine] = (await ask(client, "/v1/coverage", "three"))["items"]
    assert (mine["tenant"], mine["compared_through"]) == ("3", iso_minutes(10))
    database, calcom = mine["sides"]
    assert (database["side"], database["compared_through"]) == ("database", iso_minutes(7))
    assert (calcom["side"], calcom["compared_through"]) == ("calcom", iso_minutes(8))
    assert [one["kind"] for one in calcom["passes"]] == ["window"]
    assert {one["source"]: (one["state"], one["why"]) for one in mine["sources"]} == {
        "database": ("stalled", "no heartbeat for 15 s"),
        "calcom:harbor": ("live", ""),
        "calcom:mole": ("live", ""),
    }
    assert mine["sync_seconds"] == {"p50": 0.8, "p999": 6.2, "samples": 40}
    assert mine["shares"] == [{"kind": "event_type", "id": "77", "total": 12, "matched": 0, "out": True}]


async def test_other_tenants_are_not_in_a_tenants_coverage(ground: Ground, client: httpx.AsyncClient) -> None:
    await ground.query("INSERT INTO unmapped_event_types (account, event_type) VALUES ('quay', '4711')")
    all_of_it = await ask(client, "/v1/coverage")
    assert [one["tenant"] for one in all_of_it["items"]] == ["3", "9"]
    assert [one["event_type"] for one in all_of_it["items"][1]["unmapped_event_types"]] == ["4711"]
    nine = await ask(client, "/v1/coverage?tenant=3&tenant=9", "nine")
    assert [one["tenant"] for one in nine["items"]] == ["9"]
    assert nine["items"][0]["unmapped_event_types"] == []
    for word in ('"3"', "harbor", "mole"):
        assert word not in msgspec.json.encode(nine).decode()
    first = await ask(client, "/v1/coverage?limit=1")
    second = await ask(client, f"/v1/coverage?limit=1&cursor={first['next_cursor']}")
    assert [page["items"][0]["tenant"] for page in (first, second)] == ["3", "9"]
    assert second["next_cursor"] is None


async def test_a_gap_is_told_while_it_lasts_and_after_it_ended(ground: Ground, client: httpx.AsyncClient) -> None:
    gone = {"rule": Rule.COVERAGE_GAP, "tenant": "*", "booking_uid": None}
    about = Subject(kind=SubjectKind.SOURCE, id="calcom:harbor")
    begun, over = (
        msgspec.structs.replace(finding(*what, **gone), subject=about) for what in (("opened", 1), ("resolved", 2))
    )
    await ground.store.apply([begun])
    [gap] = (await ask(client, "/v1/coverage", "three"))["items"][0]["gaps"]
    assert (gap["source"], gap["ended_at"]) == ("calcom:harbor", None)
    assert (await ask(client, "/v1/coverage", "nine"))["items"][0]["gaps"] == []
    await ground.store.apply([over])
    [gap] = (await ask(client, "/v1/coverage", "three"))["items"][0]["gaps"]
    assert gap["began_at"] <= gap["ended_at"]


async def test_what_waits_is_counted_with_the_quota_left_and_the_time_it_takes(
    ground: Ground, client: httpx.AsyncClient
) -> None:
    await ground.query(
        "INSERT INTO verification_queue (request_id, tenant, subject, priority, question)"
        " SELECT 'r' || n, '3', 'booking:' || n, CASE WHEN n > 145 THEN 2 ELSE 0 END, '{}'"
        " FROM generate_series(1, 150) AS n"
    )
    await ground.query(
        "INSERT INTO calcom_quotas (key_digest, accounts, requests_per_minute, urgent_per_minute, sent, answered)"
        " VALUES ('k', '{harbor,mole}', 60, 15,"
        "         ARRAY(SELECT now() - make_interval(secs => n) FROM generate_series(21, 80) AS n), 0)"
    )
    three = (await ask(client, "/v1/coverage", "three"))["items"][0]["verification"]
    assert three["waiting"] == {"proof": 145, "settle": 5, "reread": 0}
    [quota] = three["quotas"]
    assert (quota["accounts"], quota["requests_per_minute"]) == (["harbor", "mole"], 60)
    assert 20 <= quota["left"] <= 22  # those sent more than a minute ago count no longer
    # 145 bookings at two accounts, 45 requests a minute for what is not urgent.
    assert 360 < three["full_proof_seconds"] < 387
    assert (await ask(client, "/v1/coverage", "nine"))["items"][0]["verification"]["quotas"] == []


async def test_breakers_are_told_to_whom_they_concern(ground: Ground, client: httpx.AsyncClient) -> None:
    await ground.query(
        "INSERT INTO circuit_breaker_states (circuit_key, state, failure_count, opened_at, last_failure_at,"
        " next_probe_at, opens, state_changes, fast_fails, recoveries, recovery_seconds)"
        " VALUES ('calcom:harbor', 'open', 6, now() - interval '1 min', now(), now() + interval '20 s', 2, 7, 40,"
        " '{0,0,0,0,1,0,0,0,0,0,0,0,0}', 18)"
    )
    harbor, mole, quay = (await ask(client, "/v1/circuit-breakers"))["items"]
    assert (harbor["service"], harbor["state"], harbor["failures"]) == ("calcom:harbor", "open", 6)
    assert harbor["since"] < harbor["last_failure_at"] < harbor["next_probe_at"]
    assert (mole["state"], mole["since"], quay["account"]) == ("closed", None, "quay")
    assert [one["account"] for one in (await ask(client, "/v1/circuit-breakers", "nine"))["items"]] == ["quay"]
    three = (await ask(client, "/v1/coverage", "three"))["items"][0]["verification"]
    assert three["full_proof_seconds"] is None  # until Cal.com answers again


async def test_the_figures_say_the_same(client: httpx.AsyncClient) -> None:
    text = (await client.get("/metrics")).text
    for line in (
        'circuit_breaker_state{service="calcom:harbor",state="open"} 1.0',
        'circuit_breaker_open_total{service="calcom:harbor"} 2.0',
        'circuit_breaker_state_changes_total{service="calcom:harbor"} 7.0',
        'circuit_breaker_fast_fail_total{service="calcom:harbor"} 40.0',
        'circuit_breaker_recovery_time_seconds_bucket{le="10",service="calcom:harbor"} 0.0',
        'circuit_breaker_recovery_time_seconds_bucket{le="20",service="calcom:harbor"} 1.0',
        'circuit_breaker_recovery_time_seconds_sum{service="calcom:harbor"} 18.0',
        'plumbline_suspected{tenant="3"} 1.0',
        'plumbline_questions_waiting{purpose="proof"} 145.0',
    ):
        assert line in text
    assert 'plumbline_compared_through_seconds{tenant="9"}' in text
    assert 'plumbline_quota_left{accounts="harbor,mole"}' in text


async def test_a_booking_agrees_as_far_as_its_tenant_is_compared(ground: Ground, client: httpx.AsyncClient) -> None:
    verdict = Verdict(
        tenant="3",
        subject=Subject(kind=SubjectKind.BOOKING, id="4fQ"),
        verdict="agree",
        reason="in_sync",
        as_of=iso_minutes(1),
        compared_through=iso_minutes(1),
    )
    await ground.send(Topic.VERDICTS, verdict)
    await told(ground, standing("3", 20))
    path = "/v1/bookings/4fQ/consistency"
    assert (await ask(client, path))["compared_through"] == iso_minutes(20)
    # What is heard of a source that is held back ends where it fell silent.
    await told(ground, standing("3", 21, held_back_by=("database",)))
    assert (await ask(client, path))["compared_through"] == iso_minutes(7)
    await source(ground, "database", "stalled", None, ["*"])
    assert (await ask(client, path))["compared_through"] == iso_minutes(1)
    unknown = msgspec.structs.replace(verdict, verdict="unknown", reason="held_back:database", as_of=iso_minutes(22))
    await ground.send(Topic.VERDICTS, unknown)
    await told(ground, standing("3", 22, held_back_by=("database",)))
    answer = await ask(client, path)
    assert (answer["verdict"], answer["reason"]) == ("unknown", "held_back:database")


async def test_the_document_shows_what_is_answered(client: httpx.AsyncClient) -> None:
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    for struct in (CoveragePage, CircuitBreakers):
        [example] = schemas[struct.__name__]["examples"]
        assert msgspec.convert(example, struct)
