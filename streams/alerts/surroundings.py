"""What a transition needs to know besides the finding."""

from datetime import UTC, tzinfo

import msgspec

from streams.alerts.pages import Pages
from streams.model.ids import Instant


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a transition needs to know besides the finding. `now` is when the store hears of it."""

    now: Instant
    installed_at: Instant
    zone: tzinfo = UTC
    pages: Pages = Pages()
    #: The Cal.com account of the finding's tenant, where it has but one.
    account: str | None = None
