"""The audit: a line for every write, read by those whom it concerns."""

from collections.abc import AsyncIterator

import httpx
import pytest

from connectors.stack.stack import LocalStack
from tests.integration.storing import StoredApi, keyed, new_store, stored_api

pytestmark = pytest.mark.stack

NOTE = {"text": "called the branch"}


@pytest.fixture(scope="module")
async def api(postgres: LocalStack) -> AsyncIterator[StoredApi]:
    async with stored_api(await new_store(postgres)) as made:
        yield made


async def test_every_write_leaves_a_line_refused_ones_too(api: StoredApi) -> None:
    path = await api.opened("audited")
    await api.ask("POST", f"{path}/acknowledge", "rota", headers=keyed("audit-1", **{"x-request-id": "from-rota"}))
    await api.ask("POST", f"{path}/acknowledge", "rota", headers={"if-match": '"99"'})
    await api.ask("POST", f"{path}/notes", "rota", json={})
    await api.ask("POST", f"{path}/acknowledge", "nine")
    await api.ask("POST", f"{path}/acknowledge", "guest")
    lines = await api.audited(path)
    assert [(line["actor"], line["status"], line["tenant"]) for line in lines] == [
        ("rota", 200, "3"),
        ("rota", 412, None),
        ("rota", 422, None),
        ("nine", 404, None),
        ("guest", 403, None),
    ]
    first = lines[0]
    assert first.pop("at").endswith("Z")
    assert first == {
        "through": "api",
        "actor": "rota",
        "role": "operator",
        "method": "POST",
        "route": "/v1/alerts/{alert_id}/acknowledge",
        "object_id": path[-36:],
        "tenant": "3",
        "status": 200,
        "idempotency_key": "audit-1",
        "request_id": "from-rota",
    }


async def test_reading_leaves_no_line_and_a_replay_neither(api: StoredApi) -> None:
    path = await api.opened("read")
    for _ in range(2):
        await api.ask("GET", path)
        await api.ask("POST", f"{path}/notes", json=NOTE, headers=keyed("replayed"))
    assert len(await api.audited(path)) == 1


async def test_administrators_read_what_concerns_their_tenants(api: StoredApi) -> None:
    path = await api.opened("isolated")
    await api.ask("POST", f"{path}/notes", "ops", json=NOTE)
    await api.ask("POST", f"{path}/notes", "nine", json=NOTE)  # 404: what they tried is theirs
    assert [line["actor"] for line in await api.audited(path, "ops")] == ["ops", "nine"]
    assert [line["actor"] for line in await api.audited(path, "three")] == ["ops"]
    assert [line["actor"] for line in await api.audited(path, "nine")] == ["nine"]
    for key in ("rota", "guest"):
        assert (await api.ask("GET", "/v1/audit", key)).status_code == 403


async def test_pages_of_the_audit_do_not_shift_while_people_write(api: StoredApi) -> None:
    path = await api.opened("paged")
    for number in range(5):
        await api.ask("POST", f"{path}/notes", json={"text": str(number)}, headers={"x-request-id": f"r{number}"})
    seen: list[str] = []
    cursor: str | None = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        query = httpx.QueryParams({"object_id": path[-36:], "limit": 2, **more})
        page = (await api.ask("GET", f"/v1/audit?{query}")).json()
        seen += [line["request_id"] for line in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await api.ask("POST", f"{path}/notes", json=NOTE)
    assert seen == ["r4", "r3", "r2", "r1", "r0"]
