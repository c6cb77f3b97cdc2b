"""What each rule's finding carries: the ids, both sides and the difference that people act on (contracts.md).

One world a rule, as plain as can be; times are shown as seconds after the beginning.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.model.ids import parse_iso
from streams.model.records import Finding, Side
from tests.plain_worlds import PLAIN
from tests.words import T0


def seconds(text: str | None) -> float | None:
    at = parse_iso(text)
    return None if at is None else (at - T0) / 1000


def side(one: Side) -> dict[str, Any]:
    said = {"booking": one.booking, "start": seconds(one.start), "end": seconds(one.end), "status": one.status}
    return {name: value for name, value in said.items() if value is not None} | one.extra


def shown(finding: Finding) -> dict[str, Any]:
    """All but what is absent; differences as (field, local, Cal.com)."""
    said = {
        "subject": f"{finding.subject.kind} {finding.subject.id}",
        "severity": str(finding.severity),
        "booking_uid": finding.booking_uid,
        "appointment_id": finding.appointment_id,
        "call_id": finding.call_id,
        "local": side(finding.local),
        "calcom": side(finding.calcom),
        "differences": [[d.field, _value(d.local), _value(d.calcom)] for d in finding.differences],
        "starts_at": seconds(finding.starts_at),
        "event_type_id": finding.event_type_id,
        "opened_at": seconds(finding.opened_at),
        "read_what": finding.verification.read_what,
        "evidence": [item.what for item in finding.evidence],
    }
    return {name: value for name, value in said.items() if value not in (None, {}, [])}


def _value(text: str | None) -> float | str | None:
    return seconds(text) if text and text.endswith("Z") else text


SAID: dict[str, dict[str, Any]] = json.loads((Path(__file__).parents[1] / "fixtures" / "findings.json").read_text())


@pytest.mark.parametrize("rule", PLAIN)
def test_each_rule_says(rule: str) -> None:
    make, until = PLAIN[rule]
    assert shown(make().until(until).finding(rule)) == SAID[rule]


@pytest.mark.parametrize("rule", PLAIN)
def test_each_rule_speaks_alone(rule: str) -> None:
    """One cause, one alert."""
    make, until = PLAIN[rule]
    others = {"orphaned_calcom"} if rule == "never_synced" else set()  # the booking beside it is no part of the cause
    assert {finding.rule for _, finding in make().until(until).findings} - others == {rule}


@pytest.mark.parametrize("rule", PLAIN)
def test_a_restart_changes_nothing_of_it(rule: str) -> None:
    make, until = PLAIN[rule]
    world = make().until(until)
    world.restarts()
    assert len([f for _, f in world.until(until + 20).findings if f.rule == rule and f.change == "opened"]) == 1
