"""The words of the specifications about sources: a source that is reported of, second by second."""

from typing import Any

from streams.model.ids import Instant, iso
from streams.model.records import Difference, Finding
from streams.model.source_records import SourceState, SourceWord
from streams.sources.advance import advance, retire
from streams.sources.report import SourceReport
from streams.sources.standing import Standing, Step

#: 2026-11-26T12:00:00Z.
NOON = 1_795_694_400_000
LOST_TRIGGER = Difference(field="triggers", local="BOOKING_CANCELLED", calcom=None)


def second(at: float) -> Instant:
    """An instant, in seconds after noon."""
    return Instant(round(NOON + at * 1000))


def clock(at: float) -> str:
    """The same as text."""
    return str(iso(second(at)))


class Source:
    """One source as its watcher's reports come in, and what is told of it."""

    def __init__(self, name: str = "database", tenants: tuple[str, ...] = ("*",)) -> None:
        self._name = name
        self._tenants = tenants
        self.standing: Standing | None = None
        self.states: list[SourceState] = []
        self.findings: list[Finding] = []

    def is_(self, word: SourceWord, at: float, *, why: str = "", heard: float | None = None, **more: Any) -> "Source":
        """The watcher reports `word`; `heard` is through when, in seconds after noon."""
        report = SourceReport(
            source=self._name,
            word=word,
            why=why or f"it is {word}",
            tenants=self._tenants,
            heard_through=None if heard is None else second(heard),
            **more,
        )
        return self._take(advance(self.standing, report, second(at)))

    def stays(self, word: SourceWord, since: int, until: int) -> "Source":
        """Reported each second, the last second included."""
        for at in range(since, until + 1):
            self.is_(word, at)
        return self

    def is_taken_out(self, at: float) -> "Source":
        """Nobody watches it any more."""
        assert self.standing is not None
        return self._take(retire(self.standing, second(at)))

    def told(self) -> list[str]:
        """What people hear: `opened source_stalled 1`, with the episode."""
        return [
            f"{one.change} {one.rule} {one.episode}" + (f" ({one.resolution})" if one.resolution else "")
            for one in self.findings
        ]

    def words(self) -> list[str]:
        """What the worker hears."""
        return [state.state for state in self.states]

    def _take(self, step: Step) -> "Source":
        self.standing = step.standing
        self.states += step.records
        self.findings += step.findings
        return self
