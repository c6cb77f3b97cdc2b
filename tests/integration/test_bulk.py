"""`POST /v1/alerts/bulk`: one action on many alerts, tried first if asked to, over a real store."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from connectors.stack.stack import LocalStack
from connectors.store.alerts import wall_clock
from connectors.store.bulk import ALERTS_MAX, ALERTS_PER_TRANSACTION, BulkAction, act
from streams.alerts.actions import Acknowledge
from streams.model.ids import alert_id
from streams.model.rule import Rule
from tests.alert_words import finding
from tests.integration.storing import StoredApi, new_store, stored_api

pytestmark = pytest.mark.stack

NOBODYS = str(UUID(int=7))
COUNTS = ("matched", "changed", "unchanged", "refused", "not_found")


@pytest.fixture(scope="module")
async def api(postgres: LocalStack) -> AsyncIterator[StoredApi]:
    async with stored_api(await new_store(postgres)) as made:
        yield made


async def bulk(api: StoredApi, action: str, key: str = "ops", **body: Any) -> dict[str, Any]:
    answer = await api.ask("POST", "/v1/alerts/bulk", key, json={"action": action, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def counts(answer: dict[str, Any]) -> tuple[int, ...]:
    return tuple(answer[name] for name in COUNTS)


async def ids_of(api: StoredApi, *subjects: str, tenant: str = "3") -> list[str]:
    return [(await api.opened(subject, tenant)).rsplit("/", 1)[1] for subject in subjects]


async def versions(api: StoredApi, ids: list[str]) -> list[int]:
    return [(await api.ask("GET", f"/v1/alerts/{one}")).json()["version"] for one in ids]


async def test_a_preview_says_what_would_happen_and_changes_nothing(api: StoredApi) -> None:
    fresh, over = await ids_of(api, "fresh", "over")
    await bulk(api, "resolve", ids=[over], params={"resolution": "expected"})
    before = await versions(api, [fresh, over])
    seen = await bulk(api, "acknowledge", ids=[fresh, over, NOBODYS], preview=True)
    assert seen["preview"] is True
    assert counts(seen) == (2, 1, 0, 1, 1)
    assert (seen["by_rule"], seen["by_status"]) == ({"orphaned_calcom": 2}, {"open": 1, "resolved": 1})
    told = {item["id"]: (item["outcome"], item["status"], item["reason"]) for item in seen["items"]}
    assert told == {
        fresh: ("changed", "acknowledged", None),
        over: ("refused", "resolved", "a resolved alert cannot be acknowledged; reopen it first"),
        NOBODYS: ("not_found", None, None),
    }
    assert await versions(api, [fresh, over]) == before
    assert await bulk(api, "acknowledge", ids=[fresh, over, NOBODYS]) == seen | {"preview": False}
    assert await versions(api, [fresh, over]) == [before[0] + 1, before[1]]


async def test_done_again_it_is_done_already(api: StoredApi) -> None:
    ids = await ids_of(api, "r1", "r2")
    params = {"note": "ours"}
    assert counts(await bulk(api, "acknowledge", ids=ids, params=params)) == (2, 2, 0, 0, 0)
    assert counts(await bulk(api, "acknowledge", ids=ids, params=params)) == (2, 0, 2, 0, 0)
    lines = (await api.ask("GET", f"/v1/alerts/{ids[0]}/history")).json()["items"]
    assert [(line["action"], line["through"]) for line in lines] == [("opened", "machine"), ("acknowledged", "api")]


@pytest.mark.parametrize(
    ("action", "params", "status"),
    [
        ("snooze", {"until_changed": True}, "snoozed"),
        ("snooze", {"for_seconds": 60}, "snoozed"),
        ("resolve", {"resolution": "manual", "note": "by hand"}, "resolved"),
        ("assign", {"assignee": "ben"}, "open"),
        ("notes", {"text": "called"}, "open"),
        ("recheck", {}, "open"),
    ],
)
async def test_it_takes_what_the_single_action_takes(
    api: StoredApi, action: str, params: dict[str, Any], status: str
) -> None:
    [one] = await ids_of(api, f"{action} {sorted(params)}")
    [item] = (await bulk(api, action, ids=[one], params=params))["items"]
    assert (item["outcome"], item["status"]) == ("changed", status)
    assert (await api.ask("GET", f"/v1/alerts/{one}")).json()["status"] == status


async def test_other_tenants_alerts_are_not_found_and_stay_as_they_are(api: StoredApi) -> None:
    [ours], [theirs] = await ids_of(api, "ours"), await ids_of(api, "theirs", tenant="9")
    assert counts(await bulk(api, "acknowledge", "rota", ids=[ours, theirs])) == (1, 1, 0, 0, 1)
    assert await versions(api, [theirs]) == [1]
    assert counts(await bulk(api, "acknowledge", "rota", filter={"subject": "booking:theirs"})) == (0, 0, 0, 0, 0)
    assert counts(await bulk(api, "acknowledge", "rota", filter={"tenant": ["9"]})) == (0, 0, 0, 0, 0)


async def test_a_filter_names_what_the_list_shows(api: StoredApi) -> None:
    await ids_of(api, "f1", "f2", tenant="filtered")
    await api.services.store.apply([finding("opened", 1, subject="f3", tenant="filtered", rule=Rule.MISSING_DIRECTION)])
    wanted = {"tenant": ["filtered"], "rule": ["orphaned_calcom"], "status": ["open"]}
    assert counts(await bulk(api, "acknowledge", filter=wanted, preview=True)) == (2, 2, 0, 0, 0)
    assert counts(await bulk(api, "acknowledge", filter=wanted)) == (2, 2, 0, 0, 0)
    assert counts(await bulk(api, "acknowledge", filter=wanted)) == (0, 0, 0, 0, 0)  # none is open any more


async def test_a_thousand_at_once_and_no_more(api: StoredApi) -> None:
    many = [finding("opened", 1, subject=f"m{number}", tenant="many") for number in range(ALERTS_MAX + 1)]
    await api.services.store.apply(many)
    every = {"action": "acknowledge", "filter": {"tenant": ["many"]}}
    for preview in (True, False):
        refused = await api.ask("POST", "/v1/alerts/bulk", json={**every, "preview": preview})
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:plumbline:too-many-alerts")
    ids = [one.alert_id for one in many]
    assert counts(await bulk(api, "acknowledge", ids=ids[1:])) == (ALERTS_MAX, ALERTS_MAX, 0, 0, 0)
    assert counts(await bulk(api, "acknowledge", filter={"tenant": ["many"], "status": ["open"]}))[:2] == (1, 1)


async def test_a_transaction_holds_few_alerts(api: StoredApi) -> None:
    many = [finding("opened", 1, subject=f"t{number}", tenant="parts") for number in range(2 * ALERTS_PER_TRANSACTION)]
    await api.services.store.apply(many)
    asked = BulkAction(action=Acknowledge(), actor="ana", tenants=None, now=wall_clock())
    await act(api.services.database, [one.alert_id for one in many], asked)
    written = await api.query(
        "SELECT count(*) AS n FROM data_consistency_alerts WHERE tenant = 'parts' GROUP BY xmin::text"
    )
    assert [row["n"] for row in written] == [ALERTS_PER_TRANSACTION] * 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "acknowledge"}, "acknowledge"),
        ({"action": "acknowledge", "ids": [NOBODYS], "filter": {"tenant": ["3"]}}, "acknowledge"),
        ({"action": "acknowledge", "ids": []}, "acknowledge.ids"),
        ({"action": "acknowledge", "ids": [NOBODYS] * (ALERTS_MAX + 1)}, "acknowledge.ids"),
        ({"action": "acknowledge", "ids": ["17"]}, "acknowledge.ids.0"),
        ({"action": "acknowledge", "filter": {}}, "acknowledge.filter"),
        ({"action": "acknowledge", "filter": {"status": ["closed"]}}, "acknowledge.filter.status.0"),
        ({"action": "acknowledge", "filter": {"subject": "17"}}, "subject"),
        ({"action": "acknowledge", "ids": [NOBODYS], "params": {"until": "2999-01-01T00:00:00Z"}}, None),
        ({"action": "snooze", "ids": [NOBODYS]}, "snooze.params"),
        ({"action": "snooze", "ids": [NOBODYS], "params": {}}, "snooze.params"),
        ({"action": "resolve", "ids": [NOBODYS], "params": {"resolution": "recovered"}}, "resolve.params.resolution"),
        ({"action": "erase", "ids": [NOBODYS]}, "body"),
    ],
)
async def test_a_bad_wish_is_refused_by_its_place(api: StoredApi, body: dict[str, Any], field: str | None) -> None:
    answer = await api.ask("POST", "/v1/alerts/bulk", json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:plumbline:invalid-request")
    assert field is None or answer.json()["errors"][0]["field"] == field


async def test_a_snooze_that_cannot_be_is_refused_as_a_whole(api: StoredApi) -> None:
    [one] = await ids_of(api, "past")
    body = {"action": "snooze", "ids": [one], "params": {"until": "2001-01-01T00:00:00Z"}}
    answer = await api.ask("POST", "/v1/alerts/bulk", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (422, "a snooze must end in the future")
    assert await versions(api, [one]) == [1]


async def test_only_operators_may(api: StoredApi) -> None:
    body = {"action": "acknowledge", "ids": [alert_id("orphaned_calcom", "9", "booking", "x")], "preview": True}
    assert (await api.ask("POST", "/v1/alerts/bulk", "guest", json=body)).status_code == 403
