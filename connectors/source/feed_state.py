"""How the database's feed fares, out of what was seen of it. Pure: signs and memory in, word and memory out.

    signs of a loss (each tried on Debezium 3.7)         seen by
    the slot is not there, and was                       a look at the slot
    the slot is invalid: its log was given away          a look at the slot
    the slot was made anew                               its counters began again (slot.py)
    the tables are read anew                             snapshot rows after the feed had been live
    records went unread until they were too old          the worker's offset lies before the topic's first record

A gap begins with the first sign. It ends when the feed is live again, no sign is left, and a back-fill that was begun
afterwards has ended: what a slot lost, no later record brings. A first snapshot is no loss.
"""

from collections.abc import Iterator

import msgspec

from connectors.source.slot import Slot, SlotLook, SlotMark, made_anew, mark_of

GIB = 1024**3
#: Of one gap; enough to know what happened.
SIGNS_MAX = 5


class FeedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a silence is one (design §5). Tests shorten it."""

    silent_seconds: float = 15.0
    #: For the first word of a feed after we began to listen: Debezium may just be starting, as we are.
    starting_seconds: float = 45.0
    #: More log than this held back by a slot that does not advance is a fault by itself.
    held_bytes: int = GIB
    held_seconds: float = 60.0


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A loss that is not made good yet. `since` in ms; `signs` in the order in which they were seen."""

    since: int
    signs: tuple[str, ...]


class FeedMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What must survive a restart. `positions`: how far the change topics were looked through for snapshot rows."""

    #: The feed was live once: from then on a snapshot is a loss.
    lived: bool = False
    slot: SlotMark | None = None
    gap: Gap | None = None
    positions: dict[str, int] = {}


class Signs(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen just now. Seconds are those since; None for never, or not since we listen.

    `look` is None where the database did not answer. `settled`: a heartbeat came after the newest snapshot row, and
    everything on the topics was looked at since. `unread` names a topic whose records went unread.
    """

    look: SlotLook | None
    silent_seconds: float
    heard: bool
    in_snapshot: bool
    new_snapshot_rows: bool
    settled: bool
    unread: str | None = None
    held_seconds: float = 0.0


def remembered(memory: FeedMemory, signs: Signs, now: int) -> FeedMemory:
    """The memory after the signs: whether the feed ever lived, the slot as it is, a gap that began."""
    losses = tuple(losses_of(memory, signs))
    slot = signs.look.slot if signs.look is not None else None
    gap = memory.gap
    if losses:
        known = gap.signs if gap else ()
        added = tuple(loss for loss in losses if loss not in known)
        gap = Gap(since=gap.since if gap else now, signs=(*known, *added)[:SIGNS_MAX])
    return msgspec.structs.replace(
        memory,
        lived=memory.lived or (signs.settled and slot is not None and slot.active),
        slot=mark_of(slot) if slot is not None else memory.slot,
        gap=gap,
    )


def losses_of(memory: FeedMemory, signs: Signs) -> Iterator[str]:
    """The signs of a loss that are there now, for people."""
    if signs.look is not None and memory.lived:
        if signs.look.slot is None:
            yield "the replication slot is gone"
        elif signs.look.slot.is_lost:
            reason = signs.look.slot.invalidation_reason
            yield "the replication slot is invalid" + (f" ({reason})" if reason else "")
        elif made_anew(memory.slot, signs.look.slot):
            yield "the replication slot was made anew"
    if signs.new_snapshot_rows and memory.lived:
        yield "Debezium reads the tables anew, it could not go on where it ended"
    if signs.unread is not None:
        yield f"records of {signs.unread} became too old before they were read"


def silence_of(signs: Signs, policy: FeedPolicy) -> str | None:
    """Why the feed counts as stalled; None where it does not."""
    bound = policy.silent_seconds if signs.heard else policy.starting_seconds
    if signs.silent_seconds >= bound:
        away = "; the database does not answer" if signs.look is None else ""
        return f"no heartbeat and no record for {signs.silent_seconds:.0f} s{away}"
    slot = signs.look.slot if signs.look is not None else None
    if slot is not None and slot.retained_bytes >= policy.held_bytes and signs.held_seconds >= policy.held_seconds:
        return f"{told_bytes(slot.retained_bytes)} of the log are held back by our slot, which does not advance"
    return None


def slot_word(look: SlotLook | None) -> str:
    """One word for people."""
    if look is None:
        return "unknown"
    slot: Slot | None = look.slot
    if slot is None:
        return "absent"
    if slot.is_lost:
        return "invalid"
    return "active" if slot.active else "inactive"


def told_bytes(count: int) -> str:
    """`1.2 GB`."""
    for unit, size in (("GB", GIB), ("MB", 1024**2), ("KB", 1024)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
