"""The Debezium connector's configuration: one checked-in file, rendered here for every environment."""

import json
import re
from dataclasses import dataclass, field
from importlib.resources import files
from urllib.parse import parse_qs, unquote, urlsplit

from connectors.source.errors import SourceError
from connectors.source.inspection import SourceNames, quoted
from connectors.source.mapping import SourceMapping, TableMapping
from connectors.source.rest import ConnectRest

TEMPLATE = files("connectors.source") / "connector.json"
DEFAULT_PORT = 5432
#: What of the template is about calls.
_OF_CALLS = ("transforms.calls", "predicates.isCall")
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the connector is registered with. `dsn` is the role that `source prepare` made."""

    dsn: str
    mapping: SourceMapping
    partitions: int
    replication_factor: int = 1
    topic_prefix: str = ""
    names: SourceNames = field(default_factory=SourceNames)

    @property
    def prefix(self) -> str:
        """Debezium's topic prefix: `crm` after our own prefix."""
        return f"{self.topic_prefix}crm"

    @property
    def connector(self) -> str:
        """The connector's name in Connect."""
        return f"{self.prefix}-source"

    @property
    def heartbeat_topic(self) -> str:
        """Where Debezium's heartbeats come, on partition 0; their keys mean nothing."""
        return f"__debezium-heartbeat.{self.prefix}"


async def register(connect: ConnectRest, registration: Registration) -> bool:
    """Make the connector, or change it, or leave it alone when it is already so. Whether anything was done.

    Raises ConnectRefused, ConnectUnreachable.
    """
    return await connect.put(registration.connector, render(registration))


def render(registration: Registration) -> dict[str, str]:
    """The whole configuration, as Connect's REST takes it. Raises SourceError for an unusable dsn."""
    values = _values(registration)
    template: dict[str, str] = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    if registration.mapping.calls is None:
        template = _without_calls(template)
    return {key: _PLACEHOLDER.sub(lambda found: values[found[1]], text) for key, text in template.items()}


def _without_calls(template: dict[str, str]) -> dict[str, str]:
    """The template for a database that has no table of calls."""
    kept = {key: text for key, text in template.items() if not key.startswith(_OF_CALLS)}
    for key in ("transforms", "predicates"):
        kept[key] = ",".join(name for name in kept[key].split(",") if not f"{key}.{name}".startswith(_OF_CALLS))
    return kept


def _values(registration: Registration) -> dict[str, str]:
    mapping, names = registration.mapping, registration.names
    return {
        **_connection(registration.dsn),
        "slot": names.slot,
        "publication": names.publication,
        "heartbeat": f"{quoted(names.schema)}.heartbeat",
        "prefix": registration.prefix,
        "tables": ",".join(_exactly(table.schema, table.name) for table in mapping.tables),
        "columns": ",".join(
            _exactly(table.schema, table.name, column) for table in mapping.tables for column in table.read
        ),
        "keys": ";".join(f"{_exactly(table.schema, table.name)}:{table.tenant}" for table in mapping.tables),
        **_routed(registration.prefix, "appointments", mapping.appointments),
        **(_routed(registration.prefix, "calls", mapping.calls) if mapping.calls else {}),
        "partitions": str(registration.partitions),
        "replication_factor": str(registration.replication_factor),
    }


def _routed(prefix: str, ours: str, table: TableMapping) -> dict[str, str]:
    """From the topic that Debezium makes of their table's name to ours, keyed by their tenant column."""
    topic = f"{prefix}.public.{ours}"
    return {
        f"{ours}_from": _exactly(prefix, table.schema, table.name),
        f"{ours}_to": topic,
        f"{ours}_topic": _exactly(topic),
        f"{ours}_tenant": table.tenant,
    }


def _exactly(*names: str) -> str:
    """A regular expression of Java's for the names joined by dots."""
    return re.escape(".".join(names))


def _connection(dsn: str) -> dict[str, str]:
    parts = urlsplit(dsn)
    database = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgresql", "postgres") or not (parts.hostname and parts.username and database):
        raise SourceError("source.dsn: allowed is postgresql://role:password@host:port/database")
    return {
        "host": parts.hostname,
        "port": str(parts.port or DEFAULT_PORT),
        "user": unquote(parts.username),
        "password": unquote(parts.password or ""),
        "database": database,
        "sslmode": parse_qs(parts.query).get("sslmode", ["prefer"])[0],
    }
