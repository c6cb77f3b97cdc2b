"""One seed: both systems, the network between, the worker, and the oracle that watches them all."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec

from streams.engine import Effects
from streams.model.judgement import Judgement
from streams.model.records import Finding
from streams.model.rule import Rule
from streams.model.source_records import SourceState, SourceWord
from streams.rules import RULES
from streams.topics import Topic
from tests.simulation.agenda import Agenda
from tests.simulation.calcom import Booking, CalCom
from tests.simulation.database import Database
from tests.simulation.oracle import Oracle
from tests.simulation.readers import Readers
from tests.simulation.topics import MOMENTS, Topics, Worker
from tests.simulation.weather import Weather, drawn, within
from tests.simulation.wrongs import Cause, Fault, wrong
from tests.truth import clock

TICK_SECONDS = 0.2
#: The defaults, but what takes minutes takes half a minute.
JUDGEMENT = Judgement(
    grace_ms=Judgement().grace_ms | {Rule.STUCK_PENDING: 30_000, Rule.NEVER_SYNCED: 20_000},  # type: ignore[operator] # a dict
)
#: The rules that the product knows; the oracle knows nothing else of them.
SPOKEN = frozenset(map(str, RULES))
#: A watcher takes so long to notice that a source is silent, seconds (design §5).
NOTICED_SECONDS = 15.0
#: Columns whose change restarts no grace but that of the rules about them.
BOOKKEEPING = {"calcom_sync_status", "sync_attempt_count", "last_sync_attempt_at"}
#: No replica is further behind, seconds.
LAG_SECONDS = 10.0
TABLES = {"appointments": Topic.APPOINTMENTS, "calls": Topic.CALLS}


class Life:
    """The verbs by which stories change the world; whatever changes is told to the oracle at once."""

    def __init__(self, seed: int, weather: Weather | None = None, judgement: Judgement | None = None) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.weather = weather or drawn(self.random)
        self.agenda = Agenda()
        self.oracle = Oracle()
        self.topics = Topics(self.agenda)
        self.calcom = CalCom(
            self.agenda, self.random, skew=self.weather.skew_calcom, hosts_apart=self.weather.hosts_apart
        )
        self.database = Database(self.agenda, self.random, skew=self.weather.skew_database, captured=self._captured)
        self.readers = Readers(
            self.agenda, self.random, self.weather, (self.calcom, self.database), self.topics, self._shown, self._swept
        )
        self.worker = Worker(self.topics, self.random, judgement or JUDGEMENT, self._carry_out)
        self.causes: list[Cause] = []
        self._cause_of: dict[str, Cause] = {}
        self._fed_at = 0.0
        self._last: dict[str, Finding] = {}
        #: What happened, for people: (when, cause, text); kept only where somebody wants to read it.
        self.chronicle: list[tuple[float, int | None, str]] | None = None
        self._vanished: dict[str, float] = {}
        self.agenda.after(self.weather.poll_every, self.readers.poll)
        self.agenda.after(self.weather.sweep_every * self.random.uniform(0.3, 1), self.readers.sweep)
        self._plan_troubles()

    @property
    def now(self) -> float:
        return self.agenda.now

    def _plan_troubles(self) -> None:
        for when in self.weather.deaths:
            death = (self.random.choice(MOMENTS), self.random.uniform(0.2, 12))
            self.agenda.after(when, lambda death=death: self._die(death))
        for when in self.weather.replays:
            self.agenda.after(when, self._replay)
        for when in self.weather.snapshots:
            self.agenda.after(when, self.database.snapshot_again)
        for source, spans in (("database", self.weather.stalls), ("calcom:a1", self.weather.outages)):
            for begin, end in spans:
                self.agenda.after(begin, lambda: self.oracle.disturbed(self.now))
                self.agenda.after(end + 4, lambda: self.oracle.disturbed(self.now))
                if end - begin > NOTICED_SECONDS:
                    self.agenda.after(begin + NOTICED_SECONDS, lambda source=source: self._says(source, "stalled"))
                    self.agenda.after(end + 1, lambda source=source: self._says(source, "live"))

    def _says(self, source: str, state: SourceWord) -> None:
        """The watcher of a source tells how it fares."""
        now = clock(self.now)
        record = SourceState(source=source, state=state, since=now, at=now)
        self.note(None, f"{source} is {state}")
        self.topics.append(Topic.SOURCES, None, msgspec.json.encode(record))

    def _die(self, death: tuple[str, float]) -> None:
        self.note(None, f"the worker will die once it has {death[0]}, for {death[1]:.1f} s")
        self.worker.dies = death

    def _replay(self) -> None:
        offset = self.random.choice((0, self.random.randrange(len(self.topics.log) + 1)))
        self.note(None, f"all topics are read again from {offset}")
        self.worker.replay(offset)

    # Time ---------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let it all happen, then let the oracle speak."""
        tick = round(self.now / TICK_SECONDS)
        while tick * TICK_SECONDS < seconds:
            tick += 1
            self.agenda.run_until(tick * TICK_SECONDS)
            if not self.worker.step(self.now):
                self.oracle.away(self.now)
        self.oracle.close(self.now)

    def tell(self, cause: Cause, story: Iterator[float], starts_in: float) -> None:
        """Let a story go on whenever the pause that it yielded is over."""

        def step() -> None:
            pause = next(story, None)
            if pause is not None:
                self.agenda.after(pause, step)

        self.causes.append(cause)
        self.agenda.after(starts_in, step)

    def deep_in_lag(self, when: float) -> bool:
        """Replicas are, or lately were, further behind than the least wait allows for: the known residue (§4a)."""
        deep = self.weather.deep_lag
        return deep is not None and deep[0] <= when < deep[1] + 6 * LAG_SECONDS

    # What the worker says -----------------------------------------------------------------------------------

    def _carry_out(self, effects: Effects) -> None:
        # In an order of their own: sets within the engine are in none, and a seed must replay.
        for question in sorted(effects.questions, key=lambda question: question.request_id):
            self.readers.ask(question)
        for finding in effects.findings:
            if isinstance(finding, Finding) and self._last.get(finding.alert_id) != finding:
                self._last[finding.alert_id] = finding
                self.oracle.hear(finding, self.now)
                if self.chronicle is not None:
                    end = f" ({finding.resolution})" if finding.resolution else ""
                    self.note(self._named(finding), f"TOLD: {finding.change} {finding.rule} {finding.subject.id}{end}")

    def _named(self, finding: Finding) -> Cause | None:
        names = (finding.booking_uid, finding.appointment_id, finding.call_id, finding.subject.id)
        return next((self._cause_of[name] for name in names if name in self._cause_of), None)

    def cause_of(self, name: str) -> int | None:
        """The number of the cause that a uid, row or call belongs to."""
        return self._cause_of[name].number if name in self._cause_of else None

    def story(self, cause: int | None) -> list[str]:
        """The chronicle of one cause, with what befell everybody."""
        told = self.chronicle or []
        return [f"{when:7.2f} {text}" for when, number, text in told if number in (cause, None)]

    def note(self, cause: Cause | None, text: str) -> None:
        if self.chronicle is not None:
            self.chronicle.append((self.now, cause.number if cause else None, text))

    # Cal.com ------------------------------------------------------------------------------------------------

    def _changed(self, cause: Cause, text: Callable[[], str], *, stirs: bool = True) -> None:
        if self.chronicle is not None:
            self.note(cause, text())
        self.oracle.changed(cause, self._wrong(cause), self.now, stirs=stirs)

    def _wrong(self, cause: Cause) -> dict[Fault, frozenset[Fault]]:
        """As far as there are rules about it."""
        wrongs = wrong(cause, self.calcom, self.database).items()
        return {
            fault: frozenset(each for each in higher if each.rule in SPOKEN)
            for fault, higher in wrongs
            if fault.rule in SPOKEN
        }

    def books(self, cause: Cause, uid: str, *, start: float, minutes: float = 30, **more: Any) -> None:
        cause.uids.append(uid)
        self._cause_of[uid] = cause
        self.calcom.make(uid, tenant=cause.tenant, start=start, end=start + minutes * 60, **more)
        self._changed(cause, lambda: f"Cal.com: {uid} is made, {more.get('status', 'accepted')} at {start:.0f}")

    def changes(self, uid: str, *, announced: bool = False, **fields: Any) -> None:
        """A change; unless a webhook announced it, nobody hears of it before one follows or the poll shows it."""
        cause = self._cause_of[uid]
        self.calcom.change(uid, **fields)
        if not announced:
            self.oracle.unheard(cause, uid, self.now)
        self._changed(cause, lambda: f"Cal.com: {uid} {fields}")

    def reschedules(self, old: str, new: str, *, start: float, status: str = "accepted") -> None:
        cause = self._cause_of[old]
        cause.uids.append(new)
        self._cause_of[new] = cause
        self.calcom.reschedule(old, new, start=start, end=start + 1800, status=status)
        self._changed(cause, lambda: f"Cal.com: {old} moved to {new}, {status} at {start:.0f}")

    def sends(self, trigger: str, uid: str) -> bool:
        """Deliver a webhook as life does: late, repeated, out of order, or not at all; whether it is on its way."""
        booking, cause = self.calcom.bookings[uid], self._cause_of[uid]
        sent_at = self.calcom.clock()
        self.oracle.unheard(cause, uid, self.now)
        # A payment that nobody told of cannot be known from a booking that is merely pending: no API says so.
        if self.random.random() < self.weather.lost and trigger != "BOOKING_PAYMENT_INITIATED":
            self.note(cause, f"webhook {trigger} {uid} is lost")
            return False
        body = None if self.weather.pipeline else self._body(trigger, booking, sent_at)
        times = self.random.choice((2, 3)) if self.random.random() < self.weather.repeated else 1
        for _ in range(times):
            late = self.random.random() < self.weather.late
            delay = self.random.uniform(0.02, self.weather.late_by if late else 0.3)
            self.agenda.after(delay, lambda: self._delivers(trigger, uid, body, sent_at))
        return True

    def _body(self, trigger: str, booking: Booking, sent_at: float) -> bytes:
        return self.calcom.webhook(trigger, booking, sent_at, with_id=self.weather.ids_told)

    def _delivers(self, trigger: str, uid: str, body: bytes | None, sent_at: float) -> None:
        booking = self.calcom.bookings.get(uid)
        cause = self._cause_of[uid]
        if body is None:
            if booking is None:
                return  # the row is gone: nothing is sent
            body = self._body(trigger, booking, sent_at)
        self.topics.append(Topic.WEBHOOKS, cause.tenant, body)
        self.oracle.heard(cause, uid, self.now)
        self.note(cause, f"webhook {trigger} {uid} arrives")

    def _shown(self, uid: str, booking: Booking) -> None:
        cause = self._cause_of[uid]
        if self.calcom.bookings.get(uid) is booking:
            self.oracle.heard(cause, uid, self.now, news=False)
        self.note(cause, f"the poll shows {uid} {booking.status} at {booking.start:.0f}")

    def vanishes(self, uid: str) -> None:
        """Without a trace: only a complete pass finds it."""
        cause = self._cause_of[uid]
        self.calcom.vanish(uid)
        self.oracle.unheard(cause, f"vanished {uid}", self.now)
        self._vanished[uid] = self.now
        self._changed(cause, lambda: f"Cal.com: {uid} is gone without a trace")

    def _swept(self) -> None:
        # What a lagging replica still showed to this pass the next one finds.
        for uid in [uid for uid, when in self._vanished.items() if when < self.now - LAG_SECONDS]:
            del self._vanished[uid]
            self.oracle.heard(self._cause_of[uid], f"vanished {uid}", self.now)
        self.note(None, "a pass over Cal.com is complete")

    # The database -------------------------------------------------------------------------------------------

    def writes(self, cause: Cause, table: str, row: str, **columns: Any) -> None:
        held = cause.rows if table == "appointments" else cause.calls
        if row not in held:
            held.append(row)
            self._cause_of[row] = cause
        token = self.database.write(table, row, **columns)
        if self.database.rows[(table, row)]["company_id"] not in (None, int(cause.tenant)):
            self.oracle.silent(cause)
        if not columns.keys() <= BOOKKEEPING:
            self.oracle.unheard(cause, token, self.now)
        self._changed(cause, lambda: f"{table} {row}: {columns}", stirs=not columns.keys() <= BOOKKEEPING)

    def deletes(self, cause: Cause, table: str, row: str) -> None:
        token = self.database.delete(table, row)
        self.oracle.unheard(cause, token, self.now)
        self._changed(cause, lambda: f"{table} {row} is deleted")

    def _captured(self, table: str, tenant: str | None, envelope: bytes, token: str) -> None:
        """Change events come late, in order, and stand still now and then."""
        arrives = self.now + self.random.uniform(0.02, 0.8)
        stalled_until = within(self.now, self.weather.stalls)
        if stalled_until is not None:  # then it catches up
            arrives = stalled_until + self.random.uniform(0, 3)
        self._fed_at = max(self._fed_at, arrives)
        row = token.split(":")[1]

        def deliver() -> None:
            self.topics.append(TABLES[table], tenant, envelope)
            cause = self._cause_of[row]
            self.oracle.heard(cause, token, self.now, news=False)
            self.note(cause, f"change event {token}")

        self.agenda.after(self._fed_at - self.now, deliver)

    # The ledger of who plants -------------------------------------------------------------------------------

    def planted(self, rule: str, subject: str) -> None:
        """Who plants a fault says so: the oracle, which only looks at the world, must see it too."""
        fault = Fault(rule, subject)
        assert self.oracle.true(fault), f"seed {self.seed}: the oracle does not see {fault}"
        self.oracle.counts["planted"] += 1
        self.oracle.by_rule[rule]["planted"] += 1
