"""From both systems to an alert, over sockets only: everything real but Cal.com and Slack.

The tests are told in order; the last one stops what they share.
"""

import json
import os
import signal
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.house import House, signed
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

DETECTION_SECONDS_MAX = 10.0
#: The third of a kind within seconds is gathered with what follows it.
TOLD_SECONDS_MAX = 60.0
MEGABYTE = 1024 * 1024


def webhook_about(booking: dict[str, Any]) -> bytes:
    """The body that Cal.com would have sent."""
    payload = {
        "uid": booking["uid"], "bookingId": booking["id"], "status": "ACCEPTED", "startTime": booking["start"],
        "endTime": booking["end"], "eventTypeId": booking["eventTypeId"], "iCalSequence": 0,
    }  # fmt: skip
    created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"triggerEvent": "BOOKING_CREATED", "createdAt": created, "payload": payload}).encode()


async def test_a_call_whose_flags_contradict_is_alerted_within_seconds_and_its_mend_resolves_it(up: House) -> None:
    call = await up.insert(
        "calls", company_id=1, direction="inbound", session_outcome="appointment_booked", appointment_made=False
    )
    began = time.monotonic()
    alert = await up.alert("phantom_booking", f"call:{call}")
    seconds = time.monotonic() - began
    print(f"phantom_booking after {seconds:.1f} s")
    assert seconds < DETECTION_SECONDS_MAX
    assert (alert["tenant"], alert["call_id"], alert["episode"], alert["severity"]) == ("1", call, 1, "critical")
    assert alert["verification"]["state"] == "verified"
    await up.crm.execute("UPDATE calls SET session_outcome = 'info_given' WHERE id = $1", int(call))
    mended = await up.alert("phantom_booking", f"call:{call}", "resolved")
    assert (mended["id"], mended["resolution"]) == (alert["id"], "recovered")


async def test_a_booking_that_the_application_never_wrote_is_told_to_people_once(up: House) -> None:
    booking = await up.book(up.accounts[0], webhook="sure")
    began = time.monotonic()
    alert = await up.alert("orphaned_calcom", f"booking:{booking['uid']}")
    print(f"orphaned_calcom after {time.monotonic() - began:.1f} s")
    assert (alert["tenant"], alert["booking_uid"]) == ("1", booking["uid"])
    await until(lambda: up.messages(booking["uid"]), TOLD_SECONDS_MAX)
    assert len(await up.messages(booking["uid"])) == 1


async def test_an_application_that_asks_right_after_saving_is_told_what_is_missing(up: House) -> None:
    """Read by the connectors with the role that `source prepare` made."""
    call = await up.insert(
        "calls", company_id=4, direction="inbound", session_outcome="appointment_booked", appointment_made=True
    )
    answer = await up.api.post("/v1/validate", json={"call_id": call, "tenant": "4"})
    assert answer.status_code == httpx.codes.OK, answer.text
    assert (answer.json()["success"], answer.json()["reason"]) == (False, "appointment_not_found")


async def test_the_day_so_far_is_reported(up: House) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    report = await up.api.get("/v1/reports/daily", params={"date": today, "format": "text"})
    assert report.status_code == httpx.codes.OK, report.text
    assert "Booked in Cal.com, missing in your database" in report.text
    stats = (await up.api.get("/v1/stats")).json()
    assert {"orphaned_calcom", "phantom_booking"} <= {line["rule"] for line in stats["rules"]}


async def test_one_webhook_delivered_ten_times_is_one_fact_one_alert_and_one_message(up: House) -> None:
    account = up.accounts[1]
    booking = await up.book(account, webhook="lose")
    body = webhook_about(booking)
    answers = [await up.knock(account.name, body, signed(body, account.secret)) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {202}
    assert [answer.json()["status"] for answer in answers] == ["accepted", *["already_processed"] * 9]
    subject = f"booking:{booking['uid']}"
    await up.alert("orphaned_calcom", subject)
    await until(lambda: up.messages(booking["uid"]), TOLD_SECONDS_MAX)
    # Another fault's message, later than all that the repeats could have caused.
    later = await up.book(account, webhook="sure")
    await until(lambda: up.messages(later["uid"]), TOLD_SECONDS_MAX)
    assert len(await up.messages(booking["uid"])) == 1
    assert len(await up.alerts("orphaned_calcom", subject)) == 1


async def test_while_calcom_is_down_nothing_is_called_missing_and_afterwards_it_is(up: House) -> None:
    await up.turn(outage=True)
    try:
        row = await up.appointment(3, "nobodyKnowsThisOne1")
        await until(lambda: _is(up, "nobodyKnowsThisOne1", "unknown"), 30)
        # Faults of one side alone are told meanwhile, one after the other: time passes, and the worker works.
        for _ in range(3):
            call = await up.insert(
                "calls", company_id=3, direction="inbound", session_outcome="appointment_booked", appointment_made=False
            )
            await up.alert("phantom_booking", f"call:{call}")
        assert await up.alerts("orphaned_local", f"appointment:{row}") == []
        assert await up.verdict("nobodyKnowsThisOne1") == "unknown"
    finally:
        await up.turn(outage=False)
    began = time.monotonic()
    await up.alert("orphaned_local", f"appointment:{row}", seconds=90)
    print(f"orphaned_local {time.monotonic() - began:.1f} s after Cal.com was back")


async def _is(up: House, uid: str, verdict: str) -> bool:
    return await up.verdict(uid) == verdict


async def test_killed_processes_come_back_and_a_fault_planted_meanwhile_is_told_once(up: House) -> None:
    before = up.told["pids"]
    for name in ("worker", "connectors"):
        for pid in before[name]:
            os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    row = await up.appointment(2, "plantedWhileNobodyLooked")

    def are_back() -> bool:
        pids = up.told["pids"]
        return all(pids[name] and pids[name] != before[name] for name in ("worker", "connectors"))

    await until(are_back, 30)
    alert = await up.alert("orphaned_local", f"appointment:{row}", seconds=60)
    print(f"orphaned_local {time.monotonic() - began:.1f} s after SIGKILL of worker and connectors")
    assert alert["episode"] == 1
    await until(lambda: up.messages("plantedWhileNobodyLooked"), TOLD_SECONDS_MAX)
    assert len(await up.messages("plantedWhileNobodyLooked")) == 1
    await until(lambda: _is_ready(up), 30)


async def _is_ready(up: House) -> bool:
    return (await up.api.get("/readyz")).status_code == httpx.codes.OK


async def test_the_door_turns_away_what_is_not_signed_and_takes_all_that_is(up: House) -> None:
    account = up.accounts[0]
    body = webhook_about({"uid": "x", "id": 1, "start": None, "end": None, "eventTypeId": 1})
    good = signed(body, account.secret)
    refused = {
        "missing signature": (account.name, body, {}),
        "wrong signature": (account.name, body, signed(body, "another secret")),
        "no secret": (account.name, body, {"X-Cal-Signature-256": "no-secret-provided"}),
        "one byte changed": (account.name, body.replace(b"ACCEPTED", b"ACCEPTEE"), good),
    }
    for why, (name, sent, headers) in refused.items():
        assert (await up.knock(name, sent, headers)).status_code == 401, why
    assert (await up.knock("nobody", body, good)).status_code == 404
    long = b" " * (MEGABYTE + 1)
    assert (await up.knock(account.name, long, signed(long, account.secret))).status_code == 413


async def test_a_signed_body_that_says_nothing_is_taken_and_kept_aside(up: House) -> None:
    account = up.accounts[0]
    body = b'{"triggerEvent": '
    answer = await up.knock(account.name, body, signed(body, account.secret))
    assert answer.status_code == 202

    async def letters() -> list[Any]:
        return [letter for letter in await up.dead_letters() if letter.value == body]

    [letter] = await until(letters, 20)
    told = {name: value.decode() for name, value in letter.headers}
    assert (told["topic"], told["reason"], letter.key) == ("calcom.webhooks", "invalid_json", b"1")
    assert {"partition", "offset", "error"} <= told.keys()


async def test_a_signal_stops_everything_and_leaves_nothing_behind(up: House) -> None:
    started = up.everything_started()
    assert len(started) >= 7
    assert await up.stop() == 0
    _, alive = psutil.wait_procs(started, timeout=5)
    assert alive == []
    assert not (up.home / "endpoints.json").exists()
