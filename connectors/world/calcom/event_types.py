"""What can be booked: an account's event types, one of each kind."""

import msgspec

from connectors.world.config import EVENT_KINDS, EventKind, WorldAccount

_TITLES: dict[EventKind, tuple[str, str, int]] = {
    "plain": ("Physio intake", "physio-intake-30", 30),
    "confirmed": ("Sports review", "sports-review-45", 45),
    "seated": ("Back class", "back-class-60", 60),
    "paid": ("Follow-up", "follow-up-30", 30),
    "series": ("Weekly rehab", "weekly-rehab", 30),
    "course": ("Rehab course", "rehab-course", 45),
}


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """`length` in minutes, `price` in cents, `seats` None where one booking is for one person."""

    id: int
    kind: EventKind
    title: str
    slug: str
    length: int
    confirm: bool = False
    seats: int | None = None
    price: int = 0


def event_types_of(account: WorldAccount) -> dict[int, EventType]:
    """By id, in the order of EVENT_KINDS; fewer ids make fewer kinds."""
    found: dict[int, EventType] = {}
    for number, kind in zip(account.event_type_ids, EVENT_KINDS, strict=False):
        title, slug, length = _TITLES[kind]
        found[number] = EventType(
            id=number, kind=kind, title=title, slug=slug, length=length, confirm=kind in ("confirmed", "course"),
            seats=6 if kind == "seated" else None, price=4500 if kind == "paid" else 0,
        )  # fmt: skip
    return found
