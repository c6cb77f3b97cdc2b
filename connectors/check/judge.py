"""The worker's engine on its own: this machine's clock instead of ticks, records handed over instead of topics.

The rules, the waiting and the proofs are the worker's. Only one thing is ours: once all else is judged, the clock is
put ahead by the longest grace, so that a sync that hangs since yesterday need not hang five minutes more before our
eyes. A fault that is younger than its grace by its own source's time is then left out.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from connectors.crm.database import Kind
from streams.cases.case import Phase
from streams.configured import column_names, decoder_from, judgement_from
from streams.decode import DecodeError
from streams.engine import Effects, Partition
from streams.model.facts import AppointmentRow
from streams.model.ids import Instant, parse_iso
from streams.model.observation import Origin, PassSeen, RowReadSeen
from streams.model.records import AnyQuestion, BookingRead, Finding, RowsRead
from streams.model.rule import Resolution
from streams.model.source_records import TenantStanding
from streams.model.words import APPOINTMENT_WORDS, CALL_WORDS
from streams.settings import Settings
from streams.topics import Topic

NOWHERE = Origin(-1, -1)
#: Graces up to this are waited for; longer ones are stepped over, ms.
WAITED_GRACE_MS = 5_000
#: The own grace of a violation is never longer (never_synced), ms.
OWN_GRACE_MS_MAX = 900_000
#: Bookings and rows of a tenant from which on not one partner says that the mapping is wrong.
UNMATCHED_MIN = 10


class Judge:
    """One partition with all tenants. Not a coroutine in it: it only judges."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._judgement = judgement_from(settings)
        self._partition = Partition(self._judgement)
        self._decode = decoder_from(settings)
        self._ahead_ms = 0
        #: When the rows were made, by tenant and id of the appointments: a read alone does not tell since when.
        self._made: dict[tuple[str, str], int] = {}
        self._open: dict[str, Finding] = {}
        self._standings: dict[str, TenantStanding] = {}
        self.notes: dict[str, None] = {}
        self.unreadable: Counter[str] = Counter()
        #: Rows by column and word of theirs that gives no judgement.
        self.unknown_words: Counter[tuple[str, str]] = Counter()
        self._names = {
            "appointments": column_names(settings, "appointments"),
            "calls": column_names(settings, "calls"),
        }

    def now(self) -> Instant:
        """Our clock, ms."""
        return Instant(round(time.time() * 1000) + self._ahead_ms)

    def hear(self, tenant: str, record: BookingRead | RowsRead) -> None:
        """Take a record as the worker would."""
        topic = Topic.BOOKINGS if isinstance(record, BookingRead) else Topic.ROWS
        try:
            seen = self._decode(topic, tenant.encode(), msgspec.json.encode(record), (), self.now(), NOWHERE)
        except DecodeError as error:
            self.unreadable[str(error)] += 1
            return
        self._partition.observe(seen)
        for one in seen:
            row = one.read.row if isinstance(one, RowReadSeen) else None
            if isinstance(one, RowReadSeen) and isinstance(row, AppointmentRow) and row.created_at is not None:
                self._made[one.tenant, one.id] = row.created_at

    def note_words(self, kind: Kind, row: Mapping[str, object]) -> None:
        """Count what of a row, as it was read, will give no judgement."""
        names = self._names[kind]
        for column in APPOINTMENT_WORDS if kind == "appointments" else CALL_WORDS:
            word = row.get(column)
            if word not in (None, "") and names.unknown(column, str(word)):
                self.unknown_words[column, str(word)] += 1

    def passed(self, tenants: Iterable[str], begun: int, starts_from: int, starts_to: int) -> None:
        """Both sides of these tenants were listed completely."""
        sides = ("calcom", "database")
        passes = [PassSeen(side, tenant, starts_from, starts_to, begun, True) for tenant in tenants for side in sides]
        self._partition.observe(passes)

    def tick(self) -> list[AnyQuestion]:
        """Judge all that is due; what must be read for it."""
        asked: list[AnyQuestion] = []
        while True:
            effects = self._partition.tick(self.now())
            asked += effects.questions
            self._take(effects)
            if not effects.more:
                return asked

    def step_ahead(self) -> bool:
        """Put the clock ahead by the longest grace. Whether anything waits for one."""
        waiting = self._partition.phases()[Phase.SUSPECTED] > 0
        graces = (max(bounds.grace_ms.values()) for bounds in (self._judgement, *self._judgement.tenants.values()))
        self._ahead_ms = max(OWN_GRACE_MS_MAX, *graces)
        return waiting

    def quiet_seconds(self) -> float:
        """When nothing was asked and nothing found for so long, nothing more will come before the clock steps ahead."""
        lags = (bounds.calcom_lag_ms for bounds in (self._judgement, *self._judgement.tenants.values()))
        second_404_ms = 4_000
        return (WAITED_GRACE_MS + max(second_404_ms, *lags) + 1_000) / 1000

    def findings(self) -> list[Finding]:
        """What stands, and is older than its rule's grace."""
        return [finding for finding in self._open.values() if self._is_due(finding)]

    def unmatched(self) -> list[str]:
        """Tenants of which no booking at all has a row: that is no fault of theirs, but a wrong mapping of ours."""
        return sorted(tenant for tenant, standing in self._standings.items() if _is_unmatched(standing))

    def _take(self, effects: Effects) -> None:
        for finding in effects.findings:
            if not isinstance(finding, Finding):
                continue
            if finding.change != "resolved":
                self._open[finding.alert_id] = finding
            elif finding.resolution is not Resolution.EXPIRED:  # by our own step ahead
                self._open.pop(finding.alert_id, None)
        self._partition.announced(effects.findings)
        for told in effects.verdicts:
            if isinstance(told, TenantStanding):
                self._standings[told.tenant] = told
        self.notes |= dict.fromkeys(effects.notes)
        self.unreadable.update(effects.failures)

    def _is_due(self, finding: Finding) -> bool:
        grace_ms = self._settings.grace_ms(finding.rule, finding.tenant)
        began = parse_iso(finding.opened_at) or 0
        began = min(began, self._made.get((finding.tenant, finding.appointment_id or ""), began))
        return grace_ms <= WAITED_GRACE_MS or began + grace_ms <= round(time.time() * 1000)


def _is_unmatched(standing: TenantStanding) -> bool:
    shares = [share for share in standing.shares if share.kind == "event_type"]
    enough = min(sum(share.total for share in shares), standing.appointments) >= UNMATCHED_MIN
    return enough and not any(share.matched for share in shares)
