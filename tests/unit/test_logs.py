"""Logs: one object a line, no secrets, no people."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from streams.logs import configure_logs


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    before = (root.handlers, root.level)
    configure_logs("worker", stream=stream)
    yield stream
    root.handlers, root.level = before[0], before[1]
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def line(log: io.StringIO) -> dict[str, object]:
    [text] = log.getvalue().splitlines()
    read: dict[str, object] = json.loads(text)
    return read


def test_a_line_is_one_object_with_process_level_and_time(log: io.StringIO) -> None:
    structlog.get_logger("streams.app").info("partition assigned", partition=3)
    said = line(log)
    assert said.pop("timestamp")
    assert said == {
        "event": "partition assigned", "partition": 3, "process": "worker", "level": "info",
        "logger": "streams.app",
    }  # fmt: skip


def test_the_standard_library_speaks_the_same_way(log: io.StringIO) -> None:
    logging.getLogger("somebody").warning("lost %s", "connection")
    said = line(log)
    assert (said["event"], said["level"], said["process"]) == ("lost connection", "warning", "worker")


def test_chatter_of_libraries_is_left_out(log: io.StringIO) -> None:
    logging.getLogger("aiokafka.consumer").info("rebalanced")
    assert log.getvalue() == ""


@pytest.mark.parametrize(
    "said",
    [
        {"api_key": "hide-me"},
        {"headers": {"Authorization": "Bearer hide-me"}},
        {"webhook_secrets": ["hide-me"]},
        {"dsn": "postgresql://plumbline:hide-me@db/app"},
        {"text": "sent Authorization: Bearer hide-me"},
        {"booking": {"uid": "4fQ", "attendees": [{"email": "hide-me"}]}},
        {"rows": [{"customer_name": "hide-me"}]},
    ],
)
def test_secrets_and_people_are_masked_wherever_they_stand(log: io.StringIO, said: dict[str, object]) -> None:
    structlog.get_logger().info("said", **said)
    assert "hide-me" not in log.getvalue()
    assert "***" in log.getvalue()


def test_a_traceback_shows_no_password(log: io.StringIO) -> None:
    try:
        raise OSError("no route to postgresql://plumbline:hide-me@db/app")
    except OSError:
        structlog.get_logger().exception("store is away")
    assert "no route to postgresql://plumbline:***@db/app" in log.getvalue()
