"""The OpenAPI document says everything about every route: whoever adds one is held to it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.app import create_app
from api.door.routes import build_router as build_door
from api.openapi import operations
from api.services import services_of
from streams.settings import Settings

Document = dict[str, Any]

SETTINGS = Settings.model_validate({"store": {"dsn": "postgresql://nobody@127.0.0.1:1/none"}})


class NoSink:
    """A door that leads nowhere: only its description is wanted."""

    async def send(self, **_: object) -> None:
        raise AssertionError


def document() -> Document:
    app = create_app(services_of(SETTINGS), routers=[build_door(SETTINGS, NoSink())])
    served: Document = json.loads(json.dumps(app.openapi()))
    return served


DOCUMENT = document()
OPERATIONS = list(operations(DOCUMENT))
every_operation = pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=[f"{method} {path}" for path, method, _ in OPERATIONS]
)


def resolved(node: Document) -> Document:
    """What a reference stands for; a node without one is itself."""
    while "$ref" in node:
        found: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def examples_of(media: Document) -> list[Any]:
    """The examples of one kind of content, there or at its schema."""
    found = [media["example"]] if "example" in media else []
    found += [resolved(one)["value"] for one in media.get("examples", {}).values()]
    schema = resolved(media.get("schema", {}))
    for part in (schema, *(resolved(one) for one in schema.get("anyOf", ()))):
        found += part.get("examples", [])
    return found


def contents(part: Document) -> Iterator[tuple[str, Document]]:
    yield from resolved(part).get("content", {}).items()


@every_operation
def test_it_has_a_summary_and_a_description(path: str, method: str, operation: Document) -> None:
    assert operation.get("summary"), "summary="
    assert operation.get("description"), "description="
    assert operation["summary"] != operation["description"]


@every_operation
def test_its_answers_have_descriptions_and_examples(path: str, method: str, operation: Document) -> None:
    for status, answer in operation["responses"].items():
        assert resolved(answer).get("description"), status
        for media_type, media in contents(answer):
            assert examples_of(media), (
                f"{status} {media_type}: add the struct with an example to api.responses.EXAMPLES"
            )
    assert any(list(contents(answer)) for status, answer in operation["responses"].items() if status < "300")


@every_operation
def test_its_body_has_an_example(path: str, method: str, operation: Document) -> None:
    for media_type, media in contents(operation.get("requestBody", {})):
        assert examples_of(media), f"{media_type}: json_schema_extra with examples at the body's model"


@every_operation
def test_its_errors_are_problem_documents(path: str, method: str, operation: Document) -> None:
    errors = {
        status: answer for status, answer in operation["responses"].items() if status >= "400" and status.isdigit()
    }
    if path.startswith("/v1/"):
        assert {"401", "403", "429", "500", "503"} <= set(errors)
        assert not {"4XX", "5XX", "default"} & set(operation["responses"]), "each error by its own status"
    if "{" in path:
        assert "404" in errors
    if path != "/readyz":  # it says what is not ready in its own words
        assert all([kind for kind, _ in contents(answer)] == ["application/problem+json"] for answer in errors.values())


@every_operation
def test_its_examples_fit_its_schemas(path: str, method: str, operation: Document) -> None:
    for part in (*operation["responses"].values(), operation.get("requestBody", {})):
        for _, media in contents(part):
            if "schema" not in media:
                continue
            schema = {**media["schema"], "components": DOCUMENT["components"]}
            for example in examples_of(media):
                Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_write_takes_an_idempotency_key(method: str) -> None:
    writes = [
        one for path, of, one in OPERATIONS if of == method and path.startswith("/v1/") and path != "/v1/validate"
    ]
    named = [{resolved(parameter)["name"] for parameter in one["parameters"]} for one in writes]
    assert all("Idempotency-Key" in names for names in named)


def test_a_key_is_needed_for_everything_under_v1_and_nothing_else() -> None:
    assert DOCUMENT["security"] == [{"key": []}]
    open_to_all = {path for path, _, operation in OPERATIONS if operation.get("security") == []}
    assert open_to_all == {path for path, _, _ in OPERATIONS if not path.startswith("/v1/")}


def test_every_reference_leads_somewhere() -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for inner in node.values():
                yield from references(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from references(inner)

    found = set(references(DOCUMENT))
    assert found
    assert all(resolved({"$ref": reference}) for reference in found)
