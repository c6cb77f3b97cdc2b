"""Alerts and lists as responses, and their schemas for the OpenAPI document."""

from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.responses import Response

from api import coverage_examples, examples
from api.coverage_answers import CircuitBreakers, CoveragePage
from api.keys import Caller
from connectors.store.queries import HistoryLine
from connectors.store.verdicts import Consistency
from connectors.store.webhook_stats import WebhookStats
from streams.alerts.alert import Alert, for_tenants_own_eyes


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page; `next_cursor` is null on the last."""

    items: tuple[Alert, ...]
    next_cursor: str | None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """An alert's history, oldest first."""

    items: tuple[HistoryLine, ...]


def json_response(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Any of our structs as JSON."""
    return Response(msgspec.json.encode(value), status_code=status, headers=headers, media_type="application/json")


def alert_response(alert: Alert, caller: Caller) -> Response:
    """One alert with its ETag, as far as this caller may see it."""
    return json_response(visible(alert, caller), headers={"ETag": etag(alert)})


def visible(alert: Alert, caller: Caller) -> Alert:
    """Restricted evidence is for keys of all tenants."""
    return alert if caller.tenants is None else for_tenants_own_eyes(alert)


def etag(alert: Alert) -> str:
    """The version, as a strong ETag."""
    return f'"{alert.version}"'


_EXAMPLES: dict[type, dict[str, Any]] = {
    AlertPage: examples.PAGE,
    Alert: examples.ALERT,
    History: examples.HISTORY,
    Consistency: examples.CONSISTENCY,
    WebhookStats: examples.WEBHOOK_STATS,
    CoveragePage: coverage_examples.PAGE,
    CircuitBreakers: coverage_examples.BREAKERS,
}


def answers(struct: type, description: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with one of our structs."""
    schema = {"$ref": f"#/components/schemas/{struct.__name__}"}
    problem = {"$ref": "#/components/schemas/Problem"}
    return {
        200: {
            "description": description,
            "content": {"application/json": {"schema": schema}},
        },
        "4XX": {
            "description": "A problem document",
            "content": {"application/problem+json": {"schema": problem}},
        },
    }


_PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:plumbline:not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "value": {"type": ["string", "null"]},
                    "allowed": {"type": "string"},
                },
            },
        },
    },
}


def describe_structs(app: FastAPI) -> None:
    """Let `/openapi.json` know our structs; FastAPI knows only pydantic's."""
    plain = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            _, components = msgspec.json.schema_components(_EXAMPLES, ref_template="#/components/schemas/{name}")
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(components)
            schemas["Problem"] = {**_PROBLEM, "examples": [examples.PROBLEM]}
            # Set here and not at the routes: FastAPI drops every null of an example there.
            for struct, example in _EXAMPLES.items():
                schemas[struct.__name__]["examples"] = [example]
            document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"key": []}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]  # FastAPI's own way
