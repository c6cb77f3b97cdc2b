"""The words in which alert tests speak: findings of one fault, told by minutes after noon."""

from datetime import UTC, tzinfo
from typing import Any

import msgspec

from streams.alerts.actions import PersonsAction, apply_action
from streams.alerts.alert import Alert, Change, Step, Through, TrackedAlert
from streams.alerts.lifecycle import apply_finding
from streams.alerts.passing import end_snooze, expire_acknowledgement
from streams.alerts.restating import apply_absence, apply_presence, is_restated
from streams.alerts.surroundings import Surroundings
from streams.model.ids import Instant, alert_id, iso
from streams.model.records import Difference, Finding, Restatement, Side, Subject, Verification
from streams.model.rule import SEVERITY, Rule, SubjectKind

#: 2026-11-26T12:00:00Z, a Thursday.
NOON = 1_795_694_400_000
INSTALLED = NOON - 30 * 86_400_000


def at(minutes: float) -> Instant:
    """An instant, in minutes after noon."""
    return Instant(round(NOON + minutes * 60_000))


def clock(minutes: float | None) -> str | None:
    """The same as text."""
    return None if minutes is None else iso(at(minutes))


def finding(
    change: str,
    minutes: float,
    *,
    episode: int = 1,
    rule: Rule = Rule.ORPHANED_CALCOM,
    tenant: str = "3",
    subject: str = "4fQ",
    began: float = -1,
    proved: float | None = None,
    starts: float | None = 60,
    **fields: Any,
) -> Finding:
    """A finding about booking 4fQ. `began`, `proved` and `starts` are minutes after noon too."""
    told = minutes if proved is None else proved
    return msgspec.structs.replace(
        Finding(
            change=change,  # type: ignore[arg-type]  # one of the three words
            alert_id=alert_id(rule, tenant, "booking", subject),
            rule=rule,
            tenant=tenant,
            subject=Subject(kind=SubjectKind.BOOKING, id=subject),
            episode=episode,
            severity=SEVERITY[rule],
            at=str(clock(minutes)),
            opened_at=str(clock(began)),
            detected_at=str(clock(told)),
            booking_uid=subject,
            calcom=Side(booking=subject, status="accepted", start=clock(starts), end=clock(starts and starts + 30)),
            verification=Verification(
                state="verified",
                read_at=str(clock(told)),
                attempts=1,
                waited_seconds=4.0,
                read_what="Cal.com 200, database 0 rows for 4fQ",
            ),
            starts_at=clock(starts),
        ),
        **fields,
    )


def drifted(minutes: float, to: str, *, episode: int = 1) -> Finding:
    """The fault still stands, and looks different."""
    return finding(
        "updated", minutes, proved=1, episode=episode, differences=(Difference(field="start", local=None, calcom=to),)
    )


class Life:
    """One alert as it goes through a history."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.tracked: TrackedAlert | None = None
        self._zone = zone
        self.story: list[str] = []
        self.history: list[Change] = []

    def hears(self, *findings: Finding) -> "Life":
        """The store hears findings, in this order."""
        for one in findings:
            around = Surroundings(now=at(1_000 + len(self.story)), installed_at=Instant(INSTALLED), zone=self._zone)
            step = apply_finding(self.tracked, one, around)
            if step is not None:
                self.tracked = step.tracked
                self._tell(step)
        return self

    def does(
        self, action: PersonsAction, *, minutes: float = 500, actor: str = "ana", through: Through = "api"
    ) -> "Life":
        """A person acts."""
        assert self.tracked is not None
        step = apply_action(self.tracked, action, actor=actor, now=at(minutes), through=through)
        self.tracked = step.tracked
        self._tell(step)
        return self

    def is_missed_at(self, minutes: float) -> "Life":
        """A restatement does not contain it."""
        assert self.tracked is not None
        return self._take(apply_absence(self.tracked, at(minutes), at(minutes)))

    def is_restated_at(self, minutes: float) -> "Life":
        """A restatement contains it."""
        assert self.tracked is not None
        return self._take(apply_presence(self.tracked, at(minutes), at(minutes)))

    def is_listed(self, minutes: float, *, checking: bool = False, open_: bool = False, generation: int = 1) -> "Life":
        """A restatement of a worker comes, which may name the alert as open or as being checked."""
        assert self.tracked is not None
        own = self.tracked.alert.id
        restatement = Restatement(
            tenant="3",
            at=str(clock(minutes)),
            open=((own, 1),) if open_ else (),
            checking=(own,) if checking else (),
            generation=generation,
        )
        restated = is_restated(self.tracked, restatement)
        if restated is None:
            return self
        return self.is_restated_at(minutes) if restated else self.is_missed_at(minutes)

    def wakes_at(self, minutes: float) -> "Life":
        """Time passes."""
        assert self.tracked is not None
        return self._take(end_snooze(self.tracked, at(minutes)))

    def is_forgotten_at(self, minutes: float, *, hours: float = 1) -> "Life":
        """Time passes, and acknowledgements last so long."""
        assert self.tracked is not None
        return self._take(expire_acknowledgement(self.tracked, at(minutes), hours))

    def _take(self, step: Step | None) -> "Life":
        if step is not None:
            self.tracked = step.tracked
            self._tell(step)
        return self

    def _tell(self, step: Step) -> None:
        if step.change is not None:
            self.story.append(step.change.action)
            self.history.append(step.change)

    @property
    def alert(self) -> Any:
        """As people see it."""
        assert self.tracked is not None
        return self.tracked.alert

    @property
    def stands(self) -> str:
        """Status, with the resolution if there is one."""
        alert: Alert = self.alert
        return alert.status.value + (f" {alert.resolution.value}" if alert.resolution else "")
