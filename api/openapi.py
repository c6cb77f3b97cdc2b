"""`/openapi.json`, complete: FastAPI's document with our structs, and the errors and headers of each operation.

What follows from an operation's kind is said here once for all of them: a route says what it does, with examples.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from fastapi import FastAPI

from api import idempotency
from api.openapi_errors import ERRORS, PROBLEM, error_answer
from api.request_ids import REQUEST_ID
from api.responses import EXAMPLES
from api.writes import METHODS, PREFIX, QUESTIONS

Document = dict[str, Any]

_HEADERS: dict[str, Document] = {
    REQUEST_ID: {"description": "As sent, if it was usable, else made; in the log and in the audit too."},
    "RateLimit-Limit": {"description": "Requests in any 60 s."},
    "RateLimit-Remaining": {"description": "How many of them are left."},
    "RateLimit-Reset": {"description": "Seconds until one of them is free again."},
    "ETag": {"description": "The version, for If-Match and If-None-Match."},
    "Retry-After": {"description": "Seconds."},
    idempotency.REPLAYED: {"description": "`true`: this is the answer of an earlier request with this key."},
}


def complete_openapi(app: FastAPI) -> None:
    """Let the application's document be the complete one; it is made when it is first asked for."""
    plain = app.openapi

    def complete() -> Document:
        if app.openapi_schema is None:
            document = plain()
            _add_components(document)
            for path, method, operation in operations(document):
                _complete(operation, path, method)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]  # FastAPI's own way


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Path, method in capitals, and operation, of each."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def _add_components(document: Document) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):  # FastAPI's own errors; ours are problems
        schemas.pop(unused, None)
    _, structs = msgspec.json.schema_components(EXAMPLES, ref_template="#/components/schemas/{name}")
    schemas.update(structs)
    # Set here and not at the routes: FastAPI drops every null of an example there.
    for struct, example in EXAMPLES.items():
        schemas[struct.__name__]["examples"] = [example]
    schemas["Problem"] = PROBLEM
    components["headers"] = {name: {**header, "schema": {"type": "string"}} for name, header in _HEADERS.items()}
    components["parameters"] = {idempotency.HEADER: _IDEMPOTENCY_KEY}
    components["responses"] = {str(error.status): error_answer(error) for error in ERRORS}
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key with a role, bound to tenants."}
    }
    document["security"] = [{"key": []}]


def _complete(operation: Document, path: str, method: str) -> None:
    """Errors, headers and security, as they follow from what the operation takes."""
    ours = path.startswith(PREFIX)
    is_write = ours and method in METHODS and path not in QUESTIONS
    taken = {parameter["in"] for parameter in operation.get("parameters", ())}
    names = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
    answers = operation["responses"]
    for status, answer in answers.items():
        if not status.startswith(("4", "5")):
            answer["headers"] = {**_header_references(ours, is_write), **answer.get("headers", {})}
    if not ours:
        operation["security"] = []
        if "422" in answers:
            answers["422"] = {"$ref": "#/components/responses/422"}
        return
    if is_write:
        operation.setdefault("parameters", []).append({"$ref": f"#/components/parameters/{idempotency.HEADER}"})
    errors = {401, 403, 429, 500, 503}
    errors |= {404} if "path" in taken else set()
    errors |= {422} if taken or is_write or "requestBody" in operation else set()
    errors |= {412} if "if-match" in names else set()
    errors |= {409} if is_write else set()
    errors |= {400, 408, 413} if "requestBody" in operation or is_write else set()
    for status in errors:
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}


def _header_references(limited: bool, is_write: bool) -> Document:
    names = [REQUEST_ID]
    names += ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] if limited else []
    names += [idempotency.REPLAYED] if is_write else []
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


_IDEMPOTENCY_KEY: Document = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": idempotency.DESCRIPTION,
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.KEY_CHARACTERS_MAX, "pattern": "^[ -~]+$"},
    "example": "0c6a3a52-4f0e-4a0f-9a5e-0f3f1c2b7d10",
}
