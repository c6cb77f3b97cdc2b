"""What the OpenAPI document says of the door: an example of a webhook and the answers."""

from typing import Any

from api.examples import problem

WEBHOOK: dict[str, Any] = {
    "triggerEvent": "BOOKING_CREATED",
    "createdAt": "2026-11-26T12:03:02.100Z",
    "payload": {
        "uid": "4fQmGr5LcxUcvEwr5Hr2bF",
        "status": "ACCEPTED",
        "startTime": "2026-11-26T13:00:00Z",
        "endTime": "2026-11-26T13:30:00Z",
    },
}

_ERRORS = (
    (400, "body-incomplete", "The sender went away before the end of the body."),
    (401, "bad-signature", "X-Cal-Signature-256 is missing or does not fit the body."),
    (404, "unknown-account", "No account of this name is configured."),
    (408, "body-too-slow", "The body did not arrive in time."),
    (413, "body-too-long", "A webhook body has at most 1048576 bytes."),
    (503, "not-kept", "The webhook could not be kept durably in time. Send it again."),
)


def answers() -> dict[int | str, dict[str, Any]]:
    """The `responses` of the route."""
    accepted = {"received": True, "status": "accepted"}
    documented: dict[int | str, dict[str, Any]] = {
        202: {
            "description": "Kept durably; `already_processed` for the same body within 10 min.",
            "content": {"application/json": {"example": accepted}},
        }
    }
    for status, name, detail in _ERRORS:
        documented[status] = {
            "description": detail,
            "content": {"application/problem+json": {"example": problem(status, name, detail)}},
        }
    return documented
