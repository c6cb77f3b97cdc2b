"""How each tenant stands: through when it is compared, how fast its two sides usually meet, what never has a partner.

Told every 10 s on topic `plumbline.verdicts`; the coverage that people see is made of it.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from streams.cases.book import CaseBook
from streams.cases.case import Phase
from streams.cases.counting import Count, count
from streams.cases.matching import Matching
from streams.cases.sources import SourceView
from streams.facts.cause import Appointment, Cause
from streams.facts.index import FactIndex
from streams.model.facts import AppointmentRow
from streams.model.ids import iso
from streams.model.judgement import Judgement
from streams.model.source_records import TenantStanding

TELL_MS = 10_000
#: Delays kept for each tenant; the oldest go first.
SAMPLES_MAX = 2_000
#: A longer delay is a fault that was mended, not a sync.
SAMPLE_MS_MAX = 60_000
#: Only what has just met is measured: rows and webhooks of long ago came by snapshot, replay or backlog.
FRESH_MS = 10_000
#: Pairs remembered as measured.
MEASURED_MAX = 10_000
#: Fewer samples say nothing.
SAMPLES_MIN = 20
#: What is held is counted anew this often: it is a walk over everything, ms.
COUNT_MS = 60_000


class SyncMeter:
    """The tenant's own delay between the two sides of one appointment, by the broker's clock."""

    def __init__(self) -> None:
        self._samples: deque[int] = deque(maxlen=SAMPLES_MAX)

    def add(self, delay_ms: int) -> None:
        self._samples.append(delay_ms)

    def __len__(self) -> int:
        return len(self._samples)

    def quantile_ms(self, share: float) -> int | None:
        """The delay that this share of the samples does not exceed; None while there are too few."""
        if len(self._samples) < SAMPLES_MIN:
            return None
        ordered = sorted(self._samples)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Standings:
    """All tenants of one partition."""

    def __init__(self, index: FactIndex, book: CaseBook, sources: SourceView, matching: Matching) -> None:
        self._index = index
        self._book = book
        self._sources = sources
        self._matching = matching
        self._meters: dict[str, SyncMeter] = {}
        self._measured: OrderedDict[tuple[str, str, str | None], None] = OrderedDict()
        self._usual: dict[str, int | None] = {}
        self._tell_at = 0
        self._count_at = 0
        self._counts: dict[str, Count] = {}

    def judged(self, cause: Cause, now: int) -> None:
        """Measure the pairs of this cause that have just met."""
        for appointment in cause.appointments:
            met = _met(appointment)
            pair = (cause.tenant, appointment.id, appointment.row.booking)
            if met is None or now - max(met) > FRESH_MS or pair in self._measured:
                continue
            self._measured[pair] = None
            if len(self._measured) > MEASURED_MAX:
                self._measured.popitem(last=False)
            delay = abs(met[0] - met[1])
            if delay <= SAMPLE_MS_MAX:
                self._meters.setdefault(cause.tenant, SyncMeter()).add(delay)

    def usual_ms(self, tenant: str) -> int | None:
        """The tenant's usual delay (p50), as last told; None while it is not known."""
        return self._usual.get(tenant)

    def tell(self, now: int, judgement: Judgement, lag_wait_ms: Callable[[str], int]) -> list[TenantStanding]:
        """Every 10 s, once everything heard is judged: how each tenant stands."""
        if now < self._tell_at:
            return []
        self._tell_at = now + TELL_MS
        if now >= self._count_at:
            self._count_at = now + COUNT_MS
            self._counts = count(self._index, self._book, judgement, now)
        phases = self._book.phases_by_tenant()
        tenants = sorted(tenant for tenant in self._index.tenants() if not tenant.startswith("~"))
        return [self._standing(tenant, now, lag_wait_ms(tenant), phases) for tenant in tenants]

    def _standing(self, tenant: str, now: int, lag_ms: int, phases: Counter[tuple[str, Phase]]) -> TenantStanding:
        counted = self._counts.get(tenant) or Count()
        meter = self._meters.get(tenant, SyncMeter())
        self._usual[tenant] = meter.quantile_ms(0.5)
        return TenantStanding(
            tenant=tenant,
            at=str(iso(now)),
            compared_through=str(iso(now)),
            lag_wait_ms=lag_ms,
            held_back_by=self._sources.untrusted(tenant),
            sync_p50_ms=self._usual[tenant],
            sync_p999_ms=meter.quantile_ms(0.999),
            sync_samples=len(meter),
            bookings=counted.bookings,
            appointments=counted.appointments,
            calls=counted.calls,
            suspected=phases[tenant, Phase.SUSPECTED] + phases[tenant, Phase.VERIFYING],
            open=phases[tenant, Phase.CONFIRMED],
            in_sync=counted.in_sync,
            differing=len(counted.differing),
            unknown=len(counted.unknown),
            made=counted.hours(now),
            shares=self._matching.shares_of(tenant),
        )


def _met(appointment: Appointment) -> tuple[int, int] | None:
    """When the booking was first heard of, and the row that names it; None if one of them came otherwise."""
    link, booking = appointment.link, appointment.row.booking
    if link is None or not link.facts.told:
        return None
    named = [version for version in appointment.facts.versions if not version.snapshot_row]
    arrivals = [v.arrived for v in named if isinstance(v.row, AppointmentRow) and v.row.booking == booking]
    return (min(told.arrived for told in link.facts.told), min(arrivals)) if arrivals else None
