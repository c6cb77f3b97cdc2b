"""`plumbline check`: load both sides, judge, prove, and tell what differs. Reads only; nothing is kept."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from connectors.calcom.client import CalcomClient
from connectors.calcom.ownership import Ownership
from connectors.calcom.unkept import unkept_clients
from connectors.check.answering import Desk
from connectors.check.judge import Judge
from connectors.check.loading import AHEAD, NotLoaded, load_bookings, load_rows
from connectors.check.result import Compared, Comparison
from connectors.crm.answers import RowAnswers
from connectors.crm.database import CrmDatabase, Kind, NotAnswerable, NotAnswered
from streams.model.ids import NO_TENANT
from streams.model.records import RowsRead
from streams.model.rule import Rule
from streams.settings import ConfigurationError, Settings

TICK_SECONDS = 0.1
#: Nobody waits longer than this; what is not proved by then could not be judged.
CHECK_SECONDS_MAX = 900.0
#: Lines of one kind that are told; the rest is counted.
LINES_MAX = 20


async def compare(settings: Settings, since: timedelta) -> Comparison:
    """Compare everything that changed, was made or starts since then. Raises ConfigurationError without accounts."""
    if not settings.accounts:
        raise ConfigurationError("accounts is missing: allowed is at least one [[accounts]] with its api_key")
    database = CrmDatabase(settings.source)
    try:
        async with unkept_clients(settings) as clients:
            return await _Check(settings, clients, database).run(datetime.now(UTC) - since)
    finally:
        await database.close()


class _Check:
    """One run, and what it met on the way."""

    def __init__(self, settings: Settings, clients: dict[str, CalcomClient], database: CrmDatabase) -> None:
        self._settings = settings
        self._clients = clients
        self._database = database
        self._began = time.monotonic()
        self._judge = Judge(settings)
        self._ownership = Ownership(settings)
        self._desk = Desk(settings, self._judge, clients, self._ownership, RowAnswers(database, self._tell_rows))
        self._bookings: Counter[str] = Counter()
        self._rows: dict[Kind, Counter[str]] = {}
        self._lists_failed: set[str] = set()
        self._unjudged: list[str] = []

    async def run(self, since: datetime) -> Comparison:
        """Everything, from the first page to the last proof."""
        begun = self._judge.now()
        await asyncio.gather(*(self._load_account(name, since) for name in self._clients))
        await asyncio.gather(*(self._load_table(kind, since) for kind in self._kinds()))
        if self._judgeable() and len(self._rows) == len(self._kinds()):
            until = datetime.now(UTC) + AHEAD
            self._judge.passed(self._judgeable(), begun, _ms(since), _ms(until))
            await self._prove()
        return self._told()

    async def _tell_rows(self, tenant: str, read: RowsRead) -> None:
        await self._desk.tell_rows(tenant, read)

    def _kinds(self) -> tuple[Kind, ...]:
        return ("appointments", "calls") if self._settings.source.has_calls else ("appointments",)

    async def _load_account(self, name: str, since: datetime) -> None:
        try:
            self._bookings += await load_bookings(self._clients[name], self._ownership, self._judge, since)
        except NotLoaded as failed:
            self._lists_failed.add(name)
            self._unjudged.append(str(failed))

    async def _load_table(self, kind: Kind, since: datetime) -> None:
        try:
            self._rows[kind] = await load_rows(self._database, kind, self._judge, since, self._is_judged)
        except (NotLoaded, NotAnswered, NotAnswerable) as failed:
            self._unjudged.append(f"the table of {kind}: {failed}")

    def _is_judged(self, tenant: str) -> bool:
        """Whether the tenant's bookings are known: one whose account failed, or that has none, is left out."""
        accounts = self._settings.accounts_of(tenant)
        return tenant == NO_TENANT or (
            bool(accounts) and not self._lists_failed.intersection(account.name for account in accounts)
        )

    def _judgeable(self) -> list[str]:
        known = set(self._bookings).union(*self._rows.values())
        return sorted(tenant for tenant in known if self._is_judged(tenant))

    async def _prove(self) -> None:
        """Judge, ask, wait, until nothing moves any more; then the same with the longest graces stepped over."""
        try:
            async with asyncio.timeout(CHECK_SECONDS_MAX):
                await self._until_quiet()
                if self._judge.step_ahead():
                    await self._until_quiet()
                else:
                    self._judge.tick()  # for the shares of matched bookings; its re-reads are not needed
        except TimeoutError:
            self._unjudged.append(f"not all was proved within {CHECK_SECONDS_MAX:g} s: ask for fewer days")
        finally:
            await self._desk.close()

    async def _until_quiet(self) -> None:
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < self._judge.quiet_seconds():
            found = len(self._judge.findings())
            asked = self._desk.take(self._judge.tick())
            self._desk.raise_failure()
            if asked or self._desk.busy or len(self._judge.findings()) != found:
                quiet_since = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)

    def _told(self) -> Comparison:
        findings = [one for one in self._judge.findings() if one.rule is not Rule.VERIFICATION_FAILED]
        findings.sort(key=lambda one: (one.severity != "critical", one.starts_at or "9", one.rule, one.subject.id))
        return Comparison(
            findings=tuple(findings),
            unjudged=tuple(self._what_was_not_judged()),
            notes=tuple(self._what_was_left_out()),
            compared=Compared(
                tenants=len(self._judgeable()),
                bookings=self._bookings.total(),
                appointments=self._count("appointments"),
                calls=self._count("calls"),
            ),
            seconds=round(time.monotonic() - self._began, 1),
        )

    def _count(self, kind: Kind) -> int:
        return sum(rows for tenant, rows in self._rows.get(kind, Counter()).items() if self._is_judged(tenant))

    def _what_was_not_judged(self) -> list[str]:
        unread = [f"{what}: {why}" for what, why in sorted(self._desk.unanswered.items())]
        wrong = [
            f"tenant {tenant}: not one booking has its row; is the column of calcom_v2_booking_id the right one, "
            "and the account this tenant's?"
            for tenant in self._judge.unmatched()
        ]
        garbled = [f"{rows} × {why}" for why, rows in self._judge.unreadable.most_common()]
        return [*self._unjudged, *wrong, *_some(unread), *_some(garbled)]

    def _what_was_left_out(self) -> list[str]:
        strangers: Counter[str] = Counter()
        for rows in self._rows.values():
            strangers.update(
                {tenant: count for tenant, count in rows.items() if not self._settings.accounts_of(tenant)}
            )
        strangers.pop(NO_TENANT, None)
        left = [f"tenant {tenant} has no account here: {rows} rows left out" for tenant, rows in strangers.items()]
        words = [
            f"no judgement by {column} {word!r} of {rows} rows: say what it means in [source.….words]"
            for (column, word), rows in self._judge.unknown_words.most_common()
        ]
        return [*self._judge.notes, *_some(words), *_some(sorted(left))]


def _some(lines: list[str]) -> list[str]:
    more = len(lines) - LINES_MAX
    return [*lines[:LINES_MAX], f"and {more} more"] if more > 0 else lines


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
