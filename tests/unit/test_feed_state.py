"""How the database's feed fares, by what was seen of it: what is a loss, what is a silence, and what is neither."""

import msgspec
import pytest

from connectors.source.feed_records import is_snapshot_row
from connectors.source.feed_state import (
    GIB,
    FeedMemory,
    FeedPolicy,
    Signs,
    losses_of,
    remembered,
    silence_of,
    slot_word,
    told_bytes,
)
from connectors.source.log_lag import LogLag
from connectors.source.slot import Slot, SlotLook, mark_of

SLOT = Slot(
    active=True,
    wal_status="reserved",
    invalidation_reason="",
    confirmed=1000,
    retained_bytes=2000,
    decoded=40,
    written=3000,
    counted_since="",
    server_started="2026-11-26 08:00",
)
LIVED = FeedMemory(lived=True, slot=mark_of(SLOT))
POLICY = FeedPolicy()


def seen(slot: Slot | None = SLOT, **changed: object) -> SlotLook:
    return SlotLook(slot=None if slot is None else msgspec.structs.replace(slot, **changed))


def signs(look: SlotLook | None = None, **changed: object) -> Signs:
    quiet = Signs(
        look=look or seen(), silent_seconds=0.5, heard=True, in_snapshot=False, new_snapshot_rows=False, settled=True
    )
    return msgspec.structs.replace(quiet, **changed)


def losses(memory: FeedMemory, now: Signs) -> list[str]:
    return list(losses_of(memory, now))


@pytest.mark.parametrize(
    ("look", "loss"),
    [
        (seen(), None),
        (seen(decoded=41), None),
        (seen(None), "the replication slot is gone"),
        (seen(wal_status="lost", invalidation_reason="wal_removed"), "the replication slot is invalid (wal_removed)"),
        (seen(wal_status="lost"), "the replication slot is invalid"),
        (seen(wal_status="unreserved"), None),  # still readable
        (seen(active=False), None),  # nobody reads: a silence, if it lasts
        (seen(decoded=3), "the replication slot was made anew"),
        (seen(decoded=3, server_started="2026-11-26 09:00"), None),  # a crash of the server takes the counters along
        (seen(decoded=3, counted_since="2026-11-26 09:00"), None),  # somebody set the counters back
    ],
)
def test_what_a_look_at_the_slot_says_of_losses(look: SlotLook, loss: str | None) -> None:
    assert losses(LIVED, signs(look)) == ([loss] if loss else [])


def test_a_snapshot_is_a_loss_only_once_the_feed_has_lived() -> None:
    first = signs(new_snapshot_rows=True, settled=False)
    assert losses(FeedMemory(), first) == []
    assert losses(LIVED, first) == ["Debezium reads the tables anew, it could not go on where it ended"]


def test_a_slot_that_debezium_has_not_made_yet_is_no_loss() -> None:
    assert losses(FeedMemory(), signs(seen(None))) == []


def test_records_that_grew_too_old_before_they_were_read_are_a_loss() -> None:
    assert losses(FeedMemory(), signs(unread="crm.public.calls")) == [
        "records of crm.public.calls became too old before they were read"
    ]


def test_a_database_that_does_not_answer_says_nothing_of_losses() -> None:
    assert losses(LIVED, msgspec.structs.replace(signs(), look=None)) == []


def test_the_feed_has_lived_once_a_heartbeat_followed_the_snapshot_and_the_slot_is_read() -> None:
    assert not remembered(FeedMemory(), signs(settled=False), 1).lived
    assert not remembered(FeedMemory(), signs(seen(active=False)), 1).lived
    assert remembered(FeedMemory(), signs(), 1).lived


def test_a_gap_keeps_its_beginning_and_each_sign_once() -> None:
    memory = remembered(LIVED, signs(seen(None)), 10)
    memory = remembered(memory, signs(seen(None)), 11)
    memory = remembered(memory, signs(seen(decoded=0), new_snapshot_rows=True), 12)
    assert memory.gap is not None
    assert memory.gap.since == 10
    assert memory.gap.signs == (
        "the replication slot is gone",
        "the replication slot was made anew",
        "Debezium reads the tables anew, it could not go on where it ended",
    )


def test_a_slot_made_anew_is_noticed_once() -> None:
    memory = remembered(LIVED, signs(seen(decoded=0)), 10)
    assert losses(memory, signs(seen(decoded=1))) == []


@pytest.mark.parametrize(
    ("changed", "silence"),
    [
        ({"silent_seconds": 14.9}, None),
        ({"silent_seconds": 15.0}, "no heartbeat and no record for 15 s"),
        ({"silent_seconds": 15.0, "look": None}, "no heartbeat and no record for 15 s; the database does not answer"),
        ({"silent_seconds": 44.0, "heard": False}, None),  # Debezium may just be starting
        ({"silent_seconds": 45.0, "heard": False}, "no heartbeat and no record for 45 s"),
        ({"look": seen(retained_bytes=2 * GIB), "held_seconds": 59.0}, None),
        (
            {"look": seen(retained_bytes=2 * GIB), "held_seconds": 60.0},
            "2.0 GB of the log are held back by our slot, which does not advance",
        ),
    ],
)
def test_when_a_silence_is_one(changed: dict[str, object], silence: str | None) -> None:
    assert silence_of(msgspec.structs.replace(signs(), **changed), POLICY) == silence


@pytest.mark.parametrize(
    ("value", "is_row"),
    [
        (b'{"op":"r","source":{"snapshot":"first"}}', True),
        (b'{"op":"r","source":{"snapshot":"true"},"after":{"status":"x"}}', True),
        (b'{"op":"r","source":{"snapshot":"incremental"}}', False),  # somebody asked for it
        (b'{"op":"u","source":{"snapshot":"false"},"after":{"note":"\\"op\\":\\"r\\""}}', False),
        (b'{"op":"c","source":{}}', False),
        (b'{"op":"r"', False),
        (None, False),
    ],
)
def test_what_is_a_row_of_a_snapshot(value: bytes | None, is_row: bool) -> None:
    assert is_snapshot_row(value) is is_row


def test_the_lag_is_measured_by_our_clock_alone() -> None:
    lag = LogLag()
    for second in range(10):
        lag.note(second * 1000, second * 100)
    assert lag.through(-1) is None
    assert lag.through(350) == 3000
    assert lag.through(350) == 3000  # nothing new is confirmed
    assert lag.through(900) == 9000


def test_a_slot_made_anew_confirms_what_nobody_heard() -> None:
    lag = LogLag()
    lag.note(1000, 100)
    lag.forget()
    assert lag.through(10_000) is None


def test_how_people_read_it() -> None:
    assert [slot_word(look) for look in (None, seen(None), seen(), seen(active=False), seen(wal_status="lost"))] == [
        "unknown", "absent", "active", "inactive", "invalid",
    ]  # fmt: skip
    assert [told_bytes(count) for count in (12, 2048, 3 * 1024**2, GIB * 5 // 4)] == [
        "12 bytes", "2.0 KB", "3.0 MB", "1.2 GB",
    ]  # fmt: skip
