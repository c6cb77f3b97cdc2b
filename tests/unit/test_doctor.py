"""What the doctor makes of figures, and how it ends and prints."""

import asyncio
from typing import Any, cast

import pytest

from api.doctor_report import told
from connectors.calcom.subscriptions import Audit
from connectors.doctor.calcom import subscription_line
from connectors.doctor.database import Look, skew_line, slot, slot_bound
from connectors.doctor.line import Line, Outcome, checked, exit_code, fail, ok, unknown, warn
from connectors.doctor.store import standing_lines
from connectors.source.inspection import SourceNames
from connectors.source.mapping import EXAMPLE
from streams.decode.webhook import STATE_TRIGGERS
from streams.model.records import Difference
from streams.model.source_records import MatchedShare, TenantStanding
from streams.settings import Settings
from streams.settings_sections import SourceSettings

MB, GB = 1024**2, 1024**3


class Catalogue:
    """A database that answers every question alike."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    async def fetchval(self, sql: str, *arguments: object) -> object:
        return self._answer

    fetchrow = fetchval


def look(answer: object, **source: Any) -> Look:
    return Look(Catalogue(answer), SourceSettings.model_validate(source), EXAMPLE, SourceNames())


# The slot: at worst it fills the customer's disk --------------------------------------


@pytest.mark.parametrize(
    ("megabytes", "outcome"),
    [
        (-1, "FAIL"),  # unlimited
        (5_000, "warn"),  # Postgres gives up before source.max_retained_wal (10 GB) is reached
        (20_480, "ok"),
    ],
)
async def test_what_a_slot_may_hold_back_must_be_bounded(megabytes: int, outcome: str) -> None:
    line = await slot_bound(look(megabytes))
    assert line.outcome == outcome
    assert ("ALTER SYSTEM SET max_slot_wal_keep_size = '20480MB'" in line.mend) == (outcome != "ok")


@pytest.mark.parametrize(
    ("row", "outcome", "words"),
    [
        (None, "warn", "not there yet"),
        ({"active": True, "retained": 900 * MB}, "ok", "active, holds back 900.0 MB"),
        ({"active": True, "retained": 2 * GB}, "warn", "holds back 2048.0 MB"),
        ({"active": True, "retained": 11 * GB}, "FAIL", "more than source.max_retained_wal"),
        ({"active": False, "retained": None}, "warn", "not active"),
        ({"active": False, "retained": 0, "wal_status": "lost"}, "FAIL", "its WAL is gone"),
        ({"active": True, "retained": 0, "here": False}, "FAIL", "another database"),
    ],
)
async def test_a_slot_is_judged_by_what_it_holds_back(row: dict[str, Any] | None, outcome: str, words: str) -> None:
    given = row and {"wal_status": "reserved", "here": True} | row
    line = await slot(look(given, max_retained_wal="10GB"))
    assert (line.outcome, words in line.found) == (outcome, True)


@pytest.mark.parametrize(("skew", "outcome"), [(0.4, "ok"), (-4.9, "ok"), (30.0, "warn"), (-30.0, "warn")])
def test_a_clock_that_is_off_is_warned_of(skew: float, outcome: str) -> None:
    assert skew_line("clock", skew, "theirs").outcome == outcome


# Webhooks -----------------------------------------------------------------------------


def test_a_subscription_is_judged_by_how_it_differs() -> None:
    good = Audit(checked_at="", good={"1": "https://door/webhooks/calcom/a"}, triggers=tuple(STATE_TRIGGERS))
    assert subscription_line("webhook", good, ()).outcome == "ok"
    partly = Audit(checked_at="", good=good.good, triggers=("BOOKING_CREATED",))
    assert "BOOKING_CANCELLED" in subscription_line("webhook", partly, ()).found
    off = Audit(checked_at="", drift=(Difference(field="active", local="true", calcom="false"),))
    assert subscription_line("webhook", off, ()).outcome == "FAIL"


# What the worker told -----------------------------------------------------------------


def standing(**figures: Any) -> dict[str, Line]:
    told_of = TenantStanding(tenant="15", at="", compared_through="", lag_wait_ms=2_000, **figures)
    return {line.check: line for line in standing_lines(told_of, Settings())}


def test_a_grace_is_suggested_where_the_tenant_is_slower_than_it() -> None:
    slow = standing(sync_p50_ms=800, sync_p999_ms=6_000, sync_samples=1200)["tenant 15 sync"]
    assert slow.mend == ("suggested: detection.tenants.15.grace_seconds = { orphaned_local = 8, orphaned_calcom = 8 }")
    fast = standing(sync_p50_ms=300, sync_p999_ms=1_000, sync_samples=1200)["tenant 15 sync"]
    assert (fast.outcome, fast.mend) == ("ok", "")
    assert standing()["tenant 15 sync"].found == "not measured yet"


def test_the_matched_share_of_each_event_type_is_shown() -> None:
    shares = (
        MatchedShare(kind="event_type", id="7", total=40, matched=39),
        MatchedShare(kind="source", id="walk_in", total=12, matched=0, out=True),
    )
    lines = standing(shares=shares)
    assert lines["tenant 15 event type 7"].found == "39 of 40 matched (98 %)"
    assert lines["tenant 15 source walk_in"].outcome == "warn"


# How it ends --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([ok("a", ""), warn("b", "", "")], 0),
        ([ok("a", ""), unknown("b", "")], 2),
        ([fail("a", "", ""), unknown("b", "")], 1),
    ],
)
def test_the_exit_code_is_the_worst_of_the_checks(lines: list[Line], code: int) -> None:
    assert exit_code(lines) == code


async def test_a_check_that_cannot_be_made_says_so_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> Line:
        raise OSError("postgresql://role:secret@host/db is away")

    async def hanging() -> Line:
        return cast("Line", await asyncio.Event().wait())

    monkeypatch.setattr("connectors.doctor.line.CHECK_SECONDS_MAX", 0.01)
    [line] = await checked("source", broken())
    assert (line.outcome, "secret" in line.found) == (Outcome.UNKNOWN, False)
    [line] = await checked("source", hanging())
    assert line.found == "no answer within 0.01 s"


def test_a_check_is_one_line_with_its_mend() -> None:
    lines = told([ok("kafka", "answers"), fail("source slot", "two\nlines", "do this")], coloured=False)
    assert lines == ["ok    kafka        answers", "FAIL  source slot  two lines → do this"]
