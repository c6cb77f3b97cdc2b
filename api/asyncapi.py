"""`GET /asyncapi.json`: the topics as an AsyncAPI 3 document, made from the table of topics and from our structs.

Channels are the topics with the installation's prefix; `send` is what Plumbline writes, `receive` what it reads.
"""

from typing import Any, Literal

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from api.asyncapi_topics import CHANNELS, ChannelWords
from api.responses import json_response
from streams.settings import Settings
from streams.topics import TopicConfig, topic_name, topic_table

ASYNCAPI = "3.0.0"
SCHEMAS = "#/components/schemas/{name}"
Document = dict[str, Any]


def build_router(settings: Settings, *, version: str) -> APIRouter:
    """One route, no key needed: it names topics and shapes, nothing of any tenant."""
    router = APIRouter(tags=["documents"])
    document = asyncapi_document(settings, version=version)

    @router.get(
        "/asyncapi.json",
        summary="What travels over Kafka",
        description="An AsyncAPI 3 document: topics, keys, headers and the schemas of payloads.",
        responses={
            200: {
                "description": "The document.",
                "content": {"application/json": {"example": {"asyncapi": ASYNCAPI, "info": document["info"]}}},
            }
        },
        response_model=None,
    )
    async def asyncapi() -> Response:
        return json_response(document)

    return router


def asyncapi_document(settings: Settings, *, version: str) -> Document:
    """The whole document for one installation."""
    kafka = settings.kafka
    table = topic_table(
        partitions=kafka.partitions, replication_factor=kafka.replication_factor, prefix=kafka.topic_prefix
    )
    topics = {topic.name: topic for topic in table}
    named = [(words, topics[topic_name(words.topic, kafka.topic_prefix)]) for words in CHANNELS]
    payloads = {struct for words in CHANNELS for struct in words.structs}
    _, schemas = msgspec.json.schema_components(
        sorted(payloads, key=lambda one: one.__name__), schema_hook=_any_value, ref_template=SCHEMAS
    )
    return {
        "asyncapi": ASYNCAPI,
        "id": "urn:plumbline:topics",
        "info": {
            "title": "Plumbline's topics",
            "version": version,
            "description": (
                "Records are JSON, times ISO 8601 in UTC, ids text. Every consumer sees a record at least once and may "
                "see it again. Topics keyed by tenant have the same number of partitions: one holds all of a tenant."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {words.name: _channel(words, topic) for words, topic in named},
        "operations": {
            f"{action}.{words.name}": _operation(words, action) for words in CHANNELS for action in words.actions
        },
        "components": {
            "schemas": schemas,
            "messages": {words.name: _message(words) for words in CHANNELS},
        },
    }


def _any_value(kind: type) -> Document:
    """Columns and fields of others are passed on as they are."""
    if kind is not object:
        raise NotImplementedError
    return {"description": "Any JSON value."}


def _channel(words: ChannelWords, topic: TopicConfig) -> Document:
    return {
        "address": topic.name,
        "title": words.name,
        "description": words.description,
        "messages": {"record": {"$ref": f"#/components/messages/{words.name}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "replicas": topic.replication_factor,
                "topicConfiguration": _configuration(topic),
                "bindingVersion": "0.5.0",
            }
        },
    }


def _configuration(topic: TopicConfig) -> Document:
    """Those of the topic's settings that the binding's schema has a place for."""
    config = topic.config
    told: Document = {"cleanup.policy": config["cleanup.policy"].split(",")}
    numbers = ("retention.ms", "delete.retention.ms")
    return told | {name: int(config[name]) for name in numbers if name in config}


def _operation(words: ChannelWords, action: Literal["send", "receive"]) -> Document:
    channel = f"#/channels/{words.name.replace('/', '~1')}"
    return {
        "action": action,
        "title": words.sent if action == "send" else words.received,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/record"}],
    }


def _message(words: ChannelWords) -> Document:
    message: Document = {
        "name": words.name,
        "title": words.title,
        "contentType": words.content_type,
        "payload": _payload(words),
        "bindings": {"kafka": {"key": {"type": "string", "description": words.key}, "bindingVersion": "0.5.0"}},
    }
    if words.headers:
        properties = {name: {"type": "string", "description": text} for name, text in words.headers.items()}
        message["headers"] = {"type": "object", "properties": properties}
    return message


def _payload(words: ChannelWords) -> Document:
    references: list[Document] = [{"$ref": SCHEMAS.format(name=struct.__name__)} for struct in words.structs]
    match references:
        case []:
            return words.foreign
        case [one]:
            return one
        case several:
            return {"oneOf": several}
