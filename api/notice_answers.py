"""What is answered about notices and silences, with examples for the OpenAPI document."""

from typing import Any

import msgspec

from connectors.store.notice_log import NoticeLine
from connectors.store.silences import WrittenSilence


class NoticePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page; `next_cursor` is null on the last."""

    items: tuple[NoticeLine, ...]
    next_cursor: str | None


class NoticesOfAlert(msgspec.Struct, frozen=True, kw_only=True):
    """The notification log of one alert over all channels, oldest first."""

    items: tuple[NoticeLine, ...]


class MadeSilence(msgspec.Struct, frozen=True, kw_only=True):
    """How many unresolved alerts it fits, and the silence; null in a preview."""

    fits: int
    silence: WrittenSilence | None


class SilenceList(msgspec.Struct, frozen=True, kw_only=True):
    """Silences, newest first."""

    items: tuple[WrittenSilence, ...]


_SENT: dict[str, Any] = {
    "channel": "slack",
    "alert_id": "e9f7ded4-8814-53a6-9e1c-75f76957e487",
    "tenant": "1",
    "rule": "orphaned_local",
    "episode": 1,
    "kind": "opened",
    "turn": 0,
    "state": "sent",
    "reason": None,
    "attempts": 1,
    "planned_at": "2026-11-26T12:03:06.710Z",
    "next_at": None,
    "finished_at": "2026-11-26T12:03:06.950Z",
    "telling": "5d1b4a0e-5b0c-5f3e-9d53-0c8f3d7a9c11",
}
_HELD: dict[str, Any] = {
    **_SENT,
    "channel": "pagerduty",
    "state": "held",
    "reason": "silenced",
    "attempts": 0,
    "next_at": "2026-11-26T12:03:11.720Z",
    "finished_at": None,
    "telling": None,
}
NOTICES: dict[str, Any] = {"items": [_SENT, _HELD]}
NOTICE_PAGE: dict[str, Any] = {"items": [_HELD, _SENT], "next_cursor": "NDcxMQ"}
SILENCE: dict[str, Any] = {
    "id": "7c0e1f52-5a4c-4b7e-8a0e-2f5d9a1f3b66",
    "state": "to_come",
    "tenants": ["1"],
    "rules": ["stuck_pending"],
    "severities": [],
    "labels": {},
    "subject": None,
    "starts_at": "2026-11-26T22:00:00.000Z",
    "ends_at": "2026-11-27T02:00:00.000Z",
    "comment": "The booking system moves to another host",
    "author": "ops",
    "created_at": "2026-11-26T12:10:00.000Z",
    "ended_at": None,
    "ended_by": None,
}
SILENCES: dict[str, Any] = {"items": [SILENCE]}
MADE_SILENCE: dict[str, Any] = {"fits": 3, "silence": SILENCE}

#: For `api.responses.EXAMPLES`.
EXAMPLES: dict[type, dict[str, Any]] = {
    NoticePage: NOTICE_PAGE,
    NoticesOfAlert: NOTICES,
    WrittenSilence: SILENCE,
    SilenceList: SILENCES,
    MadeSilence: MADE_SILENCE,
}
