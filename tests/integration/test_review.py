"""The review queue and the ledger of failed syncs over a real store: written with the alerts, worked on over HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from connectors.stack.stack import LocalStack
from connectors.store.sync_failures import SyncFailures, Trouble
from streams.alerts.sync_failure import FailureType
from streams.model.rule import Rule
from tests.alert_words import finding
from tests.integration.asking import Asked, asked

pytestmark = pytest.mark.stack

#: When Cal.com's trouble began: long enough ago for an unusable answer to be forgiven.
BEGAN = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=3)


@pytest.fixture(scope="module")
async def here(postgres: LocalStack) -> AsyncIterator[Asked]:
    async with asked(postgres, answered=False) as made:
        yield made


async def opened(here: Asked, subject: str, rule: Rule = Rule.ORPHANED_CALCOM, **fields: Any) -> str:
    """A new alert; its id, which is its item's too."""
    one = finding("opened", fields.pop("minutes", 1), rule=rule, subject=subject, **fields)
    await here.store.apply([one])
    return one.alert_id


async def done(here: Asked, item: str, what: str, key: str = "ops", **more: Any) -> httpx.Response:
    return await here.ask("POST", f"/v1/review/{item}/{what}", key, **more)


async def in_queue(here: Asked, query: str, key: str = "ops") -> list[str]:
    return [item["booking_uid"] for item in (await here.got(f"/v1/review?{query}", key))["items"]]


# The queue ---------------------------------------------------------------------------


async def test_the_most_urgent_comes_first_and_of_these_the_one_that_waits_longest(here: Asked) -> None:
    await opened(here, "q1", Rule.APPOINTMENT_MADE_MISMATCH, tenant="q")
    await opened(here, "q2", Rule.DUPLICATE_BOOKING, tenant="q")
    await opened(here, "q3", Rule.ORPHANED_CALCOM, tenant="q")
    await opened(here, "q4", Rule.DUPLICATE_BOOKING, tenant="q")
    await opened(here, "q5", Rule.MISSING_DIRECTION, tenant="q")  # nobody must decide it
    assert await in_queue(here, "tenant=q") == ["q3", "q2", "q4", "q1"]
    assert await in_queue(here, "tenant=q&priority=3&priority=5") == ["q2", "q4", "q1"]
    assert await in_queue(here, "tenant=q&reason=duplicate") == ["q2", "q4"]
    assert await in_queue(here, "tenant=q&state=decided") == []
    seen: list[str] = []
    cursor = ""
    while True:
        page = await here.got(f"/v1/review?tenant=q&limit=2{cursor}")
        seen += [item["booking_uid"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
        await opened(here, f"q6{len(seen)}", Rule.TENANT_MISMATCH, tenant="q")  # behind nobody's back
    assert seen == ["q3", "q2", "q4", "q1"]


async def test_an_item_leaves_with_its_alert_and_comes_back_with_the_next_episode(here: Asked) -> None:
    item = await opened(here, "back")
    await here.store.apply([finding("resolved", 5, proved=1, subject="back")])
    assert (await here.got(f"/v1/review/{item}"))["state"] == "withdrawn"
    assert item not in [one["id"] for one in (await here.got("/v1/review?limit=200"))["items"]]
    await here.store.apply([finding("opened", 9, episode=2, subject="back")])
    again = await here.got(f"/v1/review/{item}")
    assert (again["state"], again["episode"], again["times"], again["ended_at"]) == ("pending", 2, 2, None)


async def test_findings_in_one_batch_leave_what_holds_at_its_end(here: Asked) -> None:
    batch = [finding("opened", 1, subject="batch"), finding("resolved", 5, proved=1, subject="batch"),
             finding("opened", 9, episode=2, subject="batch")]  # fmt: skip
    await here.store.apply(batch)
    assert (await here.got(f"/v1/review/{batch[0].alert_id}"))["episode"] == 2
    lines = await here.query(
        "SELECT episode, resolution_status FROM calcom_sync_failures WHERE alert_id = $1::uuid ORDER BY episode",
        batch[0].alert_id,
    )
    assert [tuple(line.values()) for line in lines] == [(1, "resolved"), (2, "pending")]


async def test_one_claims_others_wait_and_an_admin_may_release(here: Asked) -> None:
    item = await opened(here, "claimed")
    claimed = await done(here, item, "claim", "three")
    assert (claimed.status_code, claimed.json()["state"], claimed.json()["claimed_by"]) == (200, "claimed", "three")
    assert claimed.headers["etag"] == '"2"'
    for what, body in (("claim", None), ("release", None), ("decide", {"decision": "wait"})):
        refused = await done(here, item, what, "ben", json=body)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:plumbline:conflict")
        assert "three is at it" in refused.json()["detail"]
    assert (await done(here, item, "release", "ops")).json()["state"] == "pending"
    assert (await done(here, item, "claim", "ben")).json()["claimed_by"] == "ben"


async def test_a_decision_resolves_its_alert_and_stands_in_the_history(here: Asked) -> None:
    item = await opened(here, "decided")
    await done(here, item, "claim", "three")
    body = {"decision": "mended", "note": "booked by hand"}
    decided = (await done(here, item, "decide", "three", json=body)).json()
    assert (decided["state"], decided["decision"], decided["decided_by"]) == ("decided", "mended", "three")
    assert (decided["note"], decided["ended_at"] is not None) == ("booked by hand", True)
    alert = await here.got(f"/v1/alerts/{item}")
    assert (alert["status"], alert["resolution"]) == ("resolved", "manual")
    last = (await here.got(f"/v1/alerts/{item}/history"))["items"][-1]
    assert (last["actor"], last["action"], last["note"]) == ("three", "resolved", "review: mended – booked by hand")
    same = await done(here, item, "decide", "three", json={"decision": "mended"})
    assert (same.status_code, same.json()["version"]) == (200, decided["version"])
    assert (await done(here, item, "decide", "three", json={"decision": "wait"})).status_code == 409
    outbox = "SELECT count(*) AS n FROM outbox WHERE alert_id = $1::uuid AND action = 'resolved'"
    assert (await here.query(outbox, item))[0]["n"] == 1


async def test_a_decision_to_wait_leaves_the_alert_open_and_out_of_the_queue(here: Asked) -> None:
    item = await opened(here, "waits", tenant="w")
    assert (await done(here, item, "decide", json={"decision": "wait"})).json()["state"] == "decided"
    assert (await here.got(f"/v1/alerts/{item}"))["status"] == "open"
    assert await in_queue(here, "tenant=w") == []
    assert await in_queue(here, "tenant=w&state=decided") == ["waits"]
    await here.store.apply([finding("updated", 3, proved=1, subject="waits", tenant="w")])
    assert await in_queue(here, "tenant=w") == []


async def test_a_version_that_changed_meanwhile_is_refused(here: Asked) -> None:
    item = await opened(here, "versions")
    await done(here, item, "claim", "ben")
    stale = await done(here, item, "release", "ben", headers={"if-match": '"1"'})
    assert (stale.status_code, stale.json()["detail"]) == (412, "The item is at version 2. Read it again.")
    assert (await done(here, item, "release", "ben", headers={"if-match": '"2"'})).status_code == 200


async def test_tenants_do_not_see_one_another_and_viewers_only_look(here: Asked) -> None:
    item = await opened(here, "mine", tenant="3")
    assert "mine" in await in_queue(here, "limit=200", "three")
    assert "mine" not in await in_queue(here, "limit=200&tenant=3", "nine")
    assert (await here.ask("GET", f"/v1/review/{item}", "nine")).status_code == 404
    theirs = await opened(here, "theirs", tenant="9")
    assert (await done(here, theirs, "claim", "three")).status_code == 404
    assert (await done(here, theirs, "claim", "nine")).status_code == 403
    assert (await done(here, "no-uuid", "claim")).status_code == 404


@pytest.mark.parametrize(
    "query",
    ["priority=6", "reason=boredom", "state=open", "limit=0", "limit=201", "cursor=%00", "cursor=bm90LWpzb24",
     "cursor=WyI5IiwiMjAyNi0xMS0yNlQxMjowMDowMFoiLCJ4Il0", "cursor=WyIxIiwiOTk5OS0xMi0zMVQyMzo1OTo1OS0xMjowMCIsIngiXQ"],
)  # fmt: skip
async def test_bad_questions_are_problems(here: Asked, query: str) -> None:
    answer = await here.ask("GET", f"/v1/review?{query}")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:plumbline:invalid-request")


async def test_the_length_of_the_queue_is_a_figure(here: Asked) -> None:
    await opened(here, "figure", Rule.MISSING_TENANT, tenant="~none")
    [row] = await here.query(
        "SELECT count(*) FILTER (WHERE priority = 4 AND state IN ('pending', 'claimed')) AS waiting, sum(times) AS all"
        " FROM manual_review_queue"
    )
    text = (await here.ask("GET", "/metrics")).text
    assert f'plumbline_review_queue{{priority="4"}} {row["waiting"]}.0' in text
    assert 'plumbline_review_queue{priority="2"} 0.0' in text
    assert f"data_inconsistency_manual_review_total {float(row['all'])}" in text


# The ledger of failed syncs ----------------------------------------------------------


async def failures(here: Asked, query: str, key: str = "ops") -> list[dict[str, Any]]:
    return list((await here.got(f"/v1/sync-failures?{query}", key))["items"])


def trouble(minute: int, sort: FailureType = FailureType.NETWORK_TIMEOUT, account: str = "harbor") -> Trouble:
    at = BEGAN + timedelta(minutes=minute, seconds=5, microseconds=123_456)
    return Trouble(account=account, failure_type=sort, occurrences=3, reason="timeout", http_status=None,
                   detected_at=at, last_seen_at=at)  # fmt: skip


async def test_an_orphan_stands_in_the_ledger_as_long_as_its_alert(here: Asked) -> None:
    alert = await opened(here, "ledger", Rule.ORPHANED_LOCAL, tenant="l", appointment_id="17")
    [line] = await failures(here, "tenant=l")
    assert (line["failure_type"], line["resolution_status"], line["alert_id"]) == (
        "orphaned_local", "manual_review", alert,
    )  # fmt: skip
    assert (line["calcom_booking_id"], line["appointment_id"], line["account"]) == ("ledger", "17", None)
    await here.store.apply([finding("resolved", 5, proved=1, rule=Rule.ORPHANED_LOCAL, subject="ledger", tenant="l")])
    [line] = await failures(here, "tenant=l&resolution=resolved")
    assert (line["resolution_notes"], line["resolved_at"] is None) == ("recovered", False)
    assert await failures(here, "tenant=l&resolution=manual_review") == []


async def test_an_accounts_trouble_is_a_line_a_minute_and_ends_when_it_answers(here: Asked) -> None:
    ledger = SyncFailures(here.database)
    await ledger.keep_trouble([trouble(1), trouble(2), trouble(2, FailureType.RATE_LIMIT)], ())
    await ledger.keep_trouble([trouble(2), trouble(2, account="quay")], ())
    mine = await failures(here, "account=harbor", "three")
    assert [(line["failure_type"], line["occurrences"], minute_of(line)) for line in mine] == [
        ("rate_limit", 3, 2), ("network_timeout", 6, 2), ("network_timeout", 3, 1),
    ]  # fmt: skip
    assert mine[0]["error_details"] == {"reason": "timeout", "http_status": None}
    assert await failures(here, "account=quay", "three") == []
    assert {line["account"] for line in await failures(here, "limit=200", "nine")} <= {"quay", None}
    # What could not be used waits for a person, until none has been seen for an hour.
    await ledger.keep_trouble(
        [trouble(3, FailureType.SCHEMA_ERROR), trouble(179, FailureType.SCHEMA_ERROR)], ["harbor"]
    )
    ended = {(line["failure_type"], line["resolution_status"]) for line in await failures(here, "account=harbor")}
    assert ended == {
        ("rate_limit", "resolved"), ("network_timeout", "resolved"), ("schema_error", "resolved"),
        ("schema_error", "manual_review"),
    }  # fmt: skip
    await ledger.keep_trouble([trouble(2)], ())
    again = await failures(here, "account=harbor&resolution=pending")
    assert [(line["occurrences"], line["resolved_at"]) for line in again] == [(9, None)]


def minute_of(line: dict[str, Any]) -> int:
    return int((datetime.fromisoformat(line["detected_at"]) - BEGAN).total_seconds() // 60)


async def test_pages_of_the_ledger_go_on_where_the_last_one_ended(here: Asked) -> None:
    await SyncFailures(here.database).keep_trouble([trouble(minute, account="quay") for minute in range(10, 17)], ())
    since = (BEGAN + timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    seen: list[int] = []
    cursor = ""
    while True:
        page = await here.got(f"/v1/sync-failures?account=quay&since={since}&limit=3{cursor}", "nine")
        seen += [minute_of(line) for line in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [16, 15, 14, 13, 12, 11, 10]


@pytest.mark.parametrize("query", ["failure_type=bug", "resolution=done", "cursor=WyJ4IiwiMSJd", "since=yesterday"])
async def test_bad_questions_about_the_ledger_are_problems(here: Asked, query: str) -> None:
    assert (await here.ask("GET", f"/v1/sync-failures?{query}")).status_code == 422


async def test_the_document_shows_what_is_answered(here: Asked) -> None:
    schemas = (await here.got("/openapi.json"))["components"]["schemas"]
    assert {"ReviewPage", "ReviewEntry", "SyncFailurePage", "Validation"} <= set(schemas)
    assert all(schemas[name]["examples"] for name in ("ReviewPage", "SyncFailurePage", "Validation"))
    assert msgspec.json.encode(schemas["Validation"])
