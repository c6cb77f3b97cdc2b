"""endpoints.json: where everything of a running Plumbline is (contracts.md, "endpoints.json")."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from connectors.stack.private_file import write_private

FILE_NAME = "endpoints.json"
PROCESS_NAMES = ("kafka", "connect", "postgres", "calcom", "worker", "connectors", "api")


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content. It holds secrets (a key, passwords), hence mode 0600."""

    api_url: str
    api_key: str
    kafka_bootstrap: str
    #: None for a part that the configuration does not have.
    connect_url: str | None
    source_dsn: str | None
    store_dsn: str | None
    calcom_url: str | None
    slack_url: str | None = None
    #: By name, of what this Plumbline started itself; empty lists for the rest.
    pids: dict[str, list[int]] = msgspec.field(default_factory=dict)


def write_endpoints(home: Path, endpoints: Endpoints, pids: Mapping[str, list[int]]) -> Path:
    """Write the file with the given pids; a reader sees the old one or the new one, never half."""
    told = {name: list(pids.get(name, ())) for name in PROCESS_NAMES}
    content = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(endpoints, pids=told)), indent=2)
    write_private(home / FILE_NAME, content + b"\n")
    return home / FILE_NAME


def read_endpoints(home: Path) -> Endpoints:
    """Raises OSError when nothing was started there."""
    return msgspec.json.decode((home / FILE_NAME).read_bytes(), type=Endpoints)


def remove_endpoints(home: Path) -> None:
    """After a stop: nobody shall find what is no longer there."""
    (home / FILE_NAME).unlink(missing_ok=True)
