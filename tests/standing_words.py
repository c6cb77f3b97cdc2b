"""Tenants' standings in a specification: an index and a book that a test fills."""

from typing import Any

from streams.cases.book import CaseBook
from streams.cases.case import Case, Phase
from streams.cases.matching import Matching
from streams.cases.sources import SourceView
from streams.cases.standing import Standings
from streams.facts.index import FactIndex, Key
from streams.facts.picture import build_cause
from streams.model.facts import AppointmentRow, BookingFacts, RowFacts, RowVersion, Told
from streams.model.judgement import Judgement
from streams.model.rule import Rule, SubjectKind
from streams.model.source_records import TenantStanding
from tests.truth import T0

NOW = T0 + 10_000


class Tenants(Standings):
    """The standings of an index and a book that a test fills."""

    def __init__(self) -> None:
        self.index, self.book, self.sources = FactIndex(), CaseBook(), SourceView()
        self.matching = Matching(self.index, self.book)
        super().__init__(self.index, self.book, self.sources, self.matching)

    def pair(self, heard: int, written: int, *, number: int = 1, tenant: str = "1", **version: Any) -> Key:
        """A booking heard of and the row that names it, written at these instants."""
        told = Told(T0, 0, "b", heard, "BOOKING_CREATED", "accepted", T0, T0 + 1, event_type="7")
        self.index.put_booking(Key("b", tenant, f"uid{number}x"), BookingFacts(told=(told,)))
        row = AppointmentRow(booking=f"uid{number}x", source="web", created_at=T0)
        key = Key("a", tenant, str(number))
        named = RowVersion(
            **{"commit_lsn": 2, "lsn": 2, "tx": 2, "arrived": written, "source_at": T0, "row": row} | version
        )
        self.index.put_row(key, RowFacts(versions=(named,)))
        return key

    def judge(self, key: Key, now: int) -> None:
        self.judged(build_cause(self.index, self.index.cause(key)), now)

    def case(self, subject: str, phase: Phase, tenant: str = "1") -> None:
        known = {"tenant": tenant, "rule": Rule.ORPHANED_CALCOM, "kind": SubjectKind.BOOKING}
        self.book.load(Case(**known, subject=subject, phase=phase))  # type: ignore[arg-type]  # by name

    def told(self, now: int, judgement: Judgement | None = None) -> list[TenantStanding]:
        return self.tell(now, judgement or Judgement(), lambda tenant: 1_000 * int(tenant))

    def samples(self, tenant: str = "1") -> int:
        """How many delays are measured by now."""
        return next(standing.sync_samples for standing in self.told(T0 + 1_000_000) if standing.tenant == tenant)
