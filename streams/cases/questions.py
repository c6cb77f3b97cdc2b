"""The questions that go out: one request id a need and round, the same however often it is asked (design §4a)."""

from hashlib import blake2b

import msgspec

from streams.cases.refusals import Refusal, Refusals, keys_of, subject_of
from streams.cases.step import ASK_AGAIN_MS, Ask
from streams.facts.index import Key
from streams.model.ids import is_numeric, iso
from streams.model.observation import AnswerRefused, Observation
from streams.model.records import AnyQuestion, BookingQuestion, NumericQuestion, Purpose, RowsQuestion
from streams.rules.violation import AbsenceOf, CallLookupOf, KnownOf, LookupOf, Need, ReadOf, RowOf

#: How long a question is remembered for its repeats, ms.
REMEMBER_MS = 30 * 60_000
_SWEEP_EVERY_MS = 60_000


class Asked(msgspec.Struct, frozen=True):
    """Somebody asks, now."""

    tenant: str
    ask: Ask
    now: int


class _Remembered(msgspec.Struct):
    """A question that was sent: what it was for, and when first and last (broker's clock, ms)."""

    tenant: str
    need: Need
    first: int
    last: int


class QuestionDesk:
    """Collects questions and holds back repeats until their deadline."""

    def __init__(self) -> None:
        self._sent: dict[str, _Remembered] = {}
        self._refusals = Refusals()
        self._out: list[AnyQuestion] = []
        self._swept_at = 0

    def ask(self, asked: Asked) -> None:
        """Send it, unless the same was sent less than `ASK_AGAIN_MS` ago, or its answer was unusable just now."""
        tenant, need, now = asked.tenant, asked.ask.need, asked.now
        request_id = _request_id(asked)
        sent = self._sent.get(request_id)
        refusal = self._refusals.of(tenant, need)
        if sent is not None and now - sent.last < ASK_AGAIN_MS:
            return
        if refusal is not None and now < refusal.ask_again_at:
            return
        if sent is None:
            sent = self._sent[request_id] = _Remembered(tenant, need, now, now)
        sent.last = now
        self._out.append(_question(asked, request_id, sent.first))

    def refuse(self, refused: AnswerRefused) -> list[Key]:
        """The answer to these questions was unusable; the entities they were about, as far as remembered."""
        remembered = [sent for each in refused.request_ids if (sent := self._sent.get(each))]
        asked = {(sent.tenant, subject_of(sent.need)) for sent in remembered}
        for tenant, need in asked:
            self._refusals.add(tenant, need, refused.at, elsewhere=refused.elsewhere)
        return sorted({key for tenant, need in asked for key in keys_of(tenant, need)})

    def answered(self, seen: Observation) -> None:
        """A usable answer came: the count of unusable ones begins anew."""
        self._refusals.answered(seen)

    def refused(self, tenant: str, need: Need) -> Refusal | None:
        """What came of this need instead of a usable answer, if anything did."""
        return self._refusals.of(tenant, need)

    def take(self) -> tuple[AnyQuestion, ...]:
        out, self._out = tuple(self._out), []
        return out

    def forget_before(self, now: int) -> None:
        """Drop questions that nobody will repeat."""
        if now - self._swept_at < _SWEEP_EVERY_MS:
            return
        self._swept_at = now
        for request_id in [r for r, sent in self._sent.items() if sent.last < now - REMEMBER_MS]:
            del self._sent[request_id]


def _request_id(asked: Asked) -> str:
    text = f"{asked.tenant}|{asked.ask.need}|{asked.ask.round_}"
    return blake2b(text.encode(), digest_size=12).hexdigest()


def _question(asked: Asked, request_id: str, first_asked: int) -> AnyQuestion:
    need: Need = asked.ask.need
    purpose: Purpose = asked.ask.purpose  # type: ignore[assignment]  # one of the three words
    base = {
        "request_id": request_id,
        "tenant": asked.tenant,
        "asked_at": str(iso(first_asked)),
        "purpose": purpose,
        "matters_at": iso(asked.ask.matters_at),
    }
    match need:
        case (
            AbsenceOf(uid=uid, starts_at=starts_at, created_at=created_at)
            | KnownOf(uid=uid, starts_at=starts_at, created_at=created_at)
        ) if is_numeric(uid):
            return NumericQuestion(
                numeric_id=uid,
                starts_at=iso(starts_at),
                created_at=iso(created_at),
                **base,  # type: ignore[arg-type]  # the shared fields
            )
        case ReadOf(uid=uid) if is_numeric(uid):
            return NumericQuestion(numeric_id=uid, **base)  # type: ignore[arg-type]  # the shared fields
        case AbsenceOf(uid=uid) | ReadOf(uid=uid) | KnownOf(uid=uid):
            return BookingQuestion(uid=uid, **base)  # type: ignore[arg-type]  # the shared fields
        case LookupOf(refs=refs):
            return RowsQuestion(booking_refs=refs, **base)  # type: ignore[arg-type]  # the shared fields
        case RowOf(kind=kind, id=row):
            table = "calls" if kind == "call" else "appointments"
            return RowsQuestion(table=table, row_id=row, **base)  # type: ignore[arg-type]  # the shared fields
        case CallLookupOf(call=call):
            return RowsQuestion(call_id=call, **base)  # type: ignore[arg-type]  # the shared fields
