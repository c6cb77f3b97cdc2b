"""Logs of every process: one JSON object a line, or coloured text on a terminal; stdlib logging included.

Two things never reach a log: secrets and people. Keys that name either are masked wherever they stand, and
the password within an address is cut out of every text.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

MASK = "***"
#: Libraries that tell every request or every rebalance at INFO.
QUIET = (
    "aiokafka",
    "asyncio",
    "faust",
    "mode",
    "httpx",
    "httpcore",
    "slack_sdk",
    "stamina",
    "uvicorn.access",
)

_SECRET_KEY = re.compile(
    r"api_?key|secret|authorization|password|token|cookie|signature|credential|webhook_url", re.IGNORECASE
)
_PERSONAL_KEY = re.compile(
    r"^(e?mail|phone|first_?name|last_?name|full_?name|customer_?name|attendees?|guests?|responses?|notes?|payload|body)$|_(email|phone)$",
    re.IGNORECASE,
)
_ADDRESS_PASSWORD = re.compile(r"(?P<before>\w+://[^\s:/@]*:)[^\s@]+(?=@)")
_BEARER = re.compile(r"(?P<before>\b(?:Bearer|Basic)\s+)[\w.~+/=-]+", re.IGNORECASE)


def configure_logs(process: str, *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Set up structlog and stdlib logging for this process, once more than once is harmless.

    `process` stands in every line. Lines go to `stream`, standard error by default.
    """
    stream = stream or sys.stderr
    before: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=process)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=_rendering(stream)))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _rendering(stream: TextIO) -> list[structlog.types.Processor]:
    on_terminal = stream.isatty()
    last: list[structlog.types.Processor] = (
        [mask, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if on_terminal
        else [structlog.processors.format_exc_info, mask, structlog.processors.JSONRenderer(default=str)]
    )
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]


def mask(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last step before a line is written: nothing secret or personal is left in it."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: str, value: Any) -> Any:
    if value is not None and (_SECRET_KEY.search(key) or _PERSONAL_KEY.search(key)):
        return MASK
    match value:
        case dict():
            return {inner: _masked(str(inner), item) for inner, item in value.items()}
        case list() | tuple():
            return [_masked("", item) for item in value]
        case str():
            return mask_text(value)
        case _:
            return value


def mask_text(text: str) -> str:
    """`text` without the passwords of addresses and without bearer keys."""
    return _BEARER.sub(rf"\g<before>{MASK}", _ADDRESS_PASSWORD.sub(rf"\g<before>{MASK}", text))
