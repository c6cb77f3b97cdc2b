"""What alerts of one cause have in common, so that three hundred orphans of one event type are one issue.

    same tenant, rule, account and event type, begun within an hour     one issue
    so few of one kind that nothing is common                           put together by tenant and rule: scattered

The cause is guessed from what can be seen (a source was away, one event type, a burst), and named as such a guess.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from streams.model.ids import Instant
from streams.model.rule import SOURCE_RULES, Severity
from streams.model.source_records import EVERY_TENANT

#: What begins later than this after the first is another issue.
TOGETHER_MS = 3_600_000
#: Fewer than this have nothing in common but their rule.
ISSUE_ALERTS_MIN = 3
#: So many within so long are a burst.
BURST_ALERTS_MIN = 10
BURST_MS = 600_000
ISSUES_MAX = 10
EXAMPLES_MAX = 3
#: What began shortly after a source went away began because of it, too.
OUTAGE_SLACK_MS = 120_000

_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that agree in all of this and began within the same minute."""

    tenant: str
    rule: str
    severity: str
    account: str | None = None
    event_type: str | None = None
    began: Instant
    alerts: int
    open: int = 0
    example: str | None = None


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A source could not be trusted; `end` null: it still cannot."""

    source: str
    tenant: str
    begin: Instant
    end: Instant | None = None


class LikelyCause(StrEnum):
    """What the alerts of an issue have in common, the most telling first."""

    SOURCE = "source"  # it is about a source, or began while one was away
    EVENT_TYPE = "event_type"  # all of one event type
    BURST = "burst"  # many within minutes
    ACCOUNT = "account"  # all of one Cal.com account
    SCATTERED = "scattered"  # nothing but the rule


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts with one likely cause. `during`: the source that was away when they began. Instants are ISO text."""

    rule: str
    title: str
    severity: str
    tenant: str
    account: str | None
    event_type: str | None
    alerts: int
    open: int
    began_at: str
    last_began_at: str
    cause: LikelyCause
    during: str | None
    examples: tuple[str, ...]
    runbook: str


class Group(msgspec.Struct):
    """Troubles put together."""

    tenant: str
    rule: str
    severity: str
    account: str | None
    event_type: str | None
    first: Instant
    last: Instant
    scattered: bool = False
    alerts: int = 0
    open: int = 0
    examples: list[str] = msgspec.field(default_factory=list)
    during: str | None = None

    def take(self, one: Trouble) -> None:
        """One more."""
        self.first, self.last = min(self.first, one.began), max(self.last, one.began)
        self.severity = min(self.severity, one.severity, key=_rank)
        self.alerts += one.alerts
        self.open += one.open
        if one.example is not None and len(self.examples) < EXAMPLES_MAX:
            self.examples.append(one.example)

    @property
    def cause(self) -> LikelyCause:
        """The most telling of what is common."""
        if self.rule in SOURCE_RULES or self.during is not None:
            return LikelyCause.SOURCE
        if self.scattered or self.alerts < ISSUE_ALERTS_MIN:
            return LikelyCause.SCATTERED
        if self.event_type is not None:
            return LikelyCause.EVENT_TYPE
        if self.alerts >= BURST_ALERTS_MIN and self.last - self.first <= BURST_MS:
            return LikelyCause.BURST
        return LikelyCause.ACCOUNT if self.account is not None else LikelyCause.SCATTERED


def grouped(troubles: Iterable[Trouble], outages: Sequence[Outage] = ()) -> list[Group]:
    """The issues, the most urgent first: by severity, what still stands, how many."""
    alike: defaultdict[tuple[str, str, str, str], list[Trouble]] = defaultdict(list)
    for one in troubles:
        alike[one.tenant, one.rule, one.account or "", one.event_type or ""].append(one)
    groups = [group for members in alike.values() for group in _in_time(members)]
    groups = _scattered_together(groups)
    for group in groups:
        group.during = _outage_of(group, outages)
    return sorted(groups, key=lambda g: (_rank(g.severity), -min(g.open, 1), -g.alerts, g.first, g.tenant, g.rule))


def _in_time(members: list[Trouble]) -> list[Group]:
    groups: list[Group] = []
    for one in sorted(members, key=lambda trouble: trouble.began):
        if not groups or one.began - groups[-1].first > TOGETHER_MS:
            groups.append(Group(one.tenant, one.rule, one.severity, one.account, one.event_type, one.began, one.began))
        groups[-1].take(one)
    return groups


def _scattered_together(groups: list[Group]) -> list[Group]:
    """Groups too small to mean something become one a tenant and rule; one that is alone in it stays as it is."""
    small: defaultdict[tuple[str, str], list[Group]] = defaultdict(list)
    for group in groups:
        if group.alerts < ISSUE_ALERTS_MIN and group.rule not in SOURCE_RULES:
            small[group.tenant, group.rule].append(group)
    together = [_merged(members) if len(members) > 1 else members[0] for members in small.values()]
    kept = [group for group in groups if group.alerts >= ISSUE_ALERTS_MIN or group.rule in SOURCE_RULES]
    return kept + together


def _merged(members: list[Group]) -> Group:
    first = members[0]
    examples = [example for group in members for example in group.examples]
    return Group(
        tenant=first.tenant,
        rule=first.rule,
        severity=min((group.severity for group in members), key=_rank),
        account=_only(group.account for group in members),
        event_type=_only(group.event_type for group in members),
        first=min(group.first for group in members),
        last=max(group.last for group in members),
        scattered=True,
        alerts=sum(group.alerts for group in members),
        open=sum(group.open for group in members),
        examples=examples[:EXAMPLES_MAX],
    )


def _outage_of(group: Group, outages: Sequence[Outage]) -> str | None:
    if group.rule in SOURCE_RULES or group.scattered:
        return None
    for outage in outages:
        theirs = outage.tenant in (group.tenant, EVERY_TENANT)
        if (
            theirs
            and outage.begin <= group.first
            and (outage.end is None or group.first <= outage.end + OUTAGE_SLACK_MS)
        ):
            return outage.source
    return None


def _only(values: Iterable[str | None]) -> str | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _rank(severity: str) -> int:
    return _RANK[Severity(severity)]
