"""All cases of one partition: found by subject, announced, restated."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from streams.cases.case import Case, Phase, newer_case
from streams.facts.index import Key
from streams.model.ids import iso
from streams.model.records import Finding, FindingRecord, Restatement
from streams.model.rule import Rule
from streams.rules.violation import Violation

#: Open findings are restated this often, ms (design §1.6).
RESTATE_MS = 300_000


def subject_key(case: Case) -> Key:
    """The entity that a case is about."""
    return Key(case.kind[0], case.tenant, case.subject)


class _Stated:
    """What one tenant's restatement says."""

    def __init__(self) -> None:
        self.open: list[tuple[str, int]] = []
        self.checking: list[str] = []

    def record(self, tenant: str, at: str, generation: int) -> Restatement:
        return Restatement(
            tenant=tenant,
            at=at,
            open=tuple(sorted(self.open)),
            checking=tuple(sorted(self.checking)),
            generation=generation,
        )


class CaseBook:
    """Cases by the entity they are about, and what of them is still to be told."""

    def __init__(self) -> None:
        self.by_subject: dict[Key, dict[str, Case]] = {}
        self._to_announce: dict[str, Case] = {}
        self._restate_at = 0

    def load(self, case: Case) -> Case:
        """Take a case from the changelog, the newer of two; returns the one that stands."""
        cases = self.by_subject.setdefault(subject_key(case), {})
        held = cases[case.rule] = newer_case(cases.get(case.rule), case)
        self.note_announcement(held)
        return held

    def of(self, violation: Violation, tenant: str) -> Case:
        """The case of this violation, a new one if there is none."""
        fresh = Case(tenant=tenant, rule=violation.rule, kind=violation.kind, subject=violation.subject)
        return self.by_subject.setdefault(subject_key(fresh), {}).setdefault(violation.rule, fresh)

    def about(self, keys: Sequence[Key]) -> list[Case]:
        """Every case about one of these entities."""
        return [case for key in keys if key in self.by_subject for case in self.by_subject[key].values()]

    def drop(self, case: Case) -> None:
        """Forget a case that nobody was ever told of."""
        key = subject_key(case)
        cases = self.by_subject.get(key, {})
        cases.pop(case.rule, None)
        if not cases:
            self.by_subject.pop(key, None)

    def forget(self, key: Key) -> list[Case]:
        """Forget every case about this entity; they were all over."""
        return list(self.by_subject.pop(key, {}).values())

    def forget_rule(self, key: Key, rule: str) -> None:
        """A tombstone met on load."""
        self.by_subject.get(key, {}).pop(Rule(rule), None)

    def under_told_name(self, violation: Violation, tenant: str) -> Violation:
        """A chain's alert keeps the name it was told under, though an older link came to light since."""
        if violation.kind != "booking" or violation.rule is Rule.DUPLICATE_BOOKING:
            return violation
        for link in violation.links:
            case = self.by_subject.get(Key("b", tenant, link.uid), {}).get(violation.rule)
            if case is not None and case.durable:
                return msgspec.structs.replace(violation, subject=case.subject)
        return violation

    def note_announcement(self, case: Case) -> None:
        if case.announce:
            self._to_announce[case.id] = case

    def to_announce(self) -> list[FindingRecord]:
        """Findings marked "to announce" and not yet acknowledged."""
        return [case.finding for case in self._to_announce.values() if case.finding is not None]

    def announced(self, finding: Finding) -> Case | None:
        """The broker has it: the mark goes. Null if the case has moved on since."""
        case = self._to_announce.get(finding.alert_id)
        if case is None or case.finding != finding:
            return None
        del self._to_announce[finding.alert_id]
        case.announce = False
        return case

    def restatements(self, now: int, tenants: Iterable[str], generation: int) -> list[FindingRecord]:
        """Every 5 minutes: all open findings again, and for each tenant the list of them.

        The first 5 minutes after the start: what stands may have to be proved first.
        """
        self._restate_at = self._restate_at or now + RESTATE_MS
        if now < self._restate_at:
            return []
        self._restate_at = now + RESTATE_MS
        stated = {tenant: _Stated() for tenant in tenants}
        findings: list[FindingRecord] = []
        for case in self._all():
            held = stated.setdefault(case.tenant, _Stated())
            if case.phase is Phase.CONFIRMED and case.finding is not None and not case.announce:
                held.open.append((case.id, case.episode))
                findings.append(case.finding)
            elif case.phase is not Phase.CLEAR:
                held.checking.append(case.id)
        at = str(iso(now))
        return findings + [held.record(tenant, at, generation) for tenant, held in stated.items()]

    def phases_by_tenant(self) -> Counter[tuple[str, Phase]]:
        """How many cases of each tenant stand in each phase."""
        return Counter((case.tenant, case.phase) for case in self._all())

    def phases(self) -> Counter[str]:
        """How many cases stand in each phase, for metrics."""
        return Counter(case.phase for case in self._all())

    def standing(self) -> Iterator[Case]:
        """Every case that is suspected, being verified, or confirmed."""
        return (case for case in self._all() if case.phase is not Phase.CLEAR)

    def _all(self) -> Iterator[Case]:
        return (case for cases in self.by_subject.values() for case in cases.values())
