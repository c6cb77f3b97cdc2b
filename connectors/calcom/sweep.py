"""Passes over Cal.com: every booking of an account, page by page, and word of it once all of a tenant was shown.

A pass is complete only if every page was read, each row could be used, and none stood there that was not asked for.
What a complete pass did not show is then asked for by its uid (by the worker): so deletions are found.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import msgspec
import structlog

from connectors.calcom.answers import Page
from connectors.calcom.client import CalcomClient
from connectors.calcom.ownership import Ownership
from connectors.calcom.page_telling import Expect, PageTeller
from connectors.calcom.quota import Priority
from connectors.calcom.reads import Publish
from connectors.calcom.span import START, Position, Span
from connectors.pass_times import Pass, slot_at, timetable_of
from connectors.passes import PassStore, SweepInterrupted, TellComplete, keep_sweeping
from streams.model.ids import unmapped_tenant
from streams.settings import Settings

log = structlog.get_logger()

#: Lists are cut by a booking's end, passes by its start: no booking is longer than this.
LENGTH_MAX = timedelta(days=1)
#: A million bookings; a server that never comes to an end is left after so many.
PAGES_MAX = 4_000


class CalcomSweeps:
    """The passes over all accounts."""

    def __init__(
        self,
        *,
        settings: Settings,
        clients: Mapping[str, CalcomClient],
        ownership: Ownership,
        store: PassStore,
        publish: Publish,
        expect: Expect,
        tell_complete: TellComplete,
    ) -> None:
        self._settings = settings
        self._timetable = timetable_of(settings)
        self._clients = clients
        self._tellers = {name: PageTeller(name, ownership, publish, expect) for name in clients}
        self._store = store
        self._tell_complete = tell_complete
        # Of two accounts that end at once one must see that the other has ended.
        self._ending = asyncio.Lock()

    async def keep(self, account: str) -> None:
        """One account's passes for ever. Raises KafkaError, and what the store raises."""
        await keep_sweeping(self._store, account, self._timetable, partial(self.sweep, account))

    async def sweep(self, account: str, one: Pass) -> None:
        """Make the pass from where it stands. Raises SweepInterrupted when a page cannot be read."""
        upper = None if one.kind == "full" else one.starts_to + LENGTH_MAX
        span = Span(field=START, lower=one.starts_from, upper=upper)
        position = msgspec.json.decode(one.position, type=Position) if one.position else span.start()
        flaw = one.flaw
        for _ in range(one.pages, PAGES_MAX):
            page = await self._clients[account].page(span.params(position), Priority.SWEEP)
            if not isinstance(page, Page):
                raise SweepInterrupted(page.reason)
            await self._tellers[account].tell(page, page.bookings, "sweep")
            flaw = flaw or span.flaw(page, position)
            position = span.after(page, position)
            await self._store.advance(one, msgspec.json.encode(position), len(page.bookings), flaw)
            if not page.has_next:
                break
        else:
            flaw = flaw or f"more than {PAGES_MAX} pages"
        await self._end(account, one, flaw)

    async def _end(self, account: str, one: Pass, flaw: str | None) -> None:
        async with self._ending:
            if flaw is not None:
                log.warning("pass proves no absence", account=account, kind=one.kind, reason=flaw)
            else:
                for tenant in self._tenants_of(account):
                    shown_by = await self._shown_by_all(tenant, account, one)
                    if shown_by is not None:
                        await self._store.tell_complete(self._tell_complete, tenant, shown_by)
            await self._store.end(one, flaw)

    def _tenants_of(self, account: str) -> list[str]:
        given = self._settings.account(account)
        if given is None:
            return []
        unmapped = () if given.tenant else (unmapped_tenant(account),)
        return sorted(given.tenants.union(unmapped))

    async def _shown_by_all(self, tenant: str, account: str, one: Pass) -> Pass | None:
        """The passes of all the tenant's accounts as one, back to the earliest begin; None while one is missing."""
        others = {each.name for each in self._settings.accounts_of(tenant)} - {account}
        slot = slot_at(one.kind, one.begun_at, self._timetable)
        for passes in (await self._store.load(others)).values():
            other = passes.get(one.kind)
            if other is None or not other.complete or other.ended_at is None or other.ended_at < slot:
                return None
            one = msgspec.structs.replace(
                one,
                begun_at=min(one.begun_at, other.begun_at),
                starts_from=max(one.starts_from, other.starts_from),
                starts_to=min(one.starts_to, other.starts_to),
            )
        return one
