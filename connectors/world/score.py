"""The score: what of the ledger's truth was told, how soon, and what was told that is not true. Pure.

Shape: contracts.md, "scoreboard.json".
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from connectors.world.instants import SECOND, parse
from connectors.world.ledger import Bound, Entry, Fault

#: An alert is true if its fault existed at any instant from so long before `detected_at` on.
TRUE_BEFORE_SECONDS = 10
#: Faults that only lists or the poll can show must be found within this.
LATE_SECONDS_MAX = 90.0
BOUNDS: tuple[Bound, ...] = ("poll_bound", "settle_bound", "list_bound")

Alert = Mapping[str, Any]
#: Rule, tenant, kind and id of the subject: what makes an alert the same one.
_Key = tuple[str, str, str, str]


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """The scoreboard, whether it is good enough, and what is not: ids of faults missed, of alerts false."""

    board: dict[str, Any]
    passed: bool
    missed: tuple[str, ...]
    false_alarms: tuple[str, ...]
    #: List- and poll-bound faults that took longer than LATE_SECONDS_MAX. Told, not a reason to fail.
    late: tuple[str, ...]


class _Outcome(msgspec.Struct, frozen=True):
    """One fault that counts. `seconds` from its completion to the alert's readability; None: missed."""

    fault: Fault
    seconds: float | None


def score(ledger: Iterable[Entry], alerts: Sequence[Alert], events: int = 0) -> Score:
    """Compares.

    `alerts`: as `GET /v1/alerts` gives them, and in each `readable_at`, ISO 8601: when it was first readable.
    An alert seen in several episodes may be given once for each. `events`: all that the product was shown.
    """
    faults = [entry for entry in ledger if isinstance(entry, Fault)]
    faults_of: dict[_Key, list[Fault]] = defaultdict(list)
    alerts_of: dict[_Key, list[Alert]] = defaultdict(list)
    for fault in faults:
        faults_of[_key_of_fault(fault)].append(fault)
    for alert in alerts:
        alerts_of[_key(alert)].append(alert)
    is_false = [not any(_is_told_truly(f, alert) for f in faults_of.get(_key(alert), ())) for alert in alerts]
    outcomes = [
        _Outcome(fault, _detection(fault, alerts_of.get(_key_of_fault(fault), ()))) for fault in faults if fault.counts
    ]
    false = [alert for alert, wrong in zip(alerts, is_false, strict=True) if wrong]
    true = [alert for alert, wrong in zip(alerts, is_false, strict=True) if not wrong]
    rules = {
        rule: _line(
            [each for each in outcomes if each.fault.rule == rule],
            [alert for alert in true if alert["rule"] == rule],
            [alert for alert in false if alert["rule"] == rule],
            sum(fault.changes for fault in faults if fault.rule == rule),
        )
        for rule in sorted({fault.rule for fault in faults})
    }
    missed = tuple(each.fault.id for each in outcomes if each.seconds is None)
    return Score(
        board={"total": _line(outcomes, true, false, events), "rules": rules},
        passed=not missed and not false,
        missed=missed,
        false_alarms=tuple(str(alert["id"]) for alert in false),
        late=tuple(each.fault.id for each in outcomes if _is_late(each)),
    )


def percentile(values: Sequence[float], share: float) -> float | None:
    """Nearest rank; None of nothing."""
    if not values:
        return None
    return round(sorted(values)[max(0, math.ceil(share * len(values)) - 1)], 3)


def _line(outcomes: list[_Outcome], true: list[Alert], false: list[Alert], events: int) -> dict[str, Any]:
    """One line of the board. Bound faults stand apart; their alerts are no false ones."""
    usual = [each for each in outcomes if each.fault.bound is None]
    found = [each for each in usual if each.seconds is not None]
    told = len(true) + len(false)
    return {
        "planted": len(usual),
        "found": len(found),
        "false_alarms": len(false),
        "recall": round(len(found) / len(usual), 4) if usual else None,
        "precision": round(len(true) / told, 4) if told else None,
        "detection_seconds": _seconds(usual),
        **{bound: _apart([each for each in outcomes if each.fault.bound == bound]) for bound in BOUNDS},
        "events": events,
    }


def _apart(outcomes: list[_Outcome]) -> dict[str, Any]:
    return {
        "planted": len(outcomes),
        "found": sum(each.seconds is not None for each in outcomes),
        "detection_seconds": _seconds(outcomes),
    }


def _seconds(outcomes: list[_Outcome]) -> dict[str, float | None]:
    values = [each.seconds for each in outcomes if each.seconds is not None]
    return {"p50": percentile(values, 0.5), "p95": percentile(values, 0.95), "max": percentile(values, 1.0)}


def _detection(fault: Fault, alerts: Sequence[Alert]) -> float | None:
    """Seconds from the completion to the first of its key's alerts that tells of it truly; never below 0."""
    complete = parse(fault.complete_at)
    told = [max(0, parse(alert["readable_at"]) - complete) / SECOND for alert in alerts if _is_told_truly(fault, alert)]
    return min(told, default=None)


def _is_told_truly(fault: Fault, alert: Alert) -> bool:
    if fault.ended_at is None:
        return True
    return parse(fault.ended_at) >= parse(alert["detected_at"]) - TRUE_BEFORE_SECONDS * SECOND


def _is_late(outcome: _Outcome) -> bool:
    waits = outcome.fault.bound in ("poll_bound", "list_bound")
    return waits and outcome.seconds is not None and outcome.seconds > LATE_SECONDS_MAX


def _key(alert: Alert) -> _Key:
    subject = alert["subject"]
    return str(alert["rule"]), str(alert["tenant"]), str(subject["kind"]), str(subject["id"])


def _key_of_fault(fault: Fault) -> _Key:
    return fault.rule, fault.tenant, fault.subject.kind, fault.subject.id
