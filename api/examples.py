"""Examples for the OpenAPI document: one alert, and a problem."""

from typing import Any

REQUEST_ID = "5e0f7d2a-0d5c-4a53-b1c4-9d0b6a0d2f11"
ALERT: dict[str, Any] = {
    "id": "e9f7ded4-8814-53a6-9e1c-75f76957e487",
    "tenant": "1",
    "rule": "orphaned_local",
    "severity": "critical",
    "priority": 1,
    "status": "open",
    "title": "In your database, missing in Cal.com",
    "summary": "Cal.com: no such booking · database: scheduled, Thu 14:00 CET · Proved 13:03:06 (waited 4 s)",
    "subject": {"kind": "appointment", "id": "17"},
    "booking_uid": "4fQmGr5LcxUcvEwr5Hr2bF",
    "appointment_id": "17",
    "call_id": None,
    "local": {
        "booking": "4fQmGr5LcxUcvEwr5Hr2bF",
        "start": "2026-11-26T13:00:00.000Z",
        "end": "2026-11-26T13:30:00.000Z",
        "status": "scheduled",
    },
    "calcom": {"booking": None, "start": None, "end": None, "status": None},
    "differences": [{"field": "booking", "local": "4fQmGr5LcxUcvEwr5Hr2bF", "calcom": None}],
    "opened_at": "2026-11-26T12:02:58.120Z",
    "detected_at": "2026-11-26T12:03:06.480Z",
    "updated_at": "2026-11-26T12:03:06.530Z",
    "resolved_at": None,
    "resolution": None,
    "episode": 1,
    "verification": {"state": "verified", "read_at": "2026-11-26T12:03:06.310Z", "attempts": 1},
    "evidence": [
        {
            "source": "database",
            "topic": "crm.public.appointments",
            "partition": 7,
            "offset": 4711,
            "at": "2026-11-26T12:02:58.120Z",
            "what": "row 17",
            "restricted": False,
        }
    ],
    "acknowledged_by": None,
    "acknowledged_at": None,
    "snoozed_until": None,
    "assignee": None,
    "baseline": False,
    "runbook_url": "docs/runbooks/orphaned_local.md",
    "links": {"calcom": "https://app.cal.com/booking/4fQmGr5LcxUcvEwr5Hr2bF", "app": None},
    "schema": 1,
    "version": 1,
}
PAGE: dict[str, Any] = {"items": [ALERT], "next_cursor": None}
HISTORY: dict[str, Any] = {
    "items": [
        {
            "at": "2026-11-26T12:03:06.530Z",
            "actor": "plumbline",
            "action": "opened",
            "from": None,
            "to": "open",
            "note": None,
            "through": "machine",
        }
    ]
}
CONSISTENCY: dict[str, Any] = {
    "uid": "4fQmGr5LcxUcvEwr5Hr2bF",
    "tenant": "1",
    "verdict": "differ",
    "reason": "orphaned_local",
    "as_of": "2026-11-26T12:03:06.480Z",
    "compared_through": "2026-11-26T12:03:06.480Z",
    "differences": [],
    "alerts": ["e9f7ded4-8814-53a6-9e1c-75f76957e487"],
}
PROBLEM: dict[str, Any] = {
    "type": "urn:plumbline:invalid-request",
    "title": "Invalid request",
    "status": 422,
    "detail": "status: allowed: 'open', 'acknowledged', 'snoozed' or 'resolved'",
    "instance": "/v1/alerts",
    "request_id": REQUEST_ID,
    "errors": [
        {"field": "status", "value": "bad", "allowed": "allowed: 'open', 'acknowledged', 'snoozed' or 'resolved'"}
    ],
}
WEBHOOK_STATS: dict[str, Any] = {
    "days": 7,
    "items": [
        {
            "account": "praxis-ost",
            "trigger": "BOOKING_CREATED",
            "expected": 412,
            "received": 407,
            "late": 2,
            "lost": 2,
            "refused": 1,
            "waiting": 3,
            "delay_p50_ms": 310,
            "delay_p99_ms": 2480,
        }
    ],
    "refusals": [{"account": "praxis-ost", "status": 503, "count": 1, "newest_at": "2026-11-26T12:03:06.480Z"}],
}
AUDIT_PAGE: dict[str, Any] = {
    "items": [
        {
            "at": "2026-11-26T12:04:11.020Z",
            "through": "api",
            "actor": "rota",
            "role": "operator",
            "method": "POST",
            "route": "/v1/alerts/{alert_id}/acknowledge",
            "object_id": "e9f7ded4-8814-53a6-9e1c-75f76957e487",
            "tenant": "1",
            "status": 200,
            "idempotency_key": "0c6a3a52-4f0e-4a0f-9a5e-0f3f1c2b7d10",
            "request_id": REQUEST_ID,
        }
    ],
    "next_cursor": "NDcxMQ",
}
BULK: dict[str, Any] = {
    "preview": False,
    "matched": 2,
    "by_rule": {"orphaned_local": 2},
    "by_status": {"open": 1, "resolved": 1},
    "changed": 1,
    "unchanged": 0,
    "refused": 1,
    "not_found": 1,
    "items": [
        {
            "id": "0b7f3c1e-50a6-5a0e-8d55-9b0c54a4ad3a",
            "outcome": "refused",
            "status": "resolved",
            "version": 2,
            "reason": "a resolved alert cannot be acknowledged; reopen it first",
        },
        {
            "id": "5a0fd1d9-4a8e-5e2f-9b53-7a1f0d6c2e44",
            "outcome": "not_found",
            "status": None,
            "version": None,
            "reason": None,
        },
        {
            "id": "e9f7ded4-8814-53a6-9e1c-75f76957e487",
            "outcome": "changed",
            "status": "acknowledged",
            "version": 2,
            "reason": None,
        },
    ],
}


def problem(status: int, name: str, detail: str) -> dict[str, Any]:
    """A problem document."""
    return {
        "type": f"urn:plumbline:{name}",
        "title": name.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": f"/v1/alerts/{ALERT['id']}/acknowledge",
        "request_id": REQUEST_ID,
    }
