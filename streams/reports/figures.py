"""The figures of a period: counted things in, rates and their limits out.

Every rate is null where nothing was there to be counted: no alert resolved is no recovery rate of 0 %.
"""

from collections.abc import Mapping

import msgspec

from streams.model.rule import Resolution
from streams.reports.objective import Inconsistent, Measured, Objective, objective_of

SCHEMA = 1

#: The fault is gone without a person's word (S4 §2, "recovery success rate").
RECOVERIES = frozenset({Resolution.RECOVERED, Resolution.HEALED, Resolution.LATE})
#: Somebody has looked at an alert within so long (S4, target KPIs), seconds.
RESPONSE_SECONDS_MAX = 300


class RuleFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts of one rule and severity. `open`: at the end of the period. `baseline`: of `opened`, those older than the
    installation."""

    rule: str
    severity: str
    opened: int = 0
    baseline: int = 0
    resolved: int = 0
    open: int = 0


class Seconds(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took; all null where `count` is 0."""

    count: int = 0
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    max: float | None = None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What people did about the alerts that were opened: the first word of a person on each, from its detection on."""

    alerts: int = 0
    responded: int = 0
    in_time: int = 0
    seconds: Seconds = Seconds()
    limit_seconds: int = RESPONSE_SECONDS_MAX


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How bookings and appointments stood when last looked at. `unknown`: being checked, or not to be checked."""

    at: str
    in_sync: int
    differing: int
    unknown: int

    @property
    def rate(self) -> float | None:
        """In sync over compared; what is unknown was not compared."""
        return share(self.in_sync, self.in_sync + self.differing)


class TenantLine(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant beside the others."""

    tenant: str
    opened: int = 0
    resolved: int = 0
    open: int = 0
    in_sync: int | None = None
    differing: int | None = None
    unknown: int | None = None


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says of one period. `tenant` "*" is all that the asker may see."""

    tenant: str
    since: str
    until: str
    measured: tuple[Measured, ...] = ()
    inconsistent: Inconsistent = Inconsistent()
    rules: tuple[RuleFigures, ...] = ()
    resolutions: dict[str, int] = {}
    detection: Seconds = Seconds()
    response: Response = Response()
    resolving: Seconds = Seconds()
    standing: Standing | None = None
    calls: int | None = None
    appointments: int | None = None
    review_waiting: int | None = None
    unmatched: int | None = None
    orphans_last_day: int = 0
    failed_verifications_peak: int = 0
    tenants: tuple[TenantLine, ...] = ()


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is watched; `breached` null where its value is not known."""

    name: str
    value: float | None
    limit: float
    breached: bool | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `GET /v1/stats`. Rates are 0 to 1; `opened` counts by detection, within [since, until)."""

    schema: int
    tenant: str
    since: str
    until: str
    calls: int | None
    appointments: int | None
    standing: Standing | None
    consistency_rate: float | None
    opened: int
    resolved: int
    open: int
    rules: tuple[RuleFigures, ...]
    resolutions: dict[str, int]
    recovery_rate: float | None
    false_positive_rate: float | None
    detection_seconds: Seconds
    response: Response
    resolve_seconds: Seconds
    objective: Objective
    review_waiting: int | None
    unmatched: int | None
    thresholds: tuple[Threshold, ...]
    tenants: tuple[TenantLine, ...]


def figures_of(counted: Counted) -> Figures:
    """Rates, budget and thresholds of what was counted."""
    resolutions = counted.resolutions
    rate = None if counted.standing is None else counted.standing.rate
    return Figures(
        schema=SCHEMA,
        tenant=counted.tenant,
        since=counted.since,
        until=counted.until,
        calls=counted.calls,
        appointments=counted.appointments,
        standing=counted.standing,
        consistency_rate=rate,
        opened=sum(one.opened for one in counted.rules),
        resolved=sum(one.resolved for one in counted.rules),
        open=sum(one.open for one in counted.rules),
        rules=counted.rules,
        resolutions=resolutions,
        recovery_rate=recovery_rate(resolutions),
        false_positive_rate=share(resolutions.get(Resolution.FALSE_POSITIVE, 0), _ended(resolutions)),
        detection_seconds=counted.detection,
        response=counted.response,
        resolve_seconds=counted.resolving,
        objective=objective_of(counted.measured, counted.inconsistent),
        review_waiting=counted.review_waiting,
        unmatched=counted.unmatched,
        thresholds=_thresholds(counted, rate),
        tenants=counted.tenants,
    )


def recovery_rate(resolutions: Mapping[str, int]) -> float | None:
    """How much of what ended mended itself, or was mended by Plumbline."""
    return share(sum(resolutions.get(word, 0) for word in RECOVERIES), _ended(resolutions))


def _ended(resolutions: Mapping[str, int]) -> int:
    """One that another alert speaks for was neither mended nor wrong."""
    return sum(resolutions.values()) - resolutions.get(Resolution.SUPERSEDED, 0)


def share(part: float, whole: float) -> float | None:
    """Part of the whole, 0 to 1, to six places; null of nothing."""
    return round(part / whole, 6) if whole else None


def _thresholds(counted: Counted, rate: float | None) -> tuple[Threshold, ...]:
    """The watched figures of S1 and S0 9.2."""
    return (
        _at_most("orphans_per_day", counted.orphans_last_day, 5),
        _at_most("failed_verifications_per_hour", counted.failed_verifications_peak, 10),
        _at_most("review_waiting", counted.review_waiting, 20),
        Threshold(name="in_sync", value=rate, limit=0.95, breached=None if rate is None else rate < 0.95),
    )


def _at_most(name: str, value: float | None, limit: float) -> Threshold:
    return Threshold(name=name, value=value, limit=limit, breached=None if value is None else value > limit)
