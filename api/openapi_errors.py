"""Every error that the API answers, for the OpenAPI document: what it says, and an example."""

from typing import Any

import msgspec

from api import examples, idempotency
from api.bounded_body import BODY_BYTES_MAX, BODY_SECONDS_MAX
from api.problems import PROBLEM_MEDIA_TYPE
from api.rate_limit import STRANGERS_PER_MINUTE
from api.request_ids import REQUEST_ID


class DocumentedError(msgspec.Struct, frozen=True):
    """One status: the name that its problem document usually has, when it is answered, and an example's detail."""

    status: int
    name: str
    when: str
    detail: str


ERRORS = (
    DocumentedError(400, "bad-request", "The body cannot be read.", "There was an error parsing the body"),
    DocumentedError(
        401,
        "unauthorized",
        "No key, or one that is not known.",
        "Authorization: Bearer <key> is missing, or the key is not known.",
    ),
    DocumentedError(
        403,
        "forbidden",
        "The key's role does not suffice.",
        "This needs a key of role operator; yours is viewer.",
    ),
    DocumentedError(
        404,
        "not-found",
        "Nothing there, or nothing for this key: the two look the same.",
        "There is no such alert.",
    ),
    DocumentedError(
        408,
        "body-too-slow",
        "The body did not arrive in time.",
        f"The body did not arrive within {BODY_SECONDS_MAX:.0f} s.",
    ),
    DocumentedError(
        409,
        "conflict",
        f"Not possible as things stand, or a request with the same {idempotency.HEADER} is under way.",
        "The alert is resolved: reopen it first.",
    ),
    DocumentedError(
        412,
        "precondition-failed",
        "It changed since the version that If-Match names.",
        "The alert is at version 4. Read it again.",
    ),
    DocumentedError(413, "body-too-long", "The body is too long.", f"A body has at most {BODY_BYTES_MAX} bytes."),
    DocumentedError(
        422,
        "invalid-request",
        "Bad input: `errors` says which field, what was given, what is allowed.",
        examples.PROBLEM["detail"],
    ),
    DocumentedError(
        429,
        "too-many-requests",
        f"More than the key may ask in any 60 s; without a known key an address may ask {STRANGERS_PER_MINUTE} times.",
        "Allowed are 600 requests in any 60 s. The next is free in 3 s.",
    ),
    DocumentedError(
        500,
        "internal-error",
        "A fault of ours; it is in the log under the request's id.",
        "Something went wrong here. It is in the log.",
    ),
    DocumentedError(
        503,
        "store-unavailable",
        "The store is away; the same may succeed later.",
        "The store cannot be reached. Try again.",
    ),
)
RETRIED = (429, 503)


def error_answer(error: DocumentedError) -> dict[str, Any]:
    """A component of the document."""
    example = examples.PROBLEM if error.status == 422 else examples.problem(error.status, error.name, error.detail)
    names = [REQUEST_ID, *(["Retry-After"] if error.status in RETRIED else [])]
    return {
        "description": error.when,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {error.name: {"value": example}},
            }
        },
    }


PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:plumbline:not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was asked."},
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "value", "allowed"],
                "properties": {
                    "field": {"type": "string"},
                    "value": {"type": ["string", "null"]},
                    "allowed": {"type": "string"},
                },
            },
        },
    },
    "examples": [examples.PROBLEM],
}
