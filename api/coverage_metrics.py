"""Figures of coverage, of the reads that wait, and of the circuit breakers, as of the store's last word."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from api.coverage import store_word
from api.coverage_answers import StoreWord, proof_seconds
from connectors.calcom.breaker_tally import RECOVERY_SECONDS
from connectors.store.breakers import BreakerRow, breakers
from connectors.store.database import Database
from connectors.store.standings import standings_of
from streams.model.ids import parse_iso
from streams.model.source_records import TenantStanding
from streams.settings import Settings

#: Tenants with a label of their own; all others are told together.
TENANT_LABELS_MAX = 200
OTHERS = "(others)"
#: More tenants than this are no longer read for the figures.
TENANTS_MAX = 10_000
_STATES = ("closed", "open", "half_open")


class CoverageFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What is told; `proof_seconds` by accounts of a key, without those that nobody can estimate."""

    standings: tuple[TenantStanding, ...]
    word: StoreWord
    breakers: tuple[BreakerRow, ...]
    proof_seconds: dict[tuple[str, ...], float]


async def coverage_figures(database: Database, settings: Settings) -> CoverageFigures:
    """The store's word now. Raises StoreUnavailable."""
    async with database.connection() as connection:
        word = await store_word(connection, settings, ())
        estimates = {quota.accounts: proof_seconds(quota, word, settings) for quota in word.quotas}
        return CoverageFigures(
            standings=await standings_of(connection, None, after="", limit=TENANTS_MAX),
            word=word,
            breakers=await breakers(connection),
            proof_seconds={names: seconds for names, seconds in estimates.items() if seconds is not None},
        )


def coverage_families(now: CoverageFigures) -> Iterator[Metric]:
    """Prometheus' families."""
    yield from _of_tenants(now.standings)
    yield from _of_reads(now)
    yield from _of_breakers(now.breakers)


def _of_tenants(standings: Sequence[TenantStanding]) -> Iterator[Metric]:
    through = GaugeMetricFamily(
        "plumbline_compared_through_seconds", "Instant through which a tenant is compared.", labels=["tenant"]
    )
    suspected = GaugeMetricFamily("plumbline_suspected", "Differences not proved yet.", labels=["tenant"])
    open_ = GaugeMetricFamily("plumbline_faults_open", "Proved faults that stand.", labels=["tenant"])
    for name, group in _by_label(standings):
        instants = [parse_iso(standing.compared_through) or 0 for standing in group]
        through.add_metric([name], min(instants) / 1000)
        suspected.add_metric([name], sum(standing.suspected for standing in group))
        open_.add_metric([name], sum(standing.open for standing in group))
    yield from (through, suspected, open_)


def _by_label(standings: Sequence[TenantStanding]) -> Iterator[tuple[str, Sequence[TenantStanding]]]:
    for standing in standings[:TENANT_LABELS_MAX]:
        yield standing.tenant, [standing]
    if rest := standings[TENANT_LABELS_MAX:]:
        yield OTHERS, rest


def _of_reads(now: CoverageFigures) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("plumbline_questions_waiting", "Questions to Cal.com that wait.", labels=["purpose"])
    for purpose in ("proof", "settle", "reread"):
        waiting.add_metric([purpose], sum(getattr(one.waiting, purpose) for one in now.word.waiting.values()))
    left = GaugeMetricFamily(
        "plumbline_quota_left", "Requests that a key may still make in this minute.", labels=["accounts"]
    )
    proof = GaugeMetricFamily(
        "plumbline_full_proof_seconds", "Until all proofs that wait for a key are made, estimated.", labels=["accounts"]
    )
    for quota in now.word.quotas:
        label = [",".join(quota.accounts)]
        left.add_metric(label, quota.left)
        if quota.accounts in now.proof_seconds:
            proof.add_metric(label, now.proof_seconds[quota.accounts])
    yield from (waiting, left, proof)


def _of_breakers(rows: Iterable[BreakerRow]) -> Iterator[Metric]:
    state = GaugeMetricFamily("circuit_breaker_state", "1 for the state it is in.", labels=["service", "state"])
    opens = CounterMetricFamily("circuit_breaker_open", "Times that it opened.", labels=["service"])
    changes = CounterMetricFamily("circuit_breaker_state_changes", "Changes of state.", labels=["service"])
    fast = CounterMetricFamily("circuit_breaker_fast_fail", "Calls not made: it was open.", labels=["service"])
    recovery = HistogramMetricFamily(
        "circuit_breaker_recovery_time_seconds", "From opening to closing.", labels=["service"]
    )
    for row in rows:
        service = [row.breaker.service]
        for name in _STATES:
            state.add_metric([*service, name], row.breaker.state == name)
        opens.add_metric(service, row.breaker.opens)
        changes.add_metric(service, row.breaker.state_changes)
        fast.add_metric(service, row.breaker.fast_fails)
        recovery.add_metric(service, _buckets(row.recoveries), row.recovery_seconds)
    yield from (state, opens, changes, fast, recovery)


def _buckets(recoveries: Sequence[int]) -> list[tuple[str, float]]:
    """Cumulative, as Prometheus wants them."""
    bounds = [*(f"{bound:g}" for bound in RECOVERY_SECONDS), "+Inf"]
    counts = recoveries if len(recoveries) == len(bounds) else [0] * len(bounds)
    return list(zip(bounds, accumulate(counts), strict=True))
