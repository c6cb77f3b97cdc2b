"""What a step of a case may look at, and what comes of it."""

from collections.abc import Callable

import msgspec

from streams.cases.case import Case
from streams.cases.refusals import Refusal
from streams.facts.cause import Cause
from streams.facts.index import FactIndex, Key
from streams.model.judgement import Judgement
from streams.model.records import Finding
from streams.rules.violation import Need

#: A question without answer is asked again, under the same request id, after this time, ms.
ASK_AGAIN_MS = 10_000
FAR = 1 << 62


class Ask(msgspec.Struct, frozen=True):
    """A question to send: `round_` makes its request id, the same however often it is asked."""

    need: Need
    purpose: str
    round_: str
    matters_at: int | None


class Step(msgspec.Struct):
    """What came of one step: questions, whether something is to be told, when to look again."""

    asks: list[Ask] = []
    wake_at: int = FAR
    moved: bool = False
    cleared_after_ms: int | None = None

    def wake(self, at: int) -> None:
        self.wake_at = min(self.wake_at, at)

    def tell(self, case: Case, finding: Finding) -> None:
        """Mark a finding "to announce" (design §1.6)."""
        case.finding, case.announce, self.moved = finding, True, True


class Context(msgspec.Struct):
    """What a step may look at besides its case."""

    index: FactIndex
    keys: list[Key]
    cause: Cause
    judgement: Judgement
    now: int
    lag_wait_ms: int
    #: What came of a need instead of a usable answer: (tenant, need) → refusal, if there was one.
    refused: Callable[[str, Need], Refusal | None]
    #: The tenant's own usual delay between the two sides (p50), ms.
    usual_ms: int | None = None
