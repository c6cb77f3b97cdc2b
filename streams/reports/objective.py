"""The objective of consistency (S4, target KPIs: at least 99.5 %) in booking-minutes, and what is left of its budget.

Measured is only where somebody looked: in the hours of which it is known how many bookings were compared. In these
hours compared bookings × minutes is the whole, and the minutes in which a booking was wrong are what is used up.
"""

from collections.abc import Callable, Sequence

import msgspec

from streams.model.ids import Instant
from streams.reports.intervals import Span, UnionMeter, union

TARGET = 0.995
MINUTE_MS = 60_000


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody looked at a tenant's bookings, and bookings × milliseconds of it all."""

    tenant: str
    spans: tuple[Span, ...]
    compared_ms: int


class Inconsistent(msgspec.Struct, frozen=True, kw_only=True):
    """How long bookings were wrong while somebody looked, all together, and how many they were."""

    lasted_ms: int = 0
    bookings: int = 0


class WrongTime:
    """How long bookings were wrong, of tenants one after the other. `windows_of` a tenant are as `UnionMeter`'s."""

    def __init__(self, windows_of: Callable[[str], Sequence[Span]]) -> None:
        self._windows_of = windows_of
        self._tenant: str | None = None
        self._meter = UnionMeter(())
        self._lasted: list[tuple[int, ...]] = []
        self.bookings = 0

    def add(self, tenant: str, subject: str, begin: Instant, end: Instant) -> None:
        """One span, in the order of tenant, subject and begin."""
        if tenant != self._tenant:
            self._close()
            self._tenant, self._meter = tenant, UnionMeter(self._windows_of(tenant))
        self._meter.add(subject, begin, end)

    def by_tenant(self) -> list[tuple[int, ...]]:
        """Milliseconds by window, tenant by tenant; to be asked once, at the end."""
        self._close()
        return self._lasted

    def _close(self) -> None:
        self._lasted.append(self._meter.lasted_ms())
        self.bookings += self._meter.subjects


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """`budget_minutes` = (1 - target) x compared booking-minutes; `burn` 1 is the whole of it, more is too much.

    `measured_minutes`: how much of the period was measured at all. Rates are null where nothing was.
    """

    target: float
    measured_minutes: float
    compared_booking_minutes: float
    inconsistent_booking_minutes: float
    inconsistent_bookings: int
    consistency_rate: float | None
    budget_minutes: float
    left_minutes: float
    burn: float | None


def objective_of(measured: Sequence[Measured], inconsistent: Inconsistent) -> Objective:
    """What became of the budget. `inconsistent` is within the measured spans alone."""
    seen = union(span for one in measured for span in one.spans)
    compared_ms = sum(one.compared_ms for one in measured)
    budget_ms = (1 - TARGET) * compared_ms
    lasted_ms = inconsistent.lasted_ms
    return Objective(
        target=TARGET,
        measured_minutes=_minutes(sum(end - begin for begin, end in seen)),
        compared_booking_minutes=_minutes(compared_ms),
        inconsistent_booking_minutes=_minutes(lasted_ms),
        inconsistent_bookings=inconsistent.bookings,
        consistency_rate=max(0.0, round(1 - lasted_ms / compared_ms, 6)) if compared_ms else None,
        budget_minutes=_minutes(budget_ms),
        left_minutes=_minutes(budget_ms - lasted_ms),
        burn=round(lasted_ms / budget_ms, 4) if budget_ms else None,
    )


def _minutes(millis: float) -> float:
    return round(millis / MINUTE_MS, 1)
