"""The one agent: every record of every input goes through it, one at a time, and nothing raises out of it.

An exception that leaves an agent acknowledges its event and loses it (facts, A1). So: what cannot be understood is a
dead letter, and what cannot be carried out ends the process before anything is committed past it.
"""

from typing import Any

import faust

from streams.driver import end_uncommitted
from streams.owned import Incoming, Ownership
from streams.settings import Settings
from streams.topics import INPUTS, topic_name


def bind_agent(app: faust.App, settings: Settings, ownership: Ownership) -> Any:
    """Subscribe the agent to all inputs."""
    names = [topic_name(topic, settings.kafka.topic_prefix) for topic in INPUTS]
    inputs = app.topic(
        *names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", allow_empty=True
    )

    @app.agent(inputs, concurrency=1, name="plumbline.judge")  # type: ignore[untyped-decorator]  # Faust publishes no types
    async def judge(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            record = Incoming(
                message.topic,
                message.partition,
                message.offset,
                round(message.timestamp * 1000),
                message.key,
                message.value,
                message.headers or (),
            )
            try:
                await ownership.take(record)
            except Exception as error:
                place = f"{record.topic}[{record.partition}]@{record.offset}"
                end_uncommitted(f"a record could not be carried through: {place}: {error!r}")

    return judge
