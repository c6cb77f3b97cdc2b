"""What a trap is: what looks like a fault and is none.

Each ends with both sides in order, before any grace is over, or rests on something that Cal.com only seems to say.
"""

from collections.abc import Awaitable, Callable

import msgspec

from connectors.world.app.desk import Desk
from connectors.world.app.visit import Visit
from connectors.world.ledger import Subject


class Sprung(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, in words for people, and whom an unjust alert would be about."""

    text: str
    subjects: tuple[Subject, ...]


TrapStory = Callable[[Desk], Awaitable[Sprung]]


def sprung(text: str, *visits: Visit) -> Sprung:
    subjects: list[Subject] = []
    for visit in visits:
        if visit.booked.uid:
            subjects.append(Subject(kind="booking", id=visit.booked.uid))
        if visit.row:
            subjects.append(Subject(kind="appointment", id=visit.row))
        if visit.call:
            subjects.append(Subject(kind="call", id=visit.call))
    return Sprung(text=text, subjects=tuple(subjects))


def short(visit: Visit) -> str:
    return visit.booked.uid[:3]
