"""What the notification log hands out to be told: one message's worth of notices, ours for a while."""

import msgspec

from streams.alerts.alert import Alert
from streams.alerts.notice import Common, NoticeKind, Reason

#: Alerts that one message names.
TOGETHER_MAX = 100


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One message to send now, under a lease. `attempts` counts this one; `telling` is the same for each of them.

    The most urgent alerts stand first, all as they are now. The other fields are those of a channel's `Telling`.
    """

    telling: str
    kind: NoticeKind
    alerts: tuple[Alert, ...]
    total: int
    attempts: int
    turn: int = 0
    common: Common = Common()
    by_rule: dict[str, int] = {}
    by_tenant: dict[str, int] = {}
    standing: int = 0
    together: Reason | None = None
    message: str | None = None
    messages: dict[str, str] = {}
