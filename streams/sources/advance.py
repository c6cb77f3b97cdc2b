"""From what a watcher says to what is told: states for the worker, findings for people.

    word           opens            while it lasts, absences of the source are
    live           nothing          true
    snapshotting   nothing          unknown: the tables are being read
    stalled        source_stalled   unknown
    gap            coverage_gap     unknown: events were lost, the back-fill is running

A word that opens another rule, or none, resolves what stands open. `webhook_subscription_drift` stands apart: it is
open while the report shows a drift, whatever the word. A source that returns to its fault has a new episode.
"""

import msgspec

from streams.model.ids import Instant, iso
from streams.model.records import Finding
from streams.model.rule import SOURCE_RULES, Resolution, Rule
from streams.model.source_records import SourceState, SourceWord
from streams.sources.findings import opened, resolved, updated
from streams.sources.report import SourceReport
from streams.sources.standing import RuleStanding, Standing, Step

#: A state is told when it changes, and this often while it does not.
STATE_EVERY_MS = 5_000
#: A why that counts up changes what people see at most this often.
UPDATE_EVERY_MS = 60_000

OPENS: dict[SourceWord, Rule | None] = {
    "live": None,
    "snapshotting": None,
    "stalled": Rule.SOURCE_STALLED,
    "gap": Rule.COVERAGE_GAP,
}


def advance(standing: Standing | None, report: SourceReport, now: Instant) -> Step:
    """The source after a report at `now`; `standing` is None at the first. Time that went back stands still."""
    now = Instant(max(now, standing.at if standing else 0))
    before = standing or Standing(source=report.source, word="live", since=now, at=now)
    report = msgspec.structs.replace(report, heard_through=_heard(before, report))
    rules, findings = dict(before.rules), []
    for rule in sorted(SOURCE_RULES):
        after, told = _judged(rule, before, report, now)
        if after != before.of(rule):
            rules[rule] = after
        findings += [told] if told else []
    changed = standing is None or before.word != report.word or before.tenants != report.tenants
    after_all = msgspec.structs.replace(
        before,
        word=report.word,
        since=before.since if before.word == report.word else now,
        at=now,
        why=report.why,
        heard_through=report.heard_through,
        tenants=report.tenants,
        rules=rules,
        unsent=_unsent(before, findings),
    )
    return _told(after_all, tuple(findings), now, due=changed or now - before.told_at >= STATE_EVERY_MS)


def retire(standing: Standing, now: Instant) -> Step:
    """Nobody watches the source any more (its account was taken out): what stands open is over."""
    now = Instant(max(now, standing.at))
    rules, findings = dict(standing.rules), []
    for rule, one in standing.rules.items():
        if one.open is not None:
            findings.append(resolved(one.open, None, now, Resolution.RULE_DISABLED))
            rules[rule] = RuleStanding(episode=one.episode, told_at=now)
    after = msgspec.structs.replace(standing, at=now, rules=rules, unsent=_unsent(standing, findings))
    return Step(standing=after, findings=tuple(findings))


def _judged(rule: Rule, before: Standing, report: SourceReport, now: Instant) -> tuple[RuleStanding, Finding | None]:
    """One rule after a report, and what is to be told of it."""
    stands, holds = before.of(rule), _holds(rule, report)
    if holds is None or (stands.open is None and not holds):
        return stands, None
    if stands.open is None:
        finding = opened(rule, report, episode=stands.episode + 1, began=_began(rule, before, now), now=now)
        return RuleStanding(episode=finding.episode, open=finding, told_at=now), finding
    if not holds:
        return RuleStanding(episode=stands.episode, told_at=now), resolved(stands.open, report, now)
    finding = updated(stands.open, report, now)
    drifted = finding.differences != stands.open.differences
    if drifted or (finding.local != stands.open.local and now - stands.told_at >= UPDATE_EVERY_MS):
        return RuleStanding(episode=stands.episode, open=finding, told_at=now), finding
    return stands, None


def _holds(rule: Rule, report: SourceReport) -> bool | None:
    """Whether the rule's fault is there; None where nobody could look, and what stood stands."""
    if rule is Rule.WEBHOOK_SUBSCRIPTION_DRIFT:
        return None if report.drift is None else bool(report.drift)
    return OPENS[report.word] is rule


def _began(rule: Rule, before: Standing, now: Instant) -> Instant:
    """A silence and a loss began behind what was heard last."""
    if rule is Rule.WEBHOOK_SUBSCRIPTION_DRIFT or before.heard_through is None:
        return now
    return Instant(min(before.heard_through, now))


def _heard(before: Standing, report: SourceReport) -> int | None:
    known = [at for at in (before.heard_through, report.heard_through) if at is not None]
    return max(known) if known else None


def _unsent(before: Standing, findings: list[Finding]) -> tuple[Finding, ...]:
    """Of an alert only its newest finding: while Kafka is away there are never more than there are rules."""
    waiting = {finding.alert_id: finding for finding in (*before.unsent, *findings)}
    return tuple(waiting.values())


def _told(after: Standing, findings: tuple[Finding, ...], now: Instant, *, due: bool) -> Step:
    if not due:
        return Step(standing=after, findings=findings)
    state = SourceState(
        source=after.source,
        state=after.word,
        since=iso(after.since) or "",
        at=iso(now) or "",
        heard_through=iso(after.heard_through),
        tenants=after.tenants,
    )
    return Step(standing=msgspec.structs.replace(after, told_at=now), records=(state,), findings=findings)
