"""How a source stands, as it is kept between two reports. The whole survives restarts and a change of leader."""

import msgspec

from streams.model.records import Finding
from streams.model.rule import Rule
from streams.model.source_records import EVERY_TENANT, SourceState, SourceWord


class RuleStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule about one source: the number of its last episode, and the finding that stands open."""

    episode: int = 0
    open: Finding | None = None
    #: Of the last finding told; what people see changes at most so often.
    told_at: int = 0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One source. All instants are milliseconds by the monitor's clock, which never goes back here.

    `unsent`: findings that may not be on Kafka yet; sent again after a crash, which changes nothing.
    """

    source: str
    word: SourceWord
    since: int
    at: int
    why: str = ""
    heard_through: int | None = None
    tenants: tuple[str, ...] = (EVERY_TENANT,)
    told_at: int = 0
    rules: dict[Rule, RuleStanding] = {}
    unsent: tuple[Finding, ...] = ()

    def of(self, rule: Rule) -> RuleStanding:
        """How one rule stands."""
        return self.rules.get(rule, RuleStanding())


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a report gives: the standing to keep first, then what to tell."""

    standing: Standing
    records: tuple[SourceState, ...] = ()
    findings: tuple[Finding, ...] = ()
