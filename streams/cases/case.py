"""A case: the life of one rule's suspicion about one subject.

    clear ──violation──▶ suspected ──grace over──▶ verifying ──round proves it──▶ confirmed
      ▲                      │                         │                             │
      └──────cleared─────────┴─────────cleared─────────┘                             │
      └───────────────────────resolved (the next return is a new episode)────────────┘

Suspicion and verification follow from the facts alone and are found again after a restart; what is kept durably is what
people were told: confirmed cases and their episode numbers.
"""

from enum import StrEnum

import msgspec

from streams.model.ids import alert_id
from streams.model.records import Finding
from streams.model.rule import Rule, SubjectKind


class Phase(StrEnum):
    """Where a case stands."""

    CLEAR = "clear"  # nothing is wrong; kept for its episode number
    SUSPECTED = "suspected"  # the predicate holds, grace is running
    VERIFYING = "verifying"  # both sides are being read again
    CONFIRMED = "confirmed"  # proved and told


class Case(msgspec.Struct, kw_only=True):
    """One rule, one subject. Mutated by `streams.cases.advance` only."""

    tenant: str
    rule: Rule
    kind: SubjectKind
    subject: str
    phase: Phase = Phase.CLEAR
    episode: int = 0
    #: When the present suspicion arose, by the broker's clock.
    suspected_at: int = 0
    #: No round begins before this: set when a higher rule spoke or a round did not agree with the facts.
    floor: int = 0
    #: A higher rule spoke for it when it was last judged.
    silenced: bool = False
    detected_at: int = 0
    #: The last finding, as told; restated every 5 minutes while open.
    finding: Finding | None = None
    #: The finding still has to be sent (design §1.6, step 1).
    announce: bool = False
    reread_at: int = 0
    #: Which uids a resolution must know by proof.
    uids: tuple[str, ...] = ()
    #: The source whose silence holds it back now.
    held_by: str | None = None
    #: Answers to its questions cannot be used: verification_failed speaks.
    unchecked: bool = False

    @property
    def id(self) -> str:
        return alert_id(self.rule, self.tenant, self.kind, self.subject)

    @property
    def durable(self) -> bool:
        """Whether a restart must find it again."""
        return self.episode > 0


def newer_case(a: Case | None, b: Case) -> Case:
    """Of two states of one case the one further on (a frozen old owner may have written last)."""
    if a is None:
        return b
    return max(a, b, key=_progress)


def _progress(case: Case) -> tuple[int, str, bool]:
    return (case.episode, case.finding.at if case.finding else "", not case.announce)
