"""The score as a table for docs/reliability.md: each rule beside what is promised of it. Pure."""

from collections.abc import Mapping
from typing import Any

from connectors.world.ledger import GRACE_SECONDS
from connectors.world.score import BOUNDS, LATE_SECONDS_MAX

#: p95 is promised within grace and lag wait and so much more.
BEYOND_GRACE_SECONDS = 1.5
#: Where a 404 must be read twice, so much besides.
SECOND_READ_SECONDS = 2.0
#: Rules whose proof rests on a booking that Cal.com does not know.
READ_TWICE = frozenset({"orphaned_local", "missing_appointment"})

Board = Mapping[str, Any]


def target_seconds(rule: str) -> float:
    """The p95 that is promised."""
    return GRACE_SECONDS[rule] + BEYOND_GRACE_SECONDS + (SECOND_READ_SECONDS if rule in READ_TWICE else 0)


def keeps_promise(rule: str, line: Board) -> bool:
    """Whether the rule's p95 is within its target; a rule of which nothing was found keeps none."""
    p95 = line["detection_seconds"]["p95"]
    return p95 is not None and p95 <= target_seconds(rule)


def markdown(board: Board) -> str:
    """One row a rule, the total, and below it what is bound to wait."""
    rows = [
        "| rule | planted | found | false | recall | precision | p50 s | p95 s | max s | p95 promised | |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(_row(f"`{rule}`", line, rule) for rule, line in board["rules"].items()),
        _row("**total**", board["total"], None),
        "",
        "| apart | planted | found | p50 s | p95 s | max s | bound s |",
        "|---|---|---|---|---|---|---|",
        *(_apart(bound, board["total"][bound]) for bound in BOUNDS),
    ]
    return "\n".join(rows) + "\n"


def _row(name: str, line: Board, rule: str | None) -> str:
    promise, verdict = ("", "")
    if rule is not None:
        promise, verdict = f"{target_seconds(rule):.1f}", "ok" if keeps_promise(rule, line) else "short"
    cells = [
        name, line["planted"], line["found"], line["false_alarms"], _share(line["recall"]), _share(line["precision"]),
        *_seconds(line), promise, verdict,
    ]  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _apart(bound: str, line: Board) -> str:
    most = "" if bound == "settle_bound" else f"{LATE_SECONDS_MAX:.0f}"
    cells = [bound.replace("_", " "), line["planted"], line["found"], *_seconds(line), most]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _seconds(line: Board) -> list[str]:
    values = [line["detection_seconds"][name] for name in ("p50", "p95", "max")]
    return ["–" if value is None else f"{value:.1f}" for value in values]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
