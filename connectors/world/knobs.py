"""What can be turned in the simulated world: how late, lossy and wrong Cal.com is.

`Knobs` hold for everything; a `Fate`, sent as a header of one request, overrides them for that request alone,
so that a fault is planted exactly and nothing else is disturbed.
"""

from typing import Literal

import msgspec

FATE_HEADER = "x-world-fate"


class Knobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Probabilities 0..1, times in seconds. The defaults are the demo's (contracts.md, "scoreboard.json")."""

    webhook_lose: float = 0.0
    webhook_delay_seconds_min: float = 0.02
    webhook_delay_seconds_max: float = 0.3
    webhook_repeat: float = 0.05
    #: Chance that a webhook is held back, so that later ones overtake it.
    webhook_reorder: float = 0.05
    webhook_reorder_seconds_max: float = 3.0
    #: Each read shows the state of up to so long ago, drawn anew for each read.
    replica_lag_seconds_max: float = 1.0
    #: Older senders announce a cancellation up to so long before it is done.
    early_announcement_seconds_max: float = 1.0
    #: An answer takes up to so long.
    slow_seconds_max: float = 0.05
    #: Chance of a 5xx.
    failing: float = 0.0
    #: Chance of a 429 that the caller did not deserve.
    too_many: float = 0.0
    #: Chance that a create is answered 201 and never happens.
    forgets: float = 0.0
    #: Chance that a create happens and is answered by a gateway timeout.
    times_out: float = 0.0
    #: Everything under /v2 answers 503.
    outage: bool = False
    #: Every GET with another key than the application's answers 503; writes are taken and webhooks go out.
    reads_away: bool = False
    #: Accounts whose webhooks are lost, all of them and whatever their fate.
    webhooks_silent: tuple[str, ...] = ()
    #: Uids that nobody may read any more: 401.
    forbidden_uids: tuple[str, ...] = ()
    #: Lists take no notice of their filters, as behind a wrong version header (calcom.md §6.22).
    filters_ignored: bool = False


class Fate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to become of one write. None leaves it to the knobs."""

    #: `sure` delivers without loss, repeat or reordering; `lose` delivers nothing.
    webhook: Literal["sure", "lose"] | None = None
    #: The webhook arrives so much later; it is neither lost nor held back further.
    delay_seconds: float | None = None
    #: The webhook comes a second time, so many seconds after the first.
    repeat_after_seconds: float | None = None
    #: How long before it is done a cancellation is announced.
    early_seconds: float | None = None
    #: `forget` answers as if done, and nothing happens; `time_out` does it and answers 524.
    write: Literal["forget", "time_out", "refuse"] | None = None


def fate_of(header: str | None) -> Fate:
    """The fate in a request's header. Raises msgspec.ValidationError."""
    return msgspec.json.decode(header, type=Fate) if header else Fate()


def changed(knobs: Knobs, changes: dict[str, object]) -> Knobs:
    """The knobs with some turned. Raises msgspec.ValidationError for an unknown name or a bad value."""
    return msgspec.convert({**msgspec.structs.asdict(knobs), **changes}, Knobs)
