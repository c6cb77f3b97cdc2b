"""Single steps of cases in a specification: a violation as a rule would say it, and what a step may look at."""

from collections.abc import Sequence
from typing import Any

from streams.cases.case import Case, Phase
from streams.cases.evidence import opened
from streams.cases.refusals import Refusal
from streams.cases.step import Context
from streams.facts.cause import Cause
from streams.facts.index import FactIndex, Key
from streams.facts.picture import build_cause
from streams.model.judgement import Judgement
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import Need, Violation
from tests.truth import T0

SECOND = 1_000
LAG = 2 * SECOND
#: By default a fault of a call alone: 2 s of grace, no lag wait.
RULE = Rule.MISSING_DIRECTION
GRACE = 2 * SECOND
BOUNDS = Judgement(grace_ms=dict.fromkeys(Rule, GRACE))


def case(phase: Phase = Phase.CLEAR, **fields: Any) -> Case:
    return Case(**({"tenant": "1", "rule": RULE, "kind": SubjectKind.CALL, "subject": "5", "phase": phase} | fields))


def violation(*needs: Need, **fields: Any) -> Violation:
    """Something new was last heard at T0."""
    said = {"rule": RULE, "kind": SubjectKind.CALL, "subject": "5", "two_sided": False, "newest": T0, "since": T0}
    return Violation(**(said | {"needs": needs} | fields))


def context(
    now: int,
    index: FactIndex | None = None,
    keys: Sequence[Key] = (),
    *,
    judgement: Judgement = BOUNDS,
    refused: dict[Need, Refusal] | None = None,
) -> Context:
    held = index or FactIndex()
    cause = build_cause(held, list(keys)) if keys else Cause("1", [], [], [])
    said = refused or {}
    return Context(
        held, list(keys), cause, judgement, now, LAG, lambda tenant, need: said.get(need) if tenant == "1" else None
    )


def told(rule: Rule = RULE, *, at: int = T0, **fields: Any) -> Case:
    """A case that was proved and told at this instant."""
    known = case(Phase.CONFIRMED, rule=rule, episode=2, suspected_at=at - GRACE, detected_at=at, **fields)
    known.reread_at = at + 60 * SECOND
    known.finding = opened(known, violation(rule=rule), context(at))
    return known
