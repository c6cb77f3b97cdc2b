"""A pass over Cal.com: complete only if every page of every account was, and resumed where it stood."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from connectors.calcom.answers import Page, PageAnswer, Unavailable
from connectors.calcom.ownership import Ownership
from connectors.calcom.quota import Priority
from connectors.calcom.sweep import CalcomSweeps
from connectors.pass_times import Kind, Pass
from connectors.passes import SweepInterrupted
from streams.model.records import BookingRead
from streams.settings import Settings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PAGE = 2  # bookings on a page of the pretended Cal.com

SETTINGS = Settings.model_validate(
    {
        "accounts": [
            {"name": "harbor", "tenant": "1", "api_key": "k1"},
            {"name": "quay", "tenant": "2", "api_key": "k2"},
            {"name": "pier", "tenant": "2", "api_key": "k3"},
        ]
    }
)


def booking(uid: str, days: float) -> dict[str, object]:
    start = NOW + DAY * days
    return {
        "id": 1,
        "uid": uid,
        "status": "accepted",
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "createdAt": None,
        "updatedAt": None,
    }


class Calcom:
    """One account's list. `away_at`: the page that is not answered, once; `ignores`: filters are."""

    def __init__(self, account: str, bookings: Iterable[dict[str, object]], ignores: bool = False) -> None:
        self.account = account
        self.bookings = sorted(bookings, key=lambda one: str(one["start"]))
        self.ignores = ignores
        self.rejected = 0
        self.away_at: int | None = None
        self.asked: list[dict[str, Any]] = []

    async def page(self, params: dict[str, Any], priority: Priority) -> PageAnswer:
        assert priority is Priority.SWEEP
        self.asked.append(params)
        if len(self.asked) == self.away_at:
            return Unavailable(reason="timeout", began_at=NOW.timestamp())
        found = [one for one in self.bookings if self.ignores or self._passes(one, params)]
        shown = found[params["skip"] : params["skip"] + PAGE]
        return Page(
            bookings=tuple(shown),
            has_next=len(found) > params["skip"] + PAGE,
            pages_total=None,
            rejected=self.rejected,
            began_at=NOW.timestamp(),
        )

    @staticmethod
    def _passes(one: dict[str, object], params: dict[str, Any]) -> bool:
        start, end = (datetime.fromisoformat(str(one[name])) for name in ("start", "end"))
        before = params.get("beforeEnd")
        return start >= datetime.fromisoformat(params["afterStart"]) and (
            before is None or end <= datetime.fromisoformat(before)
        )


class Passes:
    """The store's passes, in memory."""

    side = "calcom"

    def __init__(self) -> None:
        self.kept: defaultdict[str, dict[Kind, Pass]] = defaultdict(dict)
        self.told: list[tuple[str, Pass]] = []

    def begin(self, unit: str, kind: Kind = "window", begun_at: datetime = NOW) -> Pass:
        one = Pass(unit=unit, kind=kind, begun_at=begun_at, starts_from=NOW - 30 * DAY, starts_to=NOW + 90 * DAY)
        self.kept[unit][kind] = one
        return one

    async def load(self, units: Iterable[str]) -> dict[str, dict[Kind, Pass]]:
        return {unit: self.kept[unit] for unit in units}

    async def advance(self, one: Pass, position: bytes, rows: int, flaw: str | None) -> None:
        kept = self.kept[one.unit][one.kind]
        changes = {"position": position, "pages": kept.pages + 1, "rows": kept.rows + rows, "flaw": kept.flaw or flaw}
        self.kept[one.unit][one.kind] = msgspec.structs.replace(kept, **changes)

    async def end(self, one: Pass, flaw: str | None = None) -> None:
        kept = self.kept[one.unit][one.kind]
        self.kept[one.unit][one.kind] = msgspec.structs.replace(kept, ended_at=NOW, flaw=kept.flaw or flaw)

    async def tell_complete(self, _tell: Callable[..., Any], tenant: str, shown_by: Pass) -> None:
        self.told.append((tenant, shown_by))


class Ground:
    def __init__(self, **bookings: Calcom) -> None:
        self.calcom = bookings
        self.passes = Passes()
        self.shown: list[str] = []
        self.sweeps = CalcomSweeps(
            settings=SETTINGS,
            clients=bookings,  # type: ignore[arg-type]  # a client as far as sweeps know one
            ownership=Ownership(SETTINGS),
            store=self.passes,  # type: ignore[arg-type]  # the same of the store
            publish=self._publish,
            expect=self._expect,
            tell_complete=SimpleNamespace(),  # type: ignore[arg-type]  # told by the store
        )

    async def _publish(self, _tenant: str, read: BookingRead) -> None:
        self.shown.append(read.uid)

    async def _expect(self, _expected: object) -> None:
        """Nobody keeps a ledger here."""

    def tenants_told(self) -> list[str]:
        return [tenant for tenant, _ in self.passes.told]


def four(account: str = "harbor", **more: Any) -> Calcom:
    return Calcom(account, [booking(f"{account}-{day}", day) for day in (1, 2, 3, 4)], **more)


async def test_a_complete_pass_shows_every_booking_and_is_told() -> None:
    ground = Ground(harbor=four())
    await ground.sweeps.sweep("harbor", ground.passes.begin("harbor"))
    assert set(ground.shown) == {"harbor-1", "harbor-2", "harbor-3", "harbor-4"}
    assert ground.tenants_told() == ["1"]
    assert ground.passes.kept["harbor"]["window"].complete


async def test_what_starts_in_the_span_is_shown_though_it_ends_behind_it() -> None:
    ground = Ground(harbor=Calcom("harbor", [booking("last", 90 - 0.01), booking("beyond", 92)]))
    await ground.sweeps.sweep("harbor", ground.passes.begin("harbor"))
    assert ground.shown == ["last"]


async def test_a_pass_goes_on_behind_the_last_page_that_was_shown() -> None:
    ground = Ground(harbor=four())
    ground.calcom["harbor"].away_at = 2
    with pytest.raises(SweepInterrupted):
        await ground.sweeps.sweep("harbor", ground.passes.begin("harbor"))
    assert ground.shown == ["harbor-1", "harbor-2"]
    assert ground.tenants_told() == []
    await ground.sweeps.sweep("harbor", ground.passes.kept["harbor"]["window"])
    # The last one is shown once more: a bound may be exclusive.
    assert ground.shown[2:5] == ["harbor-2", "harbor-3", "harbor-3"]
    assert set(ground.shown) == {"harbor-1", "harbor-2", "harbor-3", "harbor-4"}
    assert ground.tenants_told() == ["1"]


async def test_an_ignored_filter_is_noticed_and_proves_no_absence() -> None:
    past = [booking("long-ago", -300), booking("harbor-1", 1)]
    ground = Ground(harbor=Calcom("harbor", past, ignores=True))
    await ground.sweeps.sweep("harbor", ground.passes.begin("harbor"))
    ended = ground.passes.kept["harbor"]["window"]
    assert ended.ended_at is not None
    assert ended.flaw == "1 rows were not asked for: a filter is ignored"
    assert ground.tenants_told() == []
    assert "harbor-1" in ground.shown  # it is a read all the same


async def test_a_row_that_cannot_be_used_makes_the_pass_prove_nothing() -> None:
    ground = Ground(harbor=four())
    ground.calcom["harbor"].rejected = 1
    await ground.sweeps.sweep("harbor", ground.passes.begin("harbor"))
    assert ground.tenants_told() == []


async def test_an_ignored_order_makes_the_pass_prove_nothing() -> None:
    ground = Ground(harbor=four())
    ground.calcom["harbor"].bookings.reverse()
    await ground.sweeps.sweep("harbor", ground.passes.begin("harbor"))
    assert ground.passes.kept["harbor"]["window"].flaw == "the order is ignored"
    assert ground.tenants_told() == []


async def test_a_tenant_of_two_accounts_is_told_when_both_are_through_back_to_the_earlier_begin() -> None:
    ground = Ground(quay=four("quay"), pier=four("pier"))
    earlier = NOW - timedelta(minutes=5)
    await ground.sweeps.sweep("quay", ground.passes.begin("quay", begun_at=earlier))
    assert ground.tenants_told() == []
    await ground.sweeps.sweep("pier", ground.passes.begin("pier"))
    [(tenant, shown_by)] = ground.passes.told
    assert (tenant, shown_by.begun_at) == ("2", earlier)


async def test_a_tenant_is_not_told_while_one_of_its_accounts_failed() -> None:
    ground = Ground(quay=Calcom("quay", [booking("odd", -300)], ignores=True), pier=four("pier"))
    await ground.sweeps.sweep("quay", ground.passes.begin("quay"))
    await ground.sweeps.sweep("pier", ground.passes.begin("pier"))
    assert ground.tenants_told() == []


async def test_a_full_pass_has_no_upper_bound() -> None:
    ground = Ground(harbor=Calcom("harbor", [booking("far", 700)]))
    await ground.sweeps.sweep("harbor", ground.passes.begin("harbor", "full"))
    assert ground.shown == ["far"]
    assert ground.passes.told[0][1].kind == "full"
