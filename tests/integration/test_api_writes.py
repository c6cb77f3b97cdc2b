"""A write through the API: its effect, its line in the audit and its kept answer are all there, or none of them."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from api.services import Services
from api.writes import Writes
from connectors.stack.stack import LocalStack
from connectors.store.idempotency import KeptAnswer, Ticket, keep_answer, prune_answers, take_turn
from connectors.store.pruning import prune
from tests.integration.storing import StoredApi, keyed, new_store, stored_api
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

NOTE = {"text": "called the branch"}
TURNS_TAKEN = """
SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def crashing(services: Services) -> list[APIRouter]:
    """A route that writes and then fails in a way that nobody expected."""
    router = APIRouter()

    @router.post("/v1/crash")
    async def crash() -> None:
        async with services.database.transaction() as connection:
            await connection.execute("INSERT INTO restatements (tenant, at) VALUES ('crashed', now())")
        raise LookupError("a secret of the inside")

    return [router]


@pytest.fixture(scope="module")
async def api(postgres: LocalStack) -> AsyncIterator[StoredApi]:
    async with stored_api(await new_store(postgres), crashing) as made:
        yield made


async def noted(api: StoredApi, path: str) -> int:
    """How many notes the alert's history has."""
    history = (await api.ask("GET", f"{path}/history")).json()["items"]
    return [line["action"] for line in history].count("noted")


async def test_the_same_request_with_the_same_key_is_answered_again_and_done_once(api: StoredApi) -> None:
    path = await api.opened("again")
    seen = (await api.ask("GET", path)).headers["etag"]
    first, second = [
        await api.ask("POST", f"{path}/notes", json=NOTE, headers=keyed("k1", **{"if-match": seen})) for _ in range(2)
    ]
    assert (first.status_code, second.status_code) == (200, 200)
    assert (second.content, second.headers["etag"]) == (first.content, first.headers["etag"])
    assert second.headers["content-type"] == first.headers["content-type"]
    assert (first.headers.get("idempotent-replayed"), second.headers["idempotent-replayed"]) == (None, "true")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert await noted(api, path) == 1


async def test_a_new_key_is_a_new_request(api: StoredApi) -> None:
    path = await api.opened("twice")
    for key in ("a", "b"):
        await api.ask("POST", f"{path}/notes", json=NOTE, headers=keyed(key))
    await api.ask("POST", f"{path}/notes", json=NOTE)
    assert await noted(api, path) == 3


async def test_a_key_used_for_something_else_is_refused(api: StoredApi) -> None:
    path = await api.opened("else")
    await api.ask("POST", f"{path}/notes", json=NOTE, headers=keyed("once"))
    answer = await api.ask("POST", f"{path}/notes", json={"text": "another"}, headers=keyed("once"))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:plumbline:idempotency-key-reused")
    assert await noted(api, path) == 1


async def test_a_key_belongs_to_one_bearer_and_one_path(api: StoredApi) -> None:
    path, other = await api.opened("mine"), await api.opened("other")
    for bearer, where in (("ops", path), ("rota", path), ("ops", other)):
        answer = await api.ask("POST", f"{where}/notes", bearer, json=NOTE, headers=keyed("shared"))
        assert "idempotent-replayed" not in answer.headers
    assert (await noted(api, path), await noted(api, other)) == (2, 1)


async def test_a_refusal_is_an_answer_too(api: StoredApi) -> None:
    path = await api.opened("refused")
    await api.ask("POST", f"{path}/resolve", json={"resolution": "manual"})
    first = await api.ask("POST", f"{path}/acknowledge", headers=keyed("late"))
    await api.ask("POST", f"{path}/reopen")
    again = await api.ask("POST", f"{path}/acknowledge", headers=keyed("late"))
    assert (first.status_code, again.status_code) == (409, 409)
    assert again.json() == first.json()
    assert again.headers["content-type"] == "application/problem+json"


async def test_of_many_at_once_one_acts_and_the_others_are_told_to_wait(api: StoredApi) -> None:
    path = await api.opened("race")
    tries = [api.ask("POST", f"{path}/notes", json=NOTE, headers=keyed("race")) for _ in range(8)]
    answers = await asyncio.gather(*tries)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert sum(answer.status_code == 200 and "idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 409)
    assert await noted(api, path) == 1


async def test_while_the_first_is_under_way_the_second_is_told_so(api: StoredApi) -> None:
    path = await api.opened("slow")
    async with api.services.database.transaction() as connection:
        # The first: it has acted on the alert's row, and is not done.
        await connection.fetch("SELECT id FROM data_consistency_alerts WHERE id = $1 FOR UPDATE", path[-36:])
        first = asyncio.ensure_future(api.ask("POST", f"{path}/notes", json=NOTE, headers=keyed("slow")))
        await until(lambda: api.query(TURNS_TAKEN))
        second = await api.ask("POST", f"{path}/notes", json=NOTE, headers=keyed("slow"))
        assert (second.status_code, second.json()["type"]) == (409, "urn:plumbline:request-under-way")
    assert (await first).status_code == 200
    assert await noted(api, path) == 1


async def test_what_failed_here_leaves_nothing_and_is_done_by_the_next_try(api: StoredApi) -> None:
    path = await api.opened("failing")
    await api.query("ALTER TABLE outbox RENAME TO outbox_away")
    try:
        failed = await api.ask("POST", f"{path}/notes", json=NOTE, headers=keyed("retried"))
    finally:
        await api.query("ALTER TABLE outbox_away RENAME TO outbox")
    assert failed.status_code == 503
    assert await noted(api, path) == 0
    done = await api.ask("POST", f"{path}/notes", json=NOTE, headers=keyed("retried"))
    assert (done.status_code, done.headers.get("idempotent-replayed")) == (200, None)
    assert [line["status"] for line in await api.audited(path)] == [503, 200]


async def test_a_fault_of_ours_takes_back_what_was_done_and_tells_nothing_of_the_inside(api: StoredApi) -> None:
    answer = await api.ask("POST", "/v1/crash", headers=keyed("crash", **{"x-request-id": "crash-1"}))
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert (answer.json()["request_id"], answer.headers["x-request-id"]) == ("crash-1", "crash-1")
    assert "secret" not in answer.text
    assert "LookupError" not in answer.text
    assert await api.query("SELECT 1 FROM restatements WHERE tenant = 'crashed'") == []
    [line] = (await api.ask("GET", "/v1/audit?actor=ops&limit=1")).json()["items"]
    assert (line["route"], line["status"], line["request_id"]) == ("/v1/crash", 500, "crash-1")


async def test_without_room_for_the_audit_nothing_is_done(api: StoredApi) -> None:
    path = await api.opened("unaudited")
    await api.query("ALTER TABLE audit_log RENAME TO audit_away")
    try:
        answer = await api.ask("POST", f"{path}/notes", json=NOTE)
    finally:
        await api.query("ALTER TABLE audit_away RENAME TO audit_log")
    assert answer.status_code == 503
    assert await noted(api, path) == 0


#: A process that acts under a key and says so, then waits to be killed before it commits.
DYING = """
import asyncio, sys
from connectors.store.database import Database
from connectors.store.idempotency import KeptAnswer, Ticket, keep_answer, take_turn

async def act():
    async with Database(sys.argv[1]).transaction() as connection:
        ticket = Ticket(id=b"dying" * 4, request=b"r")
        assert await take_turn(connection, ticket) is None
        await connection.execute("INSERT INTO restatements (tenant, at) VALUES ('dying', now())")
        await keep_answer(connection, ticket, KeptAnswer(status=200, headers={}, body=b""))
        print("acted", flush=True)
        await asyncio.Event().wait()

asyncio.run(act())
"""


async def test_a_process_that_dies_before_its_commit_has_done_nothing_and_blocks_nobody(api: StoredApi) -> None:
    dsn = api.services.database.dsn
    dying = await asyncio.create_subprocess_exec(sys.executable, "-c", DYING, dsn, stdout=asyncio.subprocess.PIPE)
    assert dying.stdout is not None
    assert await dying.stdout.readline() == b"acted\n"
    dying.kill()
    await dying.wait()
    ticket = Ticket(id=b"dying" * 4, request=b"r")

    async def turn() -> bool:
        async with api.services.database.transaction() as connection:
            return await take_turn(connection, ticket) is None

    assert await until(turn, 5)
    assert await api.query("SELECT 1 FROM restatements WHERE tenant = 'dying'") == []


async def test_answers_are_kept_for_a_day_and_no_more_than_so_many(api: StoredApi) -> None:
    await api.query("DELETE FROM idempotent_answers")
    for number in range(4):
        async with api.services.database.transaction() as connection:
            ticket = Ticket(id=bytes([number]) * 32, request=b"r")
            await keep_answer(connection, ticket, KeptAnswer(status=200, headers={}, body=b""))
    await api.query("UPDATE idempotent_answers SET at = now() - interval '25 hours' WHERE id = $1", bytes([0]) * 32)
    async with api.services.database.transaction() as connection:
        assert await take_turn(connection, Ticket(id=bytes([0]) * 32, request=b"other")) is None, "too old to count"
    await prune(api.services.database)
    assert len(await api.query("SELECT id FROM idempotent_answers")) == 3
    async with api.services.database.transaction() as connection:
        await prune_answers(connection, answers_max=2)
    kept = await api.query("SELECT id FROM idempotent_answers ORDER BY at")
    assert [row["id"][0] for row in kept] == [2, 3]


async def test_a_question_by_post_is_no_write() -> None:
    asked: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.append((await receive())["body"].decode())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    class AnyKey:
        def bearer(self, _: str | None) -> None: ...

    transport = httpx.ASGITransport(Writes(app, None, AnyKey()))  # type: ignore[arg-type]  # no store is to be asked
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        assert (await client.post("/v1/validate", content="whole?")).status_code == 204
    assert asked == ["whole?"]
