"""The review queue and the ledger of failed syncs as they are answered, with examples for the OpenAPI document."""

from typing import Any

import msgspec

from connectors.store.sync_failures import SyncFailure
from streams.alerts.review import IN_QUEUE, ReviewItem
from streams.model.ids import Instant, parse_iso


class ReviewEntry(ReviewItem, frozen=True, kw_only=True):
    """An item with its age: seconds since it was put into the queue, until now or until it left."""

    age_seconds: int


class ReviewPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page; `next_cursor` is null on the last."""

    items: tuple[ReviewEntry, ...]
    next_cursor: str | None


class SyncFailurePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page; `next_cursor` is null on the last."""

    items: tuple[SyncFailure, ...]
    next_cursor: str | None


def entry_of(item: ReviewItem, now: Instant) -> ReviewEntry:
    """The item as it is shown."""
    left_at = None if item.state in IN_QUEUE else parse_iso(item.decided_at) or parse_iso(item.ended_at)
    until, since = left_at or now, parse_iso(item.queued_at) or now
    return ReviewEntry(**msgspec.structs.asdict(item), age_seconds=max(0, (until - since) // 1000))


REVIEW_ENTRY: dict[str, Any] = {
    "id": "e9f7ded4-8814-53a6-9e1c-75f76957e487",
    "tenant": "1",
    "rule": "orphaned_local",
    "reason": "calcom_booking_failed",
    "priority": 2,
    "state": "claimed",
    "booking_uid": "4fQmGr5LcxUcvEwr5Hr2bF",
    "appointment_id": "17",
    "call_id": None,
    "episode": 1,
    "queued_at": "2026-11-26T12:03:06.530Z",
    "updated_at": "2026-11-26T12:05:00.120Z",
    "claimed_by": "rota-1",
    "claimed_at": "2026-11-26T12:05:00.120Z",
    "decision": None,
    "decided_by": None,
    "decided_at": None,
    "note": None,
    "ended_at": None,
    "times": 1,
    "version": 2,
    "age_seconds": 180,
}
REVIEW_PAGE: dict[str, Any] = {"items": [REVIEW_ENTRY], "next_cursor": None}
SYNC_FAILURES: dict[str, Any] = {
    "items": [
        {
            "id": "4711",
            "failure_type": "network_timeout",
            "resolution_status": "resolved",
            "tenant": None,
            "account": "praxis-ost",
            "alert_id": None,
            "calcom_booking_id": None,
            "appointment_id": None,
            "call_id": None,
            "occurrences": 14,
            "error_details": {"reason": "timeout", "http_status": None},
            "detected_at": "2026-11-26T12:03:06.480Z",
            "last_seen_at": "2026-11-26T12:03:51.200Z",
            "resolved_at": "2026-11-26T12:04:10.005Z",
            "resolution_notes": "Cal.com answers again",
        }
    ],
    "next_cursor": None,
}
VALIDATION: dict[str, Any] = {
    "success": False,
    "reason": "appointment_not_found",
    "details": [
        {
            "reason": "appointment_not_found",
            "rule": "missing_appointment",
            "subject": {"kind": "call", "id": "812"},
            "differences": [{"field": "appointment", "local": None, "calcom": "4fQmGr5LcxUcvEwr5Hr2bF"}],
        }
    ],
    "alerts": [],
    "as_of": "2026-11-26T12:03:06.480Z",
    "booking": {
        "uid": "4fQmGr5LcxUcvEwr5Hr2bF",
        "verdict": "unknown",
        "reason": "unread",
        "as_of": None,
        "compared_through": None,
    },
}
