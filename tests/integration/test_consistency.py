"""`GET /v1/bookings/{uid}/consistency` over a real store: by any name of the booking, each tenant its own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.stack.stack import LocalStack
from connectors.store.verdicts import write_verdicts
from streams.model.records import Difference, Subject, Verdict
from streams.model.rule import Rule, SubjectKind
from tests.alert_words import clock, finding
from tests.integration.asking import Asked, asked

pytestmark = pytest.mark.stack

CONTRACT = {"uid", "tenant", "verdict", "reason", "as_of", "compared_through", "differences", "alerts"}


@pytest.fixture(scope="module")
async def here(postgres: LocalStack) -> AsyncIterator[Asked]:
    async with asked(postgres, answered=False) as made:
        yield made


async def told(
    here: Asked, uid: str, verdict: str, reason: str, minutes: float, *aliases: str, tenant: str = "3", **more: Any
) -> None:
    """The worker's newest word about a booking."""
    one = Verdict(
        tenant=tenant, subject=Subject(kind=SubjectKind.BOOKING, id=uid), verdict=verdict, reason=reason,
        as_of=str(clock(minutes)), compared_through=str(clock(minutes)), aliases=(uid, *aliases), **more,
    )  # fmt: skip
    async with here.database.transaction() as connection:
        await write_verdicts(connection, [one])


async def consistency(here: Asked, uid: str, key: str = "ops", query: str = "") -> dict[str, Any]:
    return await here.got(f"/v1/bookings/{uid}/consistency{query}", key)


async def test_all_that_the_contract_names_is_there(here: Asked) -> None:
    difference = Difference(field="start", local=clock(60), calcom=clock(90))
    await told(here, "c1", "differ", "start_time_drift", 2, differences=(difference,))
    drift = finding("opened", 1, rule=Rule.START_TIME_DRIFT, subject="c1")
    await here.store.apply([drift])
    answer = await consistency(here, "c1")
    assert set(answer) == CONTRACT
    assert (answer["uid"], answer["tenant"], answer["verdict"]) == ("c1", "3", "differ")
    assert (answer["reason"], answer["as_of"], answer["compared_through"]) == ("start_time_drift", clock(2), clock(2))
    assert answer["differences"] == [{"field": "start", "local": clock(60), "calcom": clock(90)}]
    assert answer["alerts"] == [drift.alert_id]
    await here.store.apply([finding("resolved", 5, proved=1, rule=Rule.START_TIME_DRIFT, subject="c1")])
    assert (await consistency(here, "c1"))["alerts"] == []


async def test_every_name_of_a_chain_is_the_same_booking_with_the_same_alerts(here: Asked) -> None:
    await told(here, "newest", "differ", "status_drift", 2, "older", "4712", "4711")
    drift = finding("opened", 1, rule=Rule.STATUS_DRIFT, subject="older", booking_uid="newest")
    await here.store.apply([drift])
    for name in ("newest", "older", "4711", "4712"):
        answer = await consistency(here, name)
        assert (answer["uid"], answer["verdict"], answer["alerts"]) == (name, "differ", [drift.alert_id])


async def test_what_was_said_under_an_older_name_is_over_when_the_chain_grows(here: Asked) -> None:
    await told(here, "before", "differ", "start_time_drift", 2, "900")
    await told(here, "after", "agree", "in_sync", 5, "before", "900", "901")
    for name in ("before", "after", "900"):
        assert (await consistency(here, name))["verdict"] == "agree"
    # Told again, late, by a replay: the newer name says it is over again.
    await told(here, "before", "differ", "start_time_drift", 2, "900")
    await told(here, "after", "agree", "in_sync", 5, "before", "900", "901")
    assert (await consistency(here, "before"))["verdict"] == "agree"


async def test_a_numeric_id_that_turns_out_to_be_a_uids_is_no_booking_of_its_own(here: Asked) -> None:
    await told(here, "777", "unknown", "suspected:orphaned_local", 2)
    await told(here, "uid-of-777", "agree", "in_sync", 4, "777")
    assert (await consistency(here, "777"))["verdict"] == "agree"


async def test_each_tenant_is_told_its_own_and_who_sees_both_the_worst(here: Asked) -> None:
    await told(here, "shared", "agree", "in_sync", 5, tenant="9")
    await told(here, "shared", "differ", "tenant_mismatch", 2, tenant="3")
    ours = finding("opened", 1, rule=Rule.TENANT_MISMATCH, subject="shared", tenant="3")
    await here.store.apply([ours])
    mine, theirs, both = [await consistency(here, "shared", key) for key in ("three", "nine", "ops")]
    assert (mine["tenant"], mine["verdict"], mine["alerts"]) == ("3", "differ", [ours.alert_id])
    assert (theirs["tenant"], theirs["verdict"], theirs["alerts"]) == ("9", "agree", [])
    assert (both["tenant"], both["verdict"], both["alerts"]) == ("3", "differ", [ours.alert_id])
    assert (await consistency(here, "shared", query="?tenant=9"))["verdict"] == "agree"
    assert (await consistency(here, "shared", "nine", query="?tenant=9"))["verdict"] == "agree"
    assert (await here.ask("GET", "/v1/bookings/shared/consistency?tenant=3", "nine")).status_code == 404


async def test_a_booking_that_a_side_has_named_and_nobody_has_read_is_unknown(here: Asked) -> None:
    await told(here, "named", "unknown", "unread", 1)
    answer = await consistency(here, "named", "three")
    assert (answer["verdict"], answer["reason"], answer["alerts"]) == ("unknown", "unread", [])


async def test_a_finding_that_comes_before_the_verdict_says_that_the_sides_differ(here: Asked) -> None:
    orphan = finding("opened", 1, subject="quick")
    await here.store.apply([orphan])
    answer = await consistency(here, "quick")
    assert (answer["verdict"], answer["reason"], answer["alerts"]) == ("differ", "orphaned_calcom", [orphan.alert_id])
    assert (answer["as_of"], answer["compared_through"]) == (orphan.detected_at, None)


async def test_only_what_no_side_has_named_is_not_found(here: Asked) -> None:
    for uid in ("nobody", "0", "a%2Fb"):
        answer = await here.ask("GET", f"/v1/bookings/{uid}/consistency")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:plumbline:not-found")
    assert (await here.ask("GET", "/v1/bookings/named/consistency", "nine")).status_code == 404
