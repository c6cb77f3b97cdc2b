"""Worlds of facts for the rules, as small as can be; every instant in them is another one."""

from collections.abc import Callable
from typing import Any

from streams.model.facts import CallRow
from streams.model.ids import NO_TENANT
from tests.fact_words import END, START, Facts, change, lookup, read, row, select, told
from tests.truth import at

MADE = at(-500)


def agreed(**columns: Any) -> Facts:
    """A booking that was read, and the row of appointment 17 that names it."""
    facts = Facts().booking("4fQx", told(1, numeric_id="901"), read(2, numeric_id="901", updated_at=at(0.5)))
    return facts.appointment("17", change(3, row(**({"booking": "4fQx", "call": "5", "created_at": MADE} | columns))))


def moved(newest: Any = None, **columns: Any) -> Facts:
    """The row of appointment 17 still names 4fQx, which was moved to 5gRy an hour later."""
    facts = Facts().booking("4fQx", told(1, numeric_id="901"))
    later = told(4, "BOOKING_RESCHEDULED", start=START + 3_600_000, end=END + 3_600_000, predecessor="4fQx")
    facts.booking("5gRy", *(later,) if newest is None else newest)
    return facts.appointment("17", change(3, row(**({"booking": "4fQx", "call": "5"} | columns))))


def moved_and_gone(**columns: Any) -> Facts:
    return moved([read(4, None), read(9, None), told(2, status=None, predecessor="4fQx")], **columns)


def replaced() -> Facts:
    """The chain went on, and another row names its newest link."""
    return moved().appointment("18", change(6, row(booking="5gRy", start=START + 3_600_000, end=END + 3_600_000)))


def named_unread(booking: str, **columns: Any) -> Facts:
    return Facts().booking(booking).appointment("17", change(3, row(booking=booking, created_at=MADE, **columns)))


def lonely(*, foreign: tuple[str, ...] = ()) -> Facts:
    """A chain of two that no row names; a call does."""
    facts = Facts().booking("5gRy", told(1, numeric_id="901"), lookup=lookup(8, foreign=foreign))
    later = told(4, "BOOKING_RESCHEDULED", start=START + 60_000, end=END + 60_000, predecessor="5gRy")
    facts.booking("4fQx", later, lookup=lookup(7, foreign=foreign[:1]))
    return facts.call("5", change(2, CallRow(direction="inbound", booking="901")))


def one_host_twice(*were_read: str) -> Facts:
    """Two bookings of host 7 at one time; 4fQx was made first, though its number is the greater."""
    facts = Facts()
    for uid, second, number in (("5gRy", 2, "901"), ("4fQx", 1, "902")):
        told_of: dict[str, Any] = {"hosts": ("7",), "numeric_id": number, "event_type": "7"}
        shown = [read(second + 3, made_at=at(second - 9), updated_at=at(second), **told_of)]
        facts.booking(uid, told(second, **told_of), *shown if uid in were_read else ())
        facts.appointment(number, change(second, row(booking=uid)))
    return facts


def twins(first: dict[str, Any], second: dict[str, Any], *reads: Any) -> Facts:
    """Two active rows; what they share is said by their columns."""
    facts = Facts()
    for uid in {first.get("booking"), second.get("booking")} - {None}:
        facts.booking(str(uid), told(1), *reads)
    facts.appointment("9", change(3, row(**({"end": END + 60_000, "created_at": MADE} | first))))
    return facts.appointment("10", change(4, row(**({"call": "5", "created_at": MADE + 1000} | second))))


def made(*, booking: str | None = "901", **columns: Any) -> CallRow:
    return CallRow(
        **({"direction": "inbound", "outcome": "appointment_booked", "made": True, "booking": booking} | columns)
    )


def call_alone(booking: str | None) -> Facts:
    facts = Facts().booking("4fQx", told(1, numeric_id="901"), read(2, "cancelled", successor="5gRy"))
    facts.booking("5gRy", read(6, "cancelled", updated_at=at(5), end=END + 60_000))
    return facts.call("5", change(4, made(booking=booking, created_at=MADE)))


def call_beside(**columns: Any) -> Facts:
    """A call made an appointment whose row does not name it."""
    return agreed(call=None, **columns).call("5", change(4, made()))


def call_of_another_booking() -> Facts:
    """Call 5 names a booking nobody has read, its appointments name 4fQx (read) and 5gRy (not read)."""
    facts = agreed(end=END + 60_000).booking("5gRy").booking("6hSz")
    facts.appointment("18", change(5, row(booking="5gRy", call="5", start=START + 1000, created_at=MADE + 1000)))
    return facts.call("5", change(4, made(booking="6hSz", created_at=MADE + 2000)))


def call_whose_booking_is_anothers() -> Facts:
    return agreed(call="6").call("5", change(4, made())).call("6", change(5, CallRow(direction="inbound")))


def call_only(*facts: Any) -> Facts:
    return Facts().call("5", *facts)


def call_of_17(held: CallRow) -> Facts:
    return agreed().call("5", change(4, held))


def unsynced(*facts: Any) -> Facts:
    return Facts().booking("4fQx", told(1), read(2)).appointment("17", *facts)


def nobodys() -> Facts:
    facts = Facts(NO_TENANT).appointment("17", select(3, row(booking="4fQx", call="5")))
    return facts.call("5", select(4, CallRow(booking="4fQx")))


def strangers(facts: Facts) -> Facts:
    """Beside it, and before it in every list: affairs of others that are in order, or none of a rule's business."""
    facts.booking("0aa", told(-9, hosts=("8",)), read(-8, hosts=("8",), made_at=at(-20), end=END + 3_600_000))
    facts.booking("0bb", read(-8, "pending")).booking("0cc", told(-9), read(-8, "cancelled", successor="0dd"))
    facts.booking("0dd", read(-7, "pending")).booking("0ee", told(-9, "BOOKING_PAYMENT_INITIATED"))
    facts.booking("0ff", read(-9, "awaiting_host")).booking("0gg", read(-9))
    rows = [
        row(booking="0aa", end=None),
        row(booking="0bb", status="pending", call="3"),
        row(booking="0cc"),
        row(booking="0gg", start=None, end=None),
        row(booking="0bb", status="odd"),
        row(booking="0ee", status="cancelled"),
        row(status="completed", sync="pending"),
        row(status="no_show", sync="failed"),
    ]
    for number, held in enumerate(rows, start=1):
        facts.appointment(str(number), held)
    facts.call("1", CallRow(direction="inbound")).call("2", CallRow(direction="outbound", made=False, booking="0dd"))
    return facts.call("3", CallRow(direction="inbound", made=True, booking="0bb", outcome="appointment_booked"))


PENDING, FAILED = row(booking="901", call="5", sync="pending", created_at=MADE), row(sync="failed", attempts=2)
LATER = {"start": START + 3_600_000, "end": END + 3_600_000}

JUDGED: dict[str, Callable[[], Facts]] = {
    "starts and ends an hour apart": lambda: agreed(**LATER),
    "ends an hour apart": lambda: agreed(end=END + 3_600_000),
    "a row that ends before its booking": lambda: agreed(end=END - 3_600_000, source="web"),
    "cancelled here, accepted there": lambda: agreed(status="cancelled"),
    "moved, and the row was not": moved,
    "moved to an earlier time": lambda: moved([read(4, start=START - 3_600_000, end=START, predecessor="4fQx")]),
    "moved and cancelled there": lambda: moved([read(4, "cancelled", predecessor="4fQx", updated_at=at(3.5))]),
    "moved, and the new booking is gone": moved_and_gone,
    "moved, and the row of the new booking was cancelled": lambda: moved().appointment(
        "18", change(6, row(booking="5gRy", status="cancelled"))
    ),
    "moved and gone, and the row says completed": lambda: moved_and_gone(status="completed"),
    "moved, and the row was cancelled": lambda: moved(status="cancelled"),
    "moved, and another row names the new booking": replaced,
    "moved and cancelled there, and another row names the new booking": lambda: moved(
        [read(4, "cancelled", predecessor="4fQx")]
    ).appointment("18", change(6, row(booking="5gRy", status="pending"))),
    "moved twice, and nobody read where to": lambda: moved(
        [read(4, "cancelled", predecessor="4fQx", successor="6hSz")]
    ).booking("6hSz"),
    "a row names what was never read": lambda: named_unread("4fQx"),
    "a row names what Cal.com does not know": lambda: named_unread("4fQx", call="5").booking("4fQx", read(2, None)),
    "a booking without a row": lonely,
    "a booking held by other tenants": lambda: lonely(foreign=("2|8", "3|9|b")),
    "one host twice": lambda: one_host_twice("4fQx", "5gRy"),
    "one host twice, and one of them read": lambda: one_host_twice("5gRy"),
    "one host three times": lambda: one_host_twice("4fQx", "5gRy").booking(
        "3eZx", told(1, hosts=("7", "6")), read(4, hosts=("7",))
    ),
    "one host twice, as webhooks say": one_host_twice,
    "one host three times, one of them without a number": lambda: (
        one_host_twice().booking("3eZx", told(1, hosts=("7",))).appointment("903", row(booking="3eZx"))
    ),
    "two rows of one booking": lambda: twins({"booking": "4fQx"}, {"booking": "4fQx"}, read(2)),
    "two rows of one booking, cancelled there": lambda: twins(
        {"booking": "4fQx"}, {"booking": "4fQx"}, read(5, "cancelled")
    ),
    "two cancelled rows of one booking": lambda: twins(
        {"booking": "4fQx", "status": "cancelled"}, {"booking": "4fQx", "status": "cancelled"}, read(2)
    ),
    "two rows of a booking that may have seats": lambda: twins({"booking": "4fQx"}, {"booking": "4fQx"}),
    "two rows of one key, which never end": lambda: twins(
        {"key": "k", "start": None, "end": None}, {"key": "k", "start": None, "end": None}
    ),
    "two rows of one customer": lambda: twins(
        {"customer": "3", "service": "4", "start": START + 300_000}, {"customer": "3", "service": "4"}
    ),
    "two rows of one customer, more than five minutes apart": lambda: twins(
        {"customer": "3", "service": "4", "start": START + 300_001}, {"customer": "3", "service": "4"}
    ),
    "a row whose id is a number, and one whose is none": lambda: (
        Facts()
        .appointment("17", change(4, row(key="k", booking="902")))
        .appointment("aa", change(3, row(key="k", booking="903")))
    ),
    "two rows of one key on two bookings": lambda: twins(
        {"booking": "4fQx", "key": "k"}, {"booking": "5gRy", "key": "k"}, read(2)
    ),
    "two rows whose ids are no numbers": lambda: (
        Facts()
        .appointment("ab", change(3, row(key="k", booking="902", status="pending")))
        .appointment("aa", change(4, row(key="k", booking="903", end=None)))
    ),
    "a call without its appointment": lambda: call_alone("901"),
    "a call without its appointment and without booking": lambda: call_alone(None),
    "a call names a booking that was never heard of": lambda: (
        Facts().booking("4fQx").call("5", change(4, made(booking="4fQx", created_at=MADE)))
    ),
    "an appointment without its call": call_beside,
    "an appointment that names the number, without its call": lambda: call_beside(booking="901"),
    "an appointment of the phone agent without call": lambda: Facts().appointment(
        "17", change(3, row(booking="902", source="retell_webhook"))
    ),
    "a call and its appointments name different bookings": call_of_another_booking,
    "the booking of a call is held by another's appointment": call_whose_booking_is_anothers,
    "a call and an appointment without times name different bookings": lambda: (
        Facts()
        .booking("4fQx", read(2))
        .booking("5gRy", read(2))
        .appointment("17", change(3, row(booking="4fQx", call="5", start=None, end=None)))
        .call("5", change(4, made(booking="5gRy", made=None)))
    ),
    "a phantom": lambda: call_of_17(made(made=False)),
    "made, but said otherwise": lambda: call_of_17(made(outcome="no_answer")),
    "a call without direction": lambda: call_only(change(4, CallRow(booking="901"))),
    "a call that failed twice over": lambda: call_only(
        change(
            4, CallRow(direction="inbound", outcome="creation_failed", link_status="creation_failed", created_at=MADE)
        )
    ),
    "a call whose link failed": lambda: call_only(
        change(4, CallRow(direction="inbound", link_status="creation_failed", booking="901"))
    ),
    "a sync that became pending": lambda: unsynced(change(1, row(booking="4fQx")), change(5, PENDING)),
    "a sync that was pending when first seen": lambda: unsynced(change(5, PENDING, snapshot_row=True)),
    "a sync that failed": lambda: unsynced(change(1, PENDING), change(5, FAILED)),
    "a sync that failed, of a row that names the number": lambda: agreed(booking="901", sync="failed"),
    "a sync tried three times": lambda: unsynced(change(5, row(booking="4fQx", attempts=3, status="cancelled"))),
    "a row without booking": lambda: Facts().appointment("17", change(3, row(call="5", created_at=MADE))),
    "a row without booking, made shortly before": lambda: Facts().appointment("17", change(3300.001, row())),
    "rows without tenant": nobodys,
}
