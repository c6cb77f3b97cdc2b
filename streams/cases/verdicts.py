"""Verdicts: how each booking stands, told when it changes (topic `plumbline.verdicts`)."""

from collections.abc import Sequence

from streams.cases.book import subject_key
from streams.cases.case import Case, Phase
from streams.cases.step import Context
from streams.durable import CaseKey
from streams.facts.booking import Standing
from streams.facts.cause import Chain
from streams.facts.index import Key
from streams.model.ids import iso
from streams.model.records import Difference, Subject, Verdict
from streams.model.rule import Rule, SubjectKind

#: Last verdicts remembered; beyond it all are forgotten and told once more.
REMEMBERED_MAX = 200_000


class VerdictDesk:
    """Collects verdicts and holds back those that repeat the last one."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[str, str]] = {}
        self._cleared: dict[CaseKey, int] = {}
        self._out: list[Verdict] = []

    def cleared(self, key: CaseKey, after_ms: int) -> None:
        """A suspicion about this subject was looked into and is none."""
        self._cleared[key] = after_ms

    def judged(self, context: Context, cases: Sequence[Case]) -> None:
        """Tell each chain's verdict, and suspicions about calls and unbooked appointments that came to nothing."""
        cleared, self._cleared = self._cleared, {}
        for chain in context.cause.chains:
            self._of_chain(chain, context, cases, cleared)
        named = {a.id for a in context.cause.appointments if a.link is not None}
        for key, after_ms in cleared.items():
            if key.subject.kind == "c" or (key.subject.kind == "a" and key.subject.id not in named):
                kind = SubjectKind.CALL if key.subject.kind == "c" else SubjectKind.APPOINTMENT
                subject = Subject(kind=kind, id=key.subject.id)
                self._tell(context, subject, "agree", f"cleared:{key.rule}", after_ms=after_ms)

    def take(self) -> tuple[Verdict, ...]:
        out, self._out = tuple(self._out), []
        return out

    def _of_chain(self, chain: Chain, context: Context, cases: Sequence[Case], cleared: dict[CaseKey, int]) -> None:
        tenant = context.cause.tenant
        links = {Key("b", tenant, link.uid) for link in chain.links}
        # A call's flags say nothing about how the booking stands.
        concerned = links | {Key("a", tenant, a.id) for a in context.cause.appointments_of(*chain.links)}
        own = [case for case in cases if subject_key(case) in concerned]
        subject = Subject(kind=SubjectKind.BOOKING, id=chain.newest.uid)
        confirmed = [c for c in own if c.phase is Phase.CONFIRMED and c.rule is not Rule.VERIFICATION_FAILED]
        suspected = [case for case in own if case.phase in (Phase.SUSPECTED, Phase.VERIFYING)]
        if confirmed:
            differences = confirmed[0].finding.differences if confirmed[0].finding else ()
            self._tell(context, subject, "differ", confirmed[0].rule, chain, differences=differences)
        elif suspected:
            self._tell(context, subject, "unknown", _why_unknown(suspected[0]), chain)
        elif chain.newest.state is None or chain.newest.state.standing is not Standing.PROVED:
            self._tell(context, subject, "unknown", "unread", chain)
        else:
            after = [(k.rule, ms) for k, ms in cleared.items() if k.subject in concerned]
            reason = f"cleared:{after[0][0]}" if after else "in_sync"
            self._tell(context, subject, "agree", reason, chain, after_ms=after[0][1] if after else None)

    def _tell(
        self,
        context: Context,
        subject: Subject,
        verdict: str,
        reason: str,
        chain: Chain | None = None,
        *,
        differences: tuple[Difference, ...] = (),
        after_ms: int | None = None,
    ) -> None:
        tenant = context.cause.tenant
        key, told = (tenant, f"{subject.kind}:{subject.id}"), (verdict, reason)
        last = self._last.get(key)
        if last == told or (verdict == "agree" and after_ms is None and last is not None and last[0] == "agree"):
            return
        if len(self._last) >= REMEMBERED_MAX:
            self._last.clear()
        self._last[key] = told
        now = str(iso(context.now))
        self._out.append(
            Verdict(
                tenant=tenant,
                subject=subject,
                verdict=verdict,  # type: ignore[arg-type]  # one of the three words
                reason=reason,
                as_of=now,
                compared_through=now,
                aliases=chain.refs if chain else (),
                differences=differences,
                suspected_for_ms=after_ms,
            )
        )


def _why_unknown(case: Case) -> str:
    if case.held_by is not None:
        return f"held_back:{case.held_by}"
    return str(Rule.VERIFICATION_FAILED) if case.unchecked else f"suspected:{case.rule}"
