"""An alert's whole life as a state machine: worker, wire, people and time do what they like, and the laws hold.

Faults move in a worker, which may be replaced by a new one; what it tells reaches the store late, twice or never, in
any order. Meanwhile people act and time passes. `python -m tests.prove.lifecycle` runs it for many steps.
"""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.alerts.actions import (
    SNOOZE_DAYS_MAX,
    Acknowledge,
    ActionRefused,
    Assign,
    PersonsAction,
    Recheck,
    Remark,
    Reopen,
    Resolve,
    Snooze,
    SnoozeUntilChanged,
    SnoozeUntilResolved,
    Unacknowledge,
    apply_action,
)
from streams.alerts.alert import PEOPLES_RESOLUTIONS, Alert, Step, TrackedAlert, settled
from streams.alerts.flapping import RETURNS_KEPT
from streams.alerts.lifecycle import apply_finding
from streams.alerts.passing import end_snooze, expire_acknowledgement
from streams.alerts.restating import apply_absence, apply_presence, is_restated
from streams.alerts.surroundings import Surroundings
from streams.alerts.transitions import leads_to, refusal
from streams.model.ids import Instant, alert_id, parse_iso
from streams.model.records import Difference, Finding, Restatement
from streams.model.rule import AlertStatus, Resolution, Rule
from tests.alert_words import INSTALLED, at, clock, finding

SUBJECTS = ("4fQ", "9zK")
ACKNOWLEDGE_HOURS = 2.0
DAY = 24 * 60
MACHINES = ("differences", "local", "calcom", "episode", "opened_at", "detected_at", "verification", "evidence")
PEOPLES = ("acknowledged_by", "acknowledged_at", "assignee", "snoozed_until")

subjects = st.sampled_from(SUBJECTS)
#: None is a snooze for a while.
actions = st.sampled_from(
    [Acknowledge(), Unacknowledge(), SnoozeUntilChanged(), SnoozeUntilResolved(), None, Reopen(), Recheck(),
     Assign(assignee="ben"), Assign(assignee=None), Remark(note="called"),
     *(Resolve(resolution=word) for word in sorted(PEOPLES_RESOLUTIONS))]
)  # fmt: skip


@dataclass
class Fault:
    """What its worker knows of a fault, and what of its findings is on the wire or was heard."""

    subject: str
    generation: int = 1
    episode: int = 0
    stands: bool = False
    detected: float = 0
    wire: list[Finding] = field(default_factory=list)
    heard: list[Finding] = field(default_factory=list)
    #: Once a restatement said something, findings alone no longer tell what the alert must be.
    restated: bool = False

    @property
    def alert(self) -> str:
        return alert_id(Rule.ORPHANED_CALCOM, "3", "booking", self.subject)

    def told(self, change: str, minute: float, facts: str) -> Finding:
        return finding(
            change, minute, proved=self.detected, episode=self.episode, subject=self.subject, starts=None,
            differences=(Difference(field="start", local=None, calcom=facts),), generation=self.generation,
        )  # fmt: skip


class AlertModel(RuleBasedStateMachine):
    """`store` is what the table of alerts holds."""

    steps: ClassVar[int] = 0
    #: How often an action led from a status to another.
    seen: ClassVar[Counter[tuple[str, str | None, str]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.minute = 0.0
        self.ahead = 0
        self.faults = {subject: Fault(subject) for subject in SUBJECTS}
        self.store: dict[str, TrackedAlert] = {}

    @initialize(minutes=st.sampled_from([0, 0, 3]), subject=subjects)
    def the_clock_of_the_worker_is_ahead(self, minutes: int, subject: str) -> None:
        self.ahead = minutes
        self.a_fault_appears_or_changes(subject, "a", at_once=True)

    # The worker -------------------------------------------------------------------

    @rule(subject=subjects, facts=st.sampled_from("ab"), at_once=st.booleans())
    def a_fault_appears_or_changes(self, subject: str, facts: str, at_once: bool) -> None:
        fault = self._moved(subject)
        change = "updated" if fault.stands else "opened"
        if not fault.stands:
            fault.stands, fault.episode, fault.detected = True, fault.episode + 1, self.minute + self.ahead
        self._tell(fault, change, facts, at_once)

    @precondition(lambda self: any(fault.stands for fault in self.faults.values()))
    @rule(data=st.data(), facts=st.sampled_from("ab"), at_once=st.booleans())
    def a_fault_ends(self, data: Any, facts: str, at_once: bool) -> None:
        standing = [subject for subject, fault in self.faults.items() if fault.stands]
        fault = self._moved(data.draw(st.sampled_from(standing)))
        fault.stands = False
        self._tell(fault, "resolved", facts, at_once)

    @precondition(lambda self: self.minute > 15)
    @rule(subject=subjects)
    def a_new_worker_knows_nothing(self, subject: str) -> None:
        fault = self._moved(subject)
        fault.generation, fault.episode, fault.stands = fault.generation + 1, 0, False

    def _tell(self, fault: Fault, change: str, facts: str, at_once: bool) -> None:
        told = fault.told(change, self.minute + self.ahead, facts)
        (fault.heard if at_once else fault.wire).append(told)
        if at_once:
            self._hear(told)

    def _moved(self, subject: str) -> Fault:
        self.minute += 1
        return self.faults[subject]

    # The wire ---------------------------------------------------------------------

    @precondition(lambda self: any(fault.wire for fault in self.faults.values()))
    @rule(data=st.data())
    def the_store_hears_any_of_what_was_told(self, data: Any) -> None:
        fault = data.draw(st.sampled_from([fault for fault in self.faults.values() if fault.wire]))
        told = fault.wire.pop(data.draw(st.integers(0, len(fault.wire) - 1)))
        fault.heard.append(told)
        self._hear(told)

    @precondition(lambda self: any(fault.heard for fault in self.faults.values()))
    @rule(data=st.data())
    def what_was_heard_is_heard_again(self, data: Any) -> None:
        fault = data.draw(st.sampled_from([fault for fault in self.faults.values() if fault.heard]))
        before = self.store[fault.alert]
        self._hear(data.draw(st.sampled_from(fault.heard)))
        assert self.store[fault.alert] == before, "a repetition is no news"

    def _hear(self, told: Finding) -> None:
        known = self.store.get(told.alert_id)
        step = apply_finding(known, told, Surroundings(now=at(self.minute), installed_at=Instant(INSTALLED)))
        if step is None:
            return
        self._machine(known, step)
        after = step.tracked.alert
        if known is not None and told.change == "resolved" and known.alert.episode == after.episode:
            word = known.alert.resolution
            assert word not in PEOPLES_RESOLUTIONS or after.resolution is word, "a cure leaves a person's word"

    @rule(data=st.data(), checking=st.booleans())
    def a_restatement_comes(self, data: Any, checking: bool) -> None:
        fault = self._moved(data.draw(st.sampled_from([one for one, fault in self.faults.items() if fault.heard])))
        tracked = self.store[fault.alert]
        told = Restatement(
            tenant="3",
            at=str(clock(self.minute)),
            open=((fault.alert, fault.episode),) if fault.stands else (),
            checking=(fault.alert,) if checking and not fault.stands else (),
            generation=fault.generation,
        )
        restated = is_restated(tracked, told)
        if restated is None:
            return
        fault.restated = True
        step = (apply_presence if restated else apply_absence)(tracked, at(self.minute), at(self.minute))
        if step is not None:
            self._machine(tracked, step)

    # People and time --------------------------------------------------------------

    @rule(data=st.data(), action=actions, minutes=st.integers(2, 3 * 60))
    def a_person_acts(self, data: Any, action: PersonsAction | None, minutes: int) -> None:
        known = self.store[data.draw(st.sampled_from(sorted(self.store)))]
        self._act(known, action or Snooze(until=at(self.minute + minutes)))

    def _act(self, known: TrackedAlert, action: PersonsAction) -> None:
        self.minute += 1
        act = partial(apply_action, known, action, actor="ana", now=at(self.minute - 0.5))
        if sentence := refusal(action.name, known.alert.status):
            with pytest.raises(ActionRefused, match=sentence):
                act()
            return
        step = act()
        before, after = known.alert, step.tracked.alert
        assert [getattr(after, name) for name in MACHINES] == [getattr(before, name) for name in MACHINES]
        if isinstance(action, Remark):
            assert step.change is not None
            assert step.change.note == action.note
        self._take(known, step)

    @rule(minutes=st.sampled_from([1, 5, 30, 100, 150, SNOOZE_DAYS_MAX * DAY]))
    def time_passes(self, minutes: int) -> None:
        self.minute += minutes
        now = at(self.minute)
        for alert in self.store:
            for passing in (end_snooze, partial(expire_acknowledgement, hours=ACKNOWLEDGE_HOURS)):
                step = passing(self.store[alert], now)
                if step is not None:
                    self._machine(self.store[alert], step, by_time=True)
            after = self.store[alert].alert
            assert (parse_iso(after.snoozed_until) or now + 1) > now, "a snooze always ends"
            if after.status is AlertStatus.ACKNOWLEDGED:
                assert (parse_iso(after.acknowledged_at) or 0) > at(self.minute - 60 * ACKNOWLEDGE_HOURS)

    # The laws ---------------------------------------------------------------------

    def _machine(self, known: TrackedAlert | None, step: Step, *, by_time: bool = False) -> None:
        """People's fields survive what the machine does within an episode; the assignee survives all of it."""
        after = step.tracked.alert
        if known is not None:
            before = known.alert
            assert after.assignee == before.assignee
            if after.episode > before.episode:
                assert (after.acknowledged_by, after.snoozed_until) == (None, None)
                assert (after.status is AlertStatus.OPEN) == step.tracked.ledger.standing
            elif not by_time:
                kept = PEOPLES if known.ledger.snooze is None else PEOPLES[:-1]
                assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
        self._take(known, step)

    def _take(self, known: TrackedAlert | None, step: Step) -> None:
        """Every step: one version a visible change, a line that fits the table, a status that `settled` gives."""
        after, change = step.tracked.alert, step.change
        before = None if known is None else known.alert
        visible = before is None or _plain(before) != _plain(after)
        assert after.version == (0 if before is None else before.version) + visible
        assert settled(after, step.tracked.ledger) == after
        assert change is not None or not visible
        if change is not None:
            assert change.from_status == (None if before is None else before.status)
            assert change.to_status == after.status
            assert after.status in leads_to(change.action, change.from_status), change
            AlertModel.seen[change.action, change.from_status, change.to_status] += 1
        self.store[after.id] = step.tracked

    @invariant()
    def one_alert_a_fault(self) -> None:
        AlertModel.steps += 1
        assert set(self.store) == {fault.alert for fault in self.faults.values() if fault.heard}
        assert all(alert == tracked.alert.id for alert, tracked in self.store.items())

    @invariant()
    def bounds_hold(self) -> None:
        for tracked in self.store.values():
            bound = at(self.minute + SNOOZE_DAYS_MAX * DAY)
            assert (parse_iso(tracked.alert.snoozed_until) or 0) <= bound
            assert tracked.ledger.snooze is None or tracked.alert.snoozed_until is not None
            assert len(tracked.ledger.returns) <= RETURNS_KEPT

    @invariant()
    def what_findings_say_does_not_depend_on_their_order_nor_on_people(self) -> None:
        for fault in self.faults.values():
            if not fault.heard or fault.restated or fault.generation > 1:
                continue
            alone: TrackedAlert | None = None
            for told in sorted(fault.heard, key=lambda one: (one.episode, one.at)):
                step = apply_finding(alone, told, Surroundings(now=at(0), installed_at=Instant(INSTALLED)))
                alone = alone if step is None else step.tracked
            assert alone is not None
            kept = self.store[fault.alert]
            assert msgspec.structs.replace(kept.ledger, word=None, snooze=None) == alone.ledger
            assert [getattr(kept.alert, name) for name in MACHINES] == [getattr(alone.alert, name) for name in MACHINES]

    @invariant()
    def nothing_mended_by_hand_was_found_afterwards(self) -> None:
        for fault in self.faults.values():
            tracked = self.store.get(fault.alert)
            if tracked is None or tracked.alert.resolution is not Resolution.MANUAL or fault.generation > 1:
                continue
            said = str(tracked.alert.resolved_at)
            found = [one for one in fault.heard if one.change != "resolved" and one.episode == tracked.alert.episode]
            assert all(one.at <= said for one in found)


def _plain(alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, version=0, updated_at="")


TestAlertModel = AlertModel.TestCase
TestAlertModel.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
