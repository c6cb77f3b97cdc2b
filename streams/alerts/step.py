"""One step of an alert's life: what it is after it, its next version, and the line for its history."""

import msgspec

from streams.alerts.alert import MACHINE, Action, Alert, Change, Ledger, Step, Through, TrackedAlert, iso_text
from streams.model.ids import Instant


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a step, and by what way the word of it came."""

    actor: str
    through: Through


#: The author of every step that no person made.
ITSELF = Author(actor=MACHINE, through="machine")


def stepped(
    before: Alert | None,
    after: Alert,
    ledger: Ledger,
    action: Action,
    now: Instant,
    *,
    note: str | None = None,
    author: Author = ITSELF,
    always_told: bool = False,
) -> Step:
    """The step from `before` to `after`: one version on where people see a difference.

    Where they see none there is no line either, unless `always_told`.
    """
    if before == after and not always_told:
        return Step(tracked=TrackedAlert(alert=after, ledger=ledger), change=None)
    if before != after:
        after = msgspec.structs.replace(after, updated_at=iso_text(now), version=after.version + 1)
    change = Change(
        at=iso_text(now),
        actor=author.actor,
        action=action,
        from_status=before.status if before else None,
        to_status=after.status,
        note=note,
        through=author.through,
    )
    return Step(tracked=TrackedAlert(alert=after, ledger=ledger), change=change)
