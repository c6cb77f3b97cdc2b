"""The alert API over a real store: filters, pages, actions, conflicts, tenants, problem documents."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from api.app import create_app
from api.health import KafkaCheck
from api.responses import AlertPage
from api.services import Services, services_of
from connectors.stack.stack import LocalStack
from streams.model.ids import alert_id
from streams.model.records import Evidence
from streams.model.rule import Rule
from streams.settings import Settings
from tests.alert_words import finding
from tests.integration.alerting import Ground, new_ground

pytestmark = pytest.mark.stack


class Api:
    """The API as a key's bearer sees it."""

    def __init__(self, client: httpx.AsyncClient, services: Services) -> None:
        self._client = client
        self.services = services

    async def ask(self, method: str, path: str, key: str | None = "key-of-ops", **more: Any) -> httpx.Response:
        headers = {**({"authorization": f"Bearer {key}"} if key else {}), **more.pop("headers", {})}
        return await self._client.request(method, path, headers=headers, **more)

    async def items(self, query: str, key: str = "key-of-ops") -> list[str]:
        """The subjects of one page."""
        answer = await self.ask("GET", f"/v1/alerts?{query}", key)
        assert answer.status_code == 200, answer.text
        return [item["subject"]["id"] for item in answer.json()["items"]]

    async def opened(self, subject: str, tenant: str = "3", **fields: Any) -> str:
        """The id of a new alert."""
        one = finding("opened", 1, subject=subject, tenant=tenant, **fields)
        await self.services.store.apply([one])
        return one.alert_id


@pytest.fixture(scope="module")
async def ground(stack: LocalStack) -> AsyncIterator[Ground]:
    async with new_ground(stack) as made:
        yield made


@pytest.fixture(scope="module")
async def api(ground: Ground) -> AsyncIterator[Api]:
    services = services_of(ground.settings)
    kafka = KafkaCheck(ground.settings)
    app = create_app(services, checks={"kafka": kafka})
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        yield Api(client, services)
    await kafka.close()


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(document)
    assert document["type"].startswith("urn:plumbline:")
    assert document["status"] == status
    return document


async def test_filters_narrow_and_combine(api: Api) -> None:
    await api.opened("f1", tenant="f")
    await api.opened("f2", tenant="f", rule=Rule.MISSING_DIRECTION)
    await api.opened("f3", tenant="g")
    assert await api.items("tenant=f") == ["f2", "f1"]
    assert await api.items("tenant=f&tenant=g&rule=orphaned_calcom") == ["f3", "f1"]
    assert await api.items("tenant=f&severity=warning") == ["f2"]
    assert await api.items("subject=booking:f3") == ["f3"]
    assert await api.items("tenant=f&status=resolved") == []
    assert await api.items("tenant=f&since=2999-01-01T00:00:00Z") == []


async def test_pages_do_not_shift_when_alerts_come_in_between(api: Api) -> None:
    subjects = [f"p{n}" for n in range(7)]
    for subject in subjects:
        await api.opened(subject, tenant="p")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = (await api.ask("GET", f"/v1/alerts?tenant=p&limit=3&cursor={cursor}".removesuffix("&cursor="))).json()
        seen += [item["subject"]["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        await api.opened(f"new{len(seen)}", tenant="p")
    assert seen == subjects[::-1]


async def test_a_full_last_page_says_that_it_is_the_last(api: Api) -> None:
    for subject in ("l1", "l2"):
        await api.opened(subject, tenant="l")
    assert (await api.ask("GET", "/v1/alerts?tenant=l&limit=2")).json()["next_cursor"] is None


async def test_actions_answer_with_the_whole_alert_and_leave_a_history(api: Api) -> None:
    path = f"/v1/alerts/{await api.opened('acted')}"
    steps: list[tuple[str, dict[str, Any] | None, str]] = [
        ("acknowledge", None, "acknowledged"),
        ("unacknowledge", {}, "open"),
        ("snooze", {"for_seconds": 60}, "snoozed"),
        ("snooze", {"until_changed": True}, "snoozed"),
        ("snooze", {"until_resolved": True}, "snoozed"),
        ("acknowledge", {"note": "mine"}, "acknowledged"),
        ("assign", {"assignee": "ben"}, "acknowledged"),
        ("resolve", {"resolution": "expected", "note": "a test"}, "resolved"),
        ("reopen", None, "acknowledged"),
        ("notes", {"text": "called"}, "acknowledged"),
        ("recheck", None, "acknowledged"),
    ]
    for action, body, status in steps:
        answer = await api.ask("POST", f"{path}/{action}", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == status
    history = (await api.ask("GET", f"{path}/history")).json()["items"]
    fields = {"at", "actor", "action", "from", "to", "note", "through"}
    assert [set(line) for line in history] == [fields] * len(history)
    assert [line["action"] for line in history][-3:] == ["reopened", "noted", "recheck_requested"]
    assert {line["actor"] for line in history[1:]} == {"ops"}
    notes = ["until it changes", "until it is resolved", "mine", "a test", "called"]
    assert [line["note"] for line in history if line["note"]] == notes


async def test_a_change_since_the_version_seen_is_a_conflict(api: Api) -> None:
    path = f"/v1/alerts/{await api.opened('seen')}"
    seen = (await api.ask("GET", path)).headers["etag"]
    assert (await api.ask("GET", path, headers={"if-none-match": seen})).status_code == 304
    first = await api.ask("POST", f"{path}/acknowledge", headers={"if-match": seen})
    assert first.status_code == 200
    assert first.headers["etag"] != seen
    is_problem(await api.ask("POST", f"{path}/unacknowledge", headers={"if-match": seen}), 412)
    is_problem(await api.ask("POST", f"{path}/unacknowledge", headers={"if-match": "nonsense"}), 412)
    assert (await api.ask("POST", f"{path}/unacknowledge", headers={"if-match": "*"})).status_code == 200


async def test_another_tenants_alert_does_not_exist(api: Api) -> None:
    theirs = await api.opened("theirs", tenant="3")
    for method, path in (
        ("GET", f"/v1/alerts/{theirs}"),
        ("GET", f"/v1/alerts/{theirs}/history"),
        ("GET", "/v1/bookings/theirs/consistency"),
    ):
        assert (await api.ask(method, path, "key-of-three")).status_code == 200
        is_problem(await api.ask(method, path, "key-of-nine"), 404)
    assert await api.items("tenant=3", "key-of-nine") == []
    assert await api.items("", "key-of-nine") == []


async def test_roles_decide_what_a_key_may_do(api: Api) -> None:
    path = f"/v1/alerts/{await api.opened('roles', tenant='9')}"
    is_problem(await api.ask("POST", f"{path}/acknowledge", "key-of-nine"), 403)
    is_problem(await api.ask("POST", f"{path}/acknowledge", "key-of-three"), 404)
    for key in (None, "", "wrong", "key-of-op", "wrong key with spaces"):
        answer = await api.ask("GET", path, key)
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_restricted_evidence_is_for_keys_of_all_tenants(api: Api) -> None:
    facts = (Evidence(source="database", what="foreign", restricted=True), Evidence(source="webhook", what="own"))
    path = f"/v1/alerts/{await api.opened('restricted', evidence=facts)}"
    assert len((await api.ask("GET", path)).json()["evidence"]) == 2
    assert [one["what"] for one in (await api.ask("GET", path, "key-of-three")).json()["evidence"]] == ["own"]
    listed = (await api.ask("GET", "/v1/alerts?subject=booking:restricted", "key-of-three")).json()["items"]
    assert [one["what"] for one in listed[0]["evidence"]] == ["own"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=closed", "status"),
        ("rule=none", "rule"),
        ("severity=bad", "severity"),
        ("subject=17", "subject"),
        ("subject=thing:17", "subject"),
        ("since=yesterday", "since"),
        ("since=2026-01-01T00:00:00", "since"),
        ("since=9999-12-31T23:59:59-14:00", "since"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=WyJhIiwiYiJd", "cursor"),
        ("tenant=%00", "tenant"),
        ("subject=booking:%00", "subject"),
    ],
)
async def test_bad_parameters_are_named_with_what_is_allowed(api: Api, query: str, field: str) -> None:
    problem = is_problem(await api.ask("GET", f"/v1/alerts?{query}"), 422)
    assert [set(error) for error in problem["errors"]] == [{"field", "value", "allowed"}]
    assert problem["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("snooze", {}),
        ("snooze", {"for_seconds": 0}),
        ("snooze", {"for_seconds": 60, "until": "2999-01-01T00:00:00Z"}),
        ("snooze", {"for_seconds": 60, "until_changed": True}),
        ("snooze", {"until_resolved": False}),
        ("snooze", {"until": "2001-01-01T00:00:00Z"}),
        ("snooze", {"until": "2999-01-01T00:00:00Z"}),
        ("resolve", {"resolution": "recovered"}),
        ("resolve", {}),
        ("assign", {}),
        ("assign", {"assignee": ""}),
        ("notes", {"text": ""}),
        ("notes", {"text": "a\x00b"}),
        ("notes", {"text": "x", "extra": 1}),
        ("acknowledge", [1]),
    ],
)
async def test_bad_bodies_are_refused_and_change_nothing(api: Api, action: str, body: Any) -> None:
    path = f"/v1/alerts/{await api.opened('bodies')}"
    is_problem(await api.ask("POST", f"{path}/{action}", json=body), 422)
    assert (await api.ask("GET", path)).json()["version"] == 1


async def test_every_error_is_a_problem_document(api: Api) -> None:
    is_problem(await api.ask("GET", "/nowhere"), 404)
    is_problem(await api.ask("DELETE", "/v1/alerts"), 405)
    is_problem(await api.ask("GET", f"/v1/alerts/{UUID(int=0)}"), 404)
    is_problem(await api.ask("GET", "/v1/alerts/no-id"), 404)
    is_problem(await api.ask("POST", f"/v1/alerts/{UUID(int=0)}/acknowledge"), 404)
    is_problem(await api.ask("GET", "/v1/bookings/never/consistency"), 404)
    resolved = f"/v1/alerts/{await api.opened('over')}"
    await api.ask("POST", f"{resolved}/resolve", json={"resolution": "manual"})
    is_problem(await api.ask("POST", f"{resolved}/acknowledge"), 409)


async def test_a_booking_with_an_alert_differs_before_its_verdict_is_there(api: Api) -> None:
    early = await api.opened("early")
    answer = (await api.ask("GET", "/v1/bookings/early/consistency")).json()
    assert (answer["verdict"], answer["alerts"]) == ("differ", [early])
    fields = {"uid", "tenant", "verdict", "reason", "as_of", "compared_through", "differences", "alerts"}
    assert set(answer) == fields


async def test_health_and_figures_need_no_key(api: Api) -> None:
    assert (await api.ask("GET", "/livez", None)).status_code == 200
    ready = await api.ask("GET", "/readyz", None)
    assert (ready.status_code, ready.json()["reasons"]) == (200, [])
    await api.opened("counted")
    text = (await api.ask("GET", "/metrics", None)).text
    assert 'data_inconsistency_detected_total{type="orphaned_calcom"}' in text
    assert 'plumbline_http_requests_total{method="GET",route="/livez",status="200"}' in text


async def test_the_document_names_every_route_with_summary_and_schema(api: Api) -> None:
    document = (await api.ask("GET", "/openapi.json", None)).json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert all(operation.get("summary") for operation in operations)
    assert {"Alert", "AlertPage", "History", "Consistency", "Problem"} <= set(document["components"]["schemas"])
    assert "/v1/alerts/{alert_id}/acknowledge" in document["paths"]
    [example] = document["components"]["schemas"]["AlertPage"]["examples"]
    assert msgspec.convert(example, AlertPage).items[0].id == alert_id("orphaned_local", "1", "appointment", "17")


async def test_without_store_or_broker_it_says_so_and_stays_up() -> None:
    settings = Settings.model_validate(
        {
            "kafka": {"bootstrap_servers": "127.0.0.1:1"},
            "store": {"dsn": "postgresql://nobody@127.0.0.1:1/none"},
            "api_keys": [{"name": "ops", "key": "key-of-ops", "role": "admin", "tenants": ["*"]}],
        }
    )
    services = services_of(settings)
    kafka = KafkaCheck(settings)
    app = create_app(services, checks={"kafka": kafka})
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        api = Api(client, services)
        ready = await api.ask("GET", "/readyz", None)
        assert ready.status_code == 503
        assert [reason.split(":")[0] for reason in ready.json()["reasons"]] == ["kafka", "migrations", "store"]
        is_problem(await api.ask("GET", "/v1/alerts"), 503)
        assert "plumbline_store_up 0.0" in (await api.ask("GET", "/metrics", None)).text
    await kafka.close()
