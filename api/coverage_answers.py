"""What `GET /v1/coverage` and `GET /v1/circuit-breakers` answer, put together from what the store says."""

from collections.abc import Collection, Sequence

import msgspec

from connectors.store.breakers import PREFIX, CircuitBreaker
from connectors.store.coverage import (
    CompletePass,
    Gap,
    Source,
    UnmappedEventType,
    through_of_calcom,
    through_of_database,
)
from connectors.store.planning import Queued, Quota, Waiting, full_proof_seconds
from streams.model.source_records import MatchedShare, TenantStanding
from streams.settings import Settings


class ComparedSide(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a tenant. `compared_through` null: nothing was heard of it yet."""

    side: str
    compared_through: str | None
    passes: tuple[CompletePass, ...]


class SyncSeconds(msgspec.Struct, frozen=True, kw_only=True):
    """The tenant's own delay between the two sides of one appointment; null before it was measured."""

    p50: float | None
    p999: float | None
    samples: int


class KeyQuota(msgspec.Struct, frozen=True, kw_only=True):
    """What may still be asked with the key of these accounts now, the last quarter for urgent proofs only."""

    accounts: tuple[str, ...]
    requests_per_minute: int
    left: int


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What waits to be read from Cal.com. `full_proof_seconds`: until all proofs on the tenant's keys are made, an
    estimate; null while Cal.com does not answer."""

    waiting: Waiting
    quotas: tuple[KeyQuota, ...]
    full_proof_seconds: float | None


class TenantCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """How far one tenant is compared, as of `at`. While `held_back_by` names sources, their absences are unknown."""

    tenant: str
    at: str
    compared_through: str
    held_back_by: tuple[str, ...]
    lag_wait_seconds: float
    sides: tuple[ComparedSide, ...]
    sources: tuple[Source, ...]
    gaps: tuple[Gap, ...]
    sync_seconds: SyncSeconds
    bookings: int
    appointments: int
    calls: int
    suspected: int
    open: int
    shares: tuple[MatchedShare, ...]
    verification: Verification
    unmapped_event_types: tuple[UnmappedEventType, ...]


class CoveragePage(msgspec.Struct, frozen=True, kw_only=True):
    """Tenants in the order of their ids; `next_cursor` is null on the last page."""

    items: tuple[TenantCoverage, ...]
    next_cursor: str | None


class CircuitBreakers(msgspec.Struct, frozen=True, kw_only=True):
    """One a Cal.com account, by name."""

    items: tuple[CircuitBreaker, ...]


class StoreWord(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says of everybody, read once for all tenants of a page."""

    sources: tuple[Source, ...]
    gaps: tuple[Gap, ...]
    passes: dict[tuple[str, str], list[CompletePass]]
    waiting: dict[str, Queued]
    quotas: tuple[Quota, ...]
    breakers: tuple[CircuitBreaker, ...]
    unmapped: tuple[UnmappedEventType, ...]

    @property
    def away(self) -> frozenset[str]:
        """The accounts whose breaker is not closed."""
        return frozenset(breaker.account for breaker in self.breakers if breaker.state != "closed")


def coverage_of(standing: TenantStanding, word: StoreWord, settings: Settings) -> TenantCoverage:
    """All about one tenant, and nothing about another."""
    tenant = standing.tenant
    accounts = account_names(settings, tenant)
    known = tuple(source for source in word.sources if source.concerns(tenant))
    names = {source.source for source in known}
    through = standing.compared_through
    return TenantCoverage(
        tenant=tenant,
        at=standing.at,
        compared_through=through,
        held_back_by=standing.held_back_by,
        lag_wait_seconds=standing.lag_wait_ms / 1000,
        sides=(
            _side("database", through_of_database(through, known), tenant, word),
            _side("calcom", through_of_calcom(through, known, accounts), tenant, word),
        ),
        # Who else a source is of, is not for a tenant to know.
        sources=tuple(msgspec.structs.replace(source, tenants=(tenant,)) for source in known),
        gaps=tuple(gap for gap in word.gaps if gap.source in names),
        sync_seconds=SyncSeconds(
            p50=_seconds(standing.sync_p50_ms), p999=_seconds(standing.sync_p999_ms), samples=standing.sync_samples
        ),
        bookings=standing.bookings,
        appointments=standing.appointments,
        calls=standing.calls,
        suspected=standing.suspected,
        open=standing.open,
        shares=standing.shares,
        verification=_verification(tenant, accounts, word, settings),
        unmapped_event_types=tuple(one for one in word.unmapped if one.account in accounts),
    )


def breakers_of(known: Sequence[CircuitBreaker], accounts: Collection[str]) -> CircuitBreakers:
    """The breakers of these accounts; one that never changed its state is closed."""
    by_account = {breaker.account: breaker for breaker in known}
    items = (by_account.get(name) or CircuitBreaker(service=f"{PREFIX}{name}", account=name) for name in accounts)
    return CircuitBreakers(items=tuple(sorted(items, key=lambda breaker: breaker.service)))


def account_names(settings: Settings, tenant: str) -> tuple[str, ...]:
    """The accounts that may hold a booking of the tenant."""
    return tuple(account.name for account in settings.accounts_of(tenant))


def proof_seconds(quota: Quota, word: StoreWord, settings: Settings) -> float | None:
    """Until all proofs that wait for one key are made."""
    return full_proof_seconds(quota, word.waiting, lambda tenant: account_names(settings, tenant), word.away)


def _side(side: str, compared_through: str | None, tenant: str, word: StoreWord) -> ComparedSide:
    return ComparedSide(side=side, compared_through=compared_through, passes=tuple(word.passes.get((side, tenant), ())))


def _verification(tenant: str, accounts: Sequence[str], word: StoreWord, settings: Settings) -> Verification:
    mine = [quota for quota in word.quotas if set(quota.accounts) & set(accounts)]
    estimates = [proof_seconds(quota, word, settings) for quota in mine]
    known = [seconds for seconds in estimates if seconds is not None]
    return Verification(
        waiting=word.waiting.get(tenant, Queued()).waiting,
        quotas=tuple(
            KeyQuota(
                # A key may serve accounts of other tenants too.
                accounts=tuple(name for name in quota.accounts if name in accounts),
                requests_per_minute=quota.requests_per_minute,
                left=quota.left,
            )
            for quota in mine
        ),
        full_proof_seconds=None if len(known) < len(estimates) else max(known, default=0.0),
    )


def _seconds(millis: int | None) -> float | None:
    return None if millis is None else millis / 1000
