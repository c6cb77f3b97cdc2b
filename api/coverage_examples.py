"""Examples for the OpenAPI document: how far a tenant is compared, and a breaker that is open."""

from typing import Any

TENANT: dict[str, Any] = {
    "tenant": "1",
    "at": "2026-11-26T12:03:10.000Z",
    "compared_through": "2026-11-26T12:03:10.000Z",
    "held_back_by": [],
    "lag_wait_seconds": 2.0,
    "sides": [
        {"side": "database", "compared_through": "2026-11-26T12:03:10.000Z", "passes": []},
        {
            "side": "calcom",
            "compared_through": "2026-11-26T12:02:41.300Z",
            "passes": [
                {
                    "kind": "window",
                    "begun_at": "2026-11-26T09:12:00.000Z",
                    "completed_at": "2026-11-26T09:12:09.100Z",
                    "starts_from": "2026-10-27T09:12:00.000Z",
                    "starts_to": "2027-02-24T09:12:00.000Z",
                }
            ],
        },
    ],
    "sources": [
        {
            "source": "calcom:harbor",
            "state": "live",
            "since": "2026-11-24T07:00:03.000Z",
            "heard_through": "2026-11-26T12:02:41.300Z",
            "why": "Cal.com answers",
            "tenants": ["1"],
        }
    ],
    "gaps": [
        {"source": "database", "began_at": "2026-11-25T22:10:00.000Z", "ended_at": "2026-11-25T22:14:30.000Z"},
    ],
    "sync_seconds": {"p50": 0.8, "p999": 6.2, "samples": 1042},
    "bookings": 2210,
    "appointments": 2198,
    "calls": 3120,
    "suspected": 1,
    "open": 2,
    "shares": [{"kind": "event_type", "id": "4773493", "total": 310, "matched": 309, "out": False}],
    "verification": {
        "waiting": {"proof": 1, "settle": 2, "reread": 2},
        "quotas": [{"accounts": ["harbor"], "requests_per_minute": 60, "left": 41}],
        "full_proof_seconds": 0.0,
    },
    "unmapped_event_types": [],
}
PAGE: dict[str, Any] = {"items": [TENANT], "next_cursor": None}
BREAKERS: dict[str, Any] = {
    "items": [
        {
            "service": "calcom:harbor",
            "account": "harbor",
            "state": "open",
            "since": "2026-11-26T12:01:00.000Z",
            "failures": 7,
            "successes": 0,
            "last_failure_at": "2026-11-26T12:01:40.000Z",
            "next_probe_at": "2026-11-26T12:02:00.000Z",
            "opens": 1,
            "state_changes": 5,
            "fast_fails": 63,
        }
    ]
}
