"""The AsyncAPI document is valid, names every topic that others may read, and its schemas fit what is sent."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from api.asyncapi import asyncapi_document
from api.examples import ALERT
from streams.settings import Settings
from streams.topics import Topic
from tests.alert_words import finding

SETTINGS = Settings.model_validate({"kafka": {"topic_prefix": "test.", "partitions": 3, "replication_factor": 2}})
DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(asyncapi_document(SETTINGS, version="1")))
SCHEMA = json.loads((Path(__file__).parents[1] / "fixtures" / "asyncapi" / "3.0.0.json").read_text(encoding="utf-8"))


def fits(value: object, schema: str) -> bool:
    """Whether a value fits one of the document's schemas."""
    validator = Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]})
    return bool(validator.is_valid(json.loads(msgspec.json.encode(value))))


def test_it_is_valid_by_the_official_schema() -> None:
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(DOCUMENT)] == []


@pytest.mark.parametrize("broken", ["asyncapi", "info"])
def test_the_official_schema_would_find_a_fault(broken: str) -> None:
    assert not Draft7Validator(SCHEMA).is_valid({key: DOCUMENT[key] for key in DOCUMENT if key != broken})


def test_every_topic_but_the_workers_own_state_is_a_channel_with_its_name_on_the_broker() -> None:
    addresses = {name: channel["address"] for name, channel in DOCUMENT["channels"].items()}
    assert addresses == {topic.value: f"test.{topic.value}" for topic in Topic if topic is not Topic.STATE}
    alerts = DOCUMENT["channels"]["plumbline.alerts"]["bindings"]["kafka"]
    assert (alerts["partitions"], alerts["replicas"]) == (1, 2)
    assert alerts["topicConfiguration"]["cleanup.policy"] == ["compact"]


def test_every_operation_is_about_a_channel_and_its_message() -> None:
    for operation in DOCUMENT["operations"].values():
        name = operation["channel"]["$ref"].removeprefix("#/channels/")
        assert name in DOCUMENT["channels"]
        assert operation["messages"] == [{"$ref": f"#/channels/{name}/messages/record"}]


def test_every_key_is_described() -> None:
    assert all(
        message["bindings"]["kafka"]["key"]["description"] for message in DOCUMENT["components"]["messages"].values()
    )


def test_the_schemas_fit_what_is_sent_and_nothing_else() -> None:
    assert fits(finding("opened", 1), "Finding")
    assert fits(ALERT, "Alert")
    assert not fits(ALERT, "Finding")
    assert not fits(ALERT | {"version": "one"}, "Alert")
