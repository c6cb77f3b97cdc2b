"""`POST /v1/validate` over a real store and a real database: rows by one SELECT, facts from the store."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from api.services import services_of
from connectors.stack.stack import LocalStack
from connectors.store.verdicts import write_verdicts
from connectors.validation.asking import RowsAsker, RowsUnread
from streams.alerts.actions import Resolve
from streams.model.ids import alert_id
from streams.model.records import Difference, Subject, Verdict
from streams.model.rule import Resolution, Rule, SubjectKind
from tests.alert_words import clock, finding
from tests.integration.alerting import running
from tests.integration.asking import Asked, answering, asked
from tests.integration.waiting import until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
async def here(postgres: LocalStack) -> AsyncIterator[Asked]:
    async with asked(postgres) as made:

        async def answers() -> bool:
            return (await made.ask("POST", "/v1/validate", json={"call_id": "1"})).status_code == 200

        await until(answers)
        yield made


async def validated(here: Asked, key: str = "ops", **body: str) -> dict[str, Any]:
    answer = await here.ask("POST", "/v1/validate", key, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_call_with_its_appointment_is_whole(here: Asked) -> None:
    call = await here.call(booking_id="whole")
    appointment = await here.appointment(call_id=int(call), calcom_v2_booking_id="whole")
    for body in ({"call_id": call}, {"appointment_id": appointment}):
        answer = await validated(here, **body)
        assert (answer["success"], answer["reason"], answer["details"], answer["alerts"]) == (True, None, [], [])
        assert answer["booking"] | {"as_of": None} == {
            "uid": "whole", "verdict": "unknown", "reason": "unread", "as_of": None, "compared_through": None,
        }  # fmt: skip
        read_at = datetime.fromisoformat(answer["as_of"])
        assert abs(datetime.now(UTC) - read_at) < timedelta(seconds=30)


async def test_what_is_missing_or_wrong_is_named(here: Asked) -> None:
    alone = await here.call(booking_id="promised")
    assert (await validated(here, call_id=alone))["reason"] == "appointment_not_found"
    unlinked = await here.call(booking_id="unlinked")
    row = await here.appointment(calcom_v2_booking_id="unlinked")
    assert (await validated(here, call_id=unlinked))["reason"] == "appointment_not_linked"
    answer = await validated(here, appointment_id=row)
    assert answer["reason"] == "appointment_not_linked"
    assert answer["details"][0]["subject"] == {"kind": "appointment", "id": row}
    other = await here.call(booking_id="one")
    await here.appointment(call_id=int(other), calcom_v2_booking_id="another")
    assert (await validated(here, call_id=other))["reason"] == "booking_id_mismatch"
    assert (await validated(here, call_id="999999999"))["reason"] == "call_not_found"
    assert (await validated(here, appointment_id="no-number"))["reason"] == "appointment_not_found"
    assert (await validated(here, appointment_id="9" * 40))["reason"] == "appointment_not_found"


async def test_rows_with_empty_references_have_nothing_to_do_with_one_another(here: Asked) -> None:
    for _ in range(3):
        await here.appointment(calcom_v2_booking_id="", source="web")
    mine = await here.appointment(calcom_v2_booking_id="", source="web")
    answer = await validated(here, appointment_id=mine)
    assert (answer["success"], answer["booking"]) == (True, None)


async def test_another_tenants_row_is_as_absent_as_one_that_is_not_there(here: Asked) -> None:
    call = await here.call(company_id=9, booking_id="theirs")
    await here.appointment(company_id=9, call_id=int(call), calcom_v2_booking_id="theirs")
    assert (await validated(here, "nine", call_id=call))["success"]
    theirs, nobodys = await validated(here, "three", call_id=call), await validated(here, "three", call_id="88888888")
    assert theirs | {"as_of": "", "details": []} == nobodys | {"as_of": "", "details": []}
    assert theirs["reason"] == "call_not_found"
    assert (await validated(here, call_id=call, tenant="9"))["success"]
    assert (await validated(here, call_id=call, tenant="3"))["reason"] == "call_not_found"
    # A booking that another tenant's row holds too: nothing of that row is told.
    mine = await here.appointment(calcom_v2_booking_id="theirs", source="web")
    assert (await validated(here, "three", appointment_id=mine))["success"]


async def test_a_row_without_tenant_is_told_to_keys_of_all_tenants(here: Asked) -> None:
    row = await here.appointment(company_id=None, source="web", calcom_v2_booking_id="nobodys")
    assert (await validated(here, appointment_id=row))["reason"] == "tenant_missing"
    assert (await validated(here, "three", appointment_id=row))["reason"] == "appointment_not_found"


async def test_what_is_proved_of_the_booking_counts_until_the_row_or_a_person_says_otherwise(here: Asked) -> None:
    row = await here.appointment(calcom_v2_booking_id="4711", source="web")
    subject = Subject(kind=SubjectKind.APPOINTMENT, id=row)
    gone = finding(
        "opened", 1, rule=Rule.ORPHANED_LOCAL, booking_uid="uidV", appointment_id=row,
        differences=(Difference(field="booking", local="4711", calcom=None),),
    )  # fmt: skip
    gone_id = alert_id(Rule.ORPHANED_LOCAL, "3", "appointment", row)
    verdict = Verdict(
        tenant="3", subject=Subject(kind=SubjectKind.BOOKING, id="uidV"), verdict="differ", reason="orphaned_local",
        as_of=str(clock(1)), compared_through=str(clock(1)), aliases=("4711", "uidV"),
    )  # fmt: skip
    async with here.database.transaction() as connection:
        await write_verdicts(connection, [verdict])
    changed = {"subject": subject, "alert_id": gone_id}
    await here.store.apply([type(gone)(**{name: getattr(gone, name) for name in gone.__struct_fields__} | changed)])
    answer = await validated(here, "three", appointment_id=row)
    assert (answer["reason"], answer["alerts"]) == ("booking_not_found", [gone_id])
    assert (answer["booking"]["uid"], answer["booking"]["verdict"]) == ("uidV", "differ")
    await here.application.execute("UPDATE appointments SET calcom_v2_booking_id = 'new' WHERE id = $1", int(row))
    assert (await validated(here, appointment_id=row))["success"]
    await here.application.execute("UPDATE appointments SET calcom_v2_booking_id = '4711' WHERE id = $1", int(row))
    assert not (await validated(here, appointment_id=row))["success"]
    said = Resolve(resolution=Resolution.EXPECTED)
    await here.store.act(gone_id, said, actor="ana", tenants=None, versions=None)
    assert (await validated(here, appointment_id=row))["success"]


async def test_more_rows_than_a_notification_holds_are_cut_and_the_one_asked_for_is_among_them(here: Asked) -> None:
    call = await here.call(booking_id="many")
    first = await here.appointment(call_id=int(call), calcom_v2_booking_id="many", idempotency_key="k" * 900)
    for _ in range(15):
        await here.appointment(call_id=int(call), calcom_v2_booking_id="many", idempotency_key="k" * 900)
    assert (await validated(here, appointment_id=first))["reason"] == "duplicate"
    long = await here.appointment(call_id=None, source="web", idempotency_key="k" * 9_000)
    refused = await here.ask("POST", "/v1/validate", json={"appointment_id": long})
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:plumbline:rows-unread")


@pytest.mark.parametrize(
    "body",
    [{}, {"call_id": "1", "appointment_id": "2"}, {"call_id": 7}, {"call_id": ""}, {"call_id": "a\x00b"}, {"id": "1"},
     {"call_id": "x" * 201}],
)  # fmt: skip
async def test_a_bad_body_says_what_is_allowed(here: Asked, body: dict[str, Any]) -> None:
    answer = await here.ask("POST", "/v1/validate", json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:plumbline:invalid-request")


async def test_hundreds_at_once_are_answered_or_refused_and_both_connections_suffice(here: Asked) -> None:
    call = await here.call(booking_id="busy")
    await here.appointment(call_id=int(call), calcom_v2_booking_id="busy")
    body = {"call_id": call}
    found = await asyncio.gather(*(here.ask("POST", "/v1/validate", json=body) for _ in range(200)))
    statuses = [answer.status_code for answer in found]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 64
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in found if answer.status_code == 503)
    assert (await validated(here, call_id=call))["success"]


async def test_while_the_table_is_locked_the_answer_comes_in_time_and_is_that_nothing_could_be_read(
    here: Asked,
) -> None:
    transaction = here.application.transaction()
    await transaction.start()
    await here.application.execute("LOCK TABLE appointments IN ACCESS EXCLUSIVE MODE")
    began = asyncio.get_running_loop().time()
    answer = await here.ask("POST", "/v1/validate", json={"call_id": "1"})
    assert asyncio.get_running_loop().time() - began < 2.5
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:plumbline:rows-unread")
    await transaction.rollback()

    async def answers() -> bool:
        return (await here.ask("POST", "/v1/validate", json={"call_id": "1"})).status_code == 200

    await until(answers)


async def test_two_answering_processes_and_a_stranger_on_the_channel_do_no_harm(here: Asked) -> None:
    call = await here.call(booking_id=None, session_outcome="no_interest", appointment_made=False)
    async with running(partial(answering, here.settings)):
        for payload in ("", "{}", '{"id":"x","kind":"call","key":"1"}', "not json"):
            for channel in ("plumbline_validation_questions", "plumbline_validation_answers"):
                await here.query("SELECT pg_notify($1, $2)", channel, payload)
        for _ in range(5):
            assert (await validated(here, call_id=call))["success"]


async def test_nobody_who_answers_is_said_in_time(postgres: LocalStack) -> None:
    async with asked(postgres, answered=False) as alone:
        asker = RowsAsker(services_of(alone.settings).database.dsn, answer_seconds_max=0.3)
        with pytest.raises(RowsUnread, match="in time"):
            await asker.ask("call", "1")
        await asker.close()
        answer = await alone.ask("POST", "/v1/validate", json={"call_id": "1"})
        assert answer.status_code == 503


async def test_a_store_that_hangs_up_is_called_again(here: Asked) -> None:
    call = await here.call(booking_id=None, session_outcome="no_interest", appointment_made=False)
    assert (await validated(here, call_id=call))["success"]
    await here.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'plumbline-validation' AND datname = current_database()"
    )

    async def answered() -> httpx.Response | None:
        answer = await here.ask("POST", "/v1/validate", json={"call_id": call})
        return answer if answer.status_code == 200 else None

    assert (await until(answered)).json()["success"]


async def test_the_figures_tell_how_validations_went(here: Asked) -> None:
    alone = await here.call(booking_id="counted")
    await validated(here, call_id=alone)
    text = (await here.ask("GET", "/metrics")).text
    assert 'appointment_validation_failure_total{type="appointment_not_found"}' in text
    [rate] = [line for line in text.splitlines() if line.startswith("appointment_validation_success_rate ")]
    assert 0 < float(rate.split()[1]) < 1
    assert "appointment_validation_duration_seconds_bucket" in text
