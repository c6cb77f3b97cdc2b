"""What each rule says of a small world, whole: about whom, since and until when, and what would prove it.

Instants are seconds after the beginning, needs are words: `AbsenceOf 4fQx` asks for two reads that do not find it.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.model.ids import parse_iso
from streams.model.judgement import Judgement
from streams.rules import judge
from streams.rules.violation import Need, Violation
from tests.judged_worlds import JUDGED, strangers
from tests.truth import T0, TENANT

_INSTANTS = {"newest", "since", "until", "critical_from", "starts_at", "start", "end", "created_at"}


def shown(violation: Violation) -> dict[str, Any]:
    """All but what is absent."""
    said = {name: getattr(violation, name) for name in violation.__struct_fields__}
    said |= {
        "links": [link.uid for link in violation.links],
        "appointments": [appointment.id for appointment in violation.appointments],
        "calls": [call.id for call in violation.calls],
        "needs": [_need(need) for need in violation.needs],
        "local": _side(violation.local),
        "calcom": _side(violation.calcom),
        "differences": [[d.field, _text(d.local), _text(d.calcom)] for d in violation.differences],
        "extra": [
            f"{item.source}: {item.what}" + (" (restricted)" if item.restricted else "") for item in violation.extra
        ],
    }
    return {name: _seconds(name, value) for name, value in said.items() if value not in (None, [], {})}


def _seconds(name: str, value: Any) -> Any:
    return (value - T0) / 1000 if name in _INSTANTS and value is not None else value


def _need(need: Need) -> str:
    fields = {name: _seconds(name, getattr(need, name)) for name in need.__struct_fields__}
    return " ".join([type(need).__name__, *(_words(value) for value in fields.values() if value is not None)])


def _words(value: Any) -> str:
    return "+".join(value) if isinstance(value, tuple) else str(value)


def _side(side: Any) -> dict[str, Any]:
    said = {name: _text(value) for name, value in msgspec.structs.asdict(side).items() if name != "extra"}
    return {name: value for name, value in said.items() if value is not None} | side.extra


def _text(value: str | None) -> float | str | None:
    return (int(parse_iso(value) or 0) - T0) / 1000 if value and value.endswith("Z") else value


SAID: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "violations.json").read_text()
)


@pytest.mark.parametrize("world", JUDGED)
def test_of_a_world_the_rules_say(world: str) -> None:
    assert [shown(violation) for violation in judge(JUDGED[world]().all(), Judgement())] == SAID[world]


@pytest.mark.parametrize("world", sorted(JUDGED.keys() - {"rows without tenant"}))
def test_affairs_of_others_beside_it_change_nothing(world: str) -> None:
    told = [shown(violation) for violation in judge(strangers(JUDGED[world]()).all(), Judgement())]
    assert told == SAID[world]


def test_each_tenant_is_judged_by_its_own_bounds() -> None:
    patient = Judgement(tenants={TENANT: Judgement(tolerance_ms=3_600_000)})
    assert judge(JUDGED["starts and ends an hour apart"]().all(), patient) == []
    others = Judgement(tenants={"2": Judgement(tolerance_ms=3_600_000)})
    assert [violation.rule for violation in judge(JUDGED["ends an hour apart"]().all(), others)] == ["end_time_drift"]
