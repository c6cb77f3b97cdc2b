"""A booking whose event type is mapped to nobody: whose it is, a row says; until then it is nobody's."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from connectors.calcom.answers import Elsewhere, Found
from connectors.calcom.ownership import Ownership
from connectors.unmapped.mapping import LookupFailed, Mapper, Telling
from connectors.unmapped.record import (
    CLOCKS_APART_MS_MAX,
    UnmappedRecord,
    account_of_key,
    aged,
    unmapped_read,
    unmapped_webhook,
)
from streams.model.records import BookingRead
from streams.settings import Settings

SETTINGS = Settings.model_validate(
    {
        "accounts": [
            {"name": "shared", "api_key": "k", "event_types": {"10": "1", "20": "2"}},
            {"name": "own", "api_key": "l", "tenant": "3"},
        ]
    }
)
BOOKING: dict[str, object] = {"uid": "uid-a", "id": 1904, "eventTypeId": 77, "status": "accepted"}


class KafkaRecord(NamedTuple):
    value: bytes
    key: bytes = b"~shared"
    topic: str = "calcom.webhooks"
    partition: int = 2
    offset: int = 41
    headers: tuple[tuple[str, bytes], ...] = (("account", b"shared"),)


def webhook(**payload: Any) -> UnmappedRecord | None:
    body = {"triggerEvent": "BOOKING_CREATED", "createdAt": "2026-01-05T09:00:00.000Z", "payload": payload}
    return unmapped_webhook(KafkaRecord(json.dumps(body).encode()), "shared")


def read(booking: dict[str, object] | None = BOOKING, result: str = "found") -> bytes:
    text = {"account": "shared", "uid": "uid-a", "read_at": "2026-01-05T09:00:00.000Z", "reason": "sweep",
            "result": result, "duration_ms": 250, "booking": booking}  # fmt: skip
    return json.dumps(text).encode()


# Which booking ---------------------------------------------------------------------


def test_a_webhook_names_its_booking_by_uid_by_number_and_by_the_link_before_it() -> None:
    found = webhook(uid="uid-b", bookingId=1905, rescheduleUid="uid-a", rescheduleId=1904, eventTypeId=77)
    assert found is not None
    assert (found.place, found.event_type) == ("calcom.webhooks/2/41", "77")
    assert found.refs == ("uid-b", "1905", "uid-a", "1904")
    assert found.headers == (("account", "shared"),)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b'{"triggerEvent": "PING", "payload": {"type": "Test"}}']
)
def test_a_body_that_names_no_booking_is_left_alone(body: bytes) -> None:
    assert unmapped_webhook(KafkaRecord(body), "shared") is None


def test_only_a_read_that_shows_a_booking_is_looked_up() -> None:
    shown = unmapped_read(KafkaRecord(read()), "shared")
    assert shown is not None
    assert (shown.refs, shown.event_type) == (("uid-a", "1904"), "77")
    assert unmapped_read(KafkaRecord(read(None, "missing")), "shared") is None


@pytest.mark.parametrize(("key", "account"), [(b"~shared", "shared"), (b"1", None), (None, None)])
def test_an_unmapped_tenant_is_its_accounts_name(key: bytes | None, account: str | None) -> None:
    assert account_of_key(key) == account


def test_a_read_told_again_is_told_as_old_as_it_may_be_at_most() -> None:
    told = aged(read(), datetime(2026, 1, 5, 9, 0, 30, tzinfo=UTC))
    assert told.duration_ms == 250 + 30_000 + CLOCKS_APART_MS_MAX
    assert told.booking == BOOKING
    # A clock that went back makes it no younger.
    before = aged(read(), datetime(2026, 1, 5, 9, tzinfo=UTC) - timedelta(minutes=5))
    assert before.duration_ms == 250 + CLOCKS_APART_MS_MAX


# Whose it is -----------------------------------------------------------------------


class Shelf:
    """The store's part."""

    def __init__(self, *records: UnmappedRecord) -> None:
        self.waiting = {record.place: record for record in records}
        self.put_off: list[tuple[float, bool]] = []
        self.remembered: dict[str, str] = {}
        self.nobodys: list[str | None] = []

    async def due(self, _: int) -> list[UnmappedRecord]:
        return list(self.waiting.values())

    async def known(self, refs: Any) -> dict[str, str]:
        return {ref: tenant for ref, tenant in self.remembered.items() if ref in refs}

    async def later(self, places: Any, seconds: float, *, looked_up: bool) -> None:
        self.put_off.append((seconds, looked_up))

    async def mapped(self, record: UnmappedRecord, tenant: str) -> None:
        del self.waiting[record.place]

    async def given_up(self, record: UnmappedRecord) -> bool:
        del self.waiting[record.place]
        self.nobodys.append(record.event_type)
        return self.nobodys.count(record.event_type) == 1


def record(lookups: int = 0, event_type: str = "77", **more: Any) -> UnmappedRecord:
    return UnmappedRecord(place="calcom.webhooks/2/41", account="shared", kind="webhook", event_type=event_type,
                          refs=("uid-b", "1905", "uid-a"), value=b"{}", lookups=lookups, **more)  # fmt: skip


async def told(shelf: Shelf, rows: dict[str, set[str]] | None) -> list[tuple[str, str]]:
    """Under which tenants what was told after one look; `rows` None: the database is away."""
    heard: list[tuple[str, str]] = []

    async def lookup(refs: Any) -> dict[str, frozenset[str]]:
        if rows is None:
            raise LookupFailed("away")
        return {ref: frozenset(tenants) for ref, tenants in rows.items() if ref in refs}

    async def tell_webhook(tenant: str, one: UnmappedRecord) -> None:
        heard.append((tenant, one.place))

    async def tell_read(tenant: str, one: BookingRead) -> None:
        heard.append((tenant, one.uid))

    kept: Any = shelf
    await Mapper(SETTINGS, kept, lookup, Telling(webhook=tell_webhook, read=tell_read)).step()
    return heard


@pytest.mark.parametrize("ref", ["uid-b", "1905", "uid-a"])
async def test_it_is_told_under_the_tenant_whose_row_names_any_link_of_it(ref: str) -> None:
    shelf = Shelf(record())
    assert await told(shelf, {ref: {"2"}}) == [("2", "calcom.webhooks/2/41")]
    assert not shelf.waiting


async def test_what_a_row_once_said_holds_when_the_row_is_gone() -> None:
    shelf = Shelf(record())
    shelf.remembered = {"uid-a": "1"}
    assert await told(shelf, {}) == [("1", "calcom.webhooks/2/41")]


async def test_a_row_of_a_tenant_that_does_not_use_the_account_makes_it_nobodys_fact() -> None:
    assert await told(Shelf(record()), {"uid-b": {"3"}}) == []


async def test_two_tenants_that_name_it_see_nothing_of_one_another() -> None:
    assert await told(Shelf(record()), {"uid-b": {"1"}, "1905": {"2"}}) == []


async def test_an_event_type_that_was_mapped_meanwhile_needs_no_row() -> None:
    assert await told(Shelf(record(event_type="20")), {}) == [("2", "calcom.webhooks/2/41")]


async def test_the_row_may_come_later_and_is_waited_for_with_growing_pauses_for_two_minutes() -> None:
    pauses: list[float] = []
    for lookups in range(7):
        shelf = Shelf(record(lookups))
        assert await told(shelf, {}) == []
        pauses += [seconds for seconds, looked_up in shelf.put_off if looked_up]
    assert pauses == sorted(pauses)
    assert sum(pauses) == 120
    last = Shelf(record(7))
    assert await told(last, {}) == []
    assert (last.nobodys, last.put_off) == (["77"], [])


async def test_a_database_that_is_away_is_no_lookup() -> None:
    shelf = Shelf(record(7))
    assert await told(shelf, None) == []
    assert [looked_up for _, looked_up in shelf.put_off] == [False]
    assert shelf.waiting


# Who is shown it -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tenant", "event_type", "shown"),
    [
        ("1", 77, True),  # nobody's: the worker asks because a row of this tenant names it
        ("2", 77, True),
        ("~shared", 77, True),
        ("3", 77, False),  # does not use the account
        ("1", 10, True),
        ("1", 20, False),  # another tenant's
    ],
)
def test_a_booking_of_nobody_is_shown_to_the_accounts_tenants(tenant: str, event_type: int, shown: bool) -> None:
    answer = Found(booking={**BOOKING, "eventTypeId": event_type}, began_at=0.0, http_status=200)
    placed = Ownership(SETTINGS).placed(answer, "shared", tenant)
    assert isinstance(placed, Found if shown else Elsewhere)


def test_an_account_of_one_tenant_shows_its_bookings_to_nobody_else() -> None:
    answer = Found(booking=BOOKING, began_at=0.0, http_status=200)
    assert isinstance(Ownership(SETTINGS).placed(answer, "own", "1"), Elsewhere)
