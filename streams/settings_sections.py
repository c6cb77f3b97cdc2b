"""The sections of `plumbline.toml`, their defaults and bounds (design §8). Units stand last in the names."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from streams.model.rule import Rule
from streams.settings_sources import Secret, Section, Words

#: Ours → theirs. Only what is judged: whatever is not here never leaves the monitored database.
APPOINTMENT_COLUMNS: dict[str, str] = {
    name: name
    for name in (
        "id", "company_id", "customer_id", "service_id", "call_id", "calcom_v2_booking_id", "source",
        "status", "starts_at", "ends_at", "idempotency_key", "sync_origin", "calcom_sync_status",
        "last_sync_attempt_at", "sync_attempt_count", "requires_manual_review", "created_at", "updated_at",
    )
}  # fmt: skip
CALL_COLUMNS: dict[str, str] = {
    name: name
    for name in (
        "id", "company_id", "direction", "session_outcome", "appointment_made", "appointment_link_status",
        "booking_id", "created_at", "updated_at",
    )
}  # fmt: skip
#: Without these nothing can be keyed: no record without its row and tenant.
REQUIRED_COLUMNS = ("id", "company_id")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("allowed is a time zone of the IANA list, such as Europe/Berlin") from error
    return name


def _url(address: str) -> str:
    if not address.startswith(("http://", "https://")):
        raise ValueError("allowed is an address that begins with http:// or https://")
    return address.rstrip("/")


def _without_version(address: str) -> str:
    if address.endswith("/v2"):
        raise ValueError("allowed is the address without /v2, such as https://api.cal.com")
    return address


def _bytes(given: object) -> object:
    """A number of bytes, or text such as 512MB or 10GB."""
    if not isinstance(given, str):
        return given
    units = {"KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
    text = given.strip().upper()
    number, factor = (text[:-2], units[text[-2:]]) if text[-2:] in units else (text, 1)
    if not number.strip().isdigit():
        raise ValueError("allowed is a number of bytes, or one with KB, MB, GB or TB, such as 10GB")
    return int(number) * factor


def _columns(defaults: dict[str, str]) -> BeforeValidator:
    """Entries replace the default of their name; an empty name says that the database has no such column."""

    def merged(given: object) -> object:
        if not isinstance(given, dict):
            return given
        unknown = [name for name in given if name not in defaults]
        if unknown:
            raise ValueError(f"unknown column {', '.join(unknown)}; allowed are {', '.join(defaults)}")
        mapping = {ours: theirs for ours, theirs in (defaults | given).items() if theirs != ""}
        if missing := [name for name in REQUIRED_COLUMNS if name not in mapping]:
            raise ValueError(f"{', '.join(missing)} cannot be left out; allowed is a column's name")
        return mapping

    return BeforeValidator(merged)


TimeZone = Annotated[str, AfterValidator(_zone)]
Url = Annotated[str, AfterValidator(_url)]
Seconds = Annotated[float, Field(ge=0, le=3600)]
LagSeconds = Annotated[float, Field(ge=0, le=15)]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Id = Annotated[str, Field(min_length=1, max_length=100)]


GIB = 1024**3
Bytes = Annotated[int, BeforeValidator(_bytes), Field(ge=1024**2)]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="a time of day such as 03:30")]


class KafkaSettings(Section):
    """The broker. Without `bootstrap_servers`, `plumbline up` starts one of its own."""

    bootstrap_servers: str | None = None
    #: For ever: another number needs an empty start (design §9).
    partitions: int = Field(default=12, ge=1, le=1000)
    #: 3 in production.
    replication_factor: int = Field(default=1, ge=1, le=9)
    topic_prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]*$",
        max_length=100,
        description="letters, digits, dot, underscore and dash",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str | None = None
    sasl_password: Secret | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None


class AppointmentsTable(Section):
    """The table of appointments; `columns` holds those that the database has, ours → theirs."""

    table: str = "public.appointments"
    columns: Annotated[dict[str, str], _columns(APPOINTMENT_COLUMNS)] = APPOINTMENT_COLUMNS
    timezone: TimeZone | None = None


class CallsTable(Section):
    """The table of calls; `columns` holds those that the database has, ours → theirs."""

    table: str = "public.calls"
    columns: Annotated[dict[str, str], _columns(CALL_COLUMNS)] = CALL_COLUMNS
    timezone: TimeZone | None = None


class SourceSettings(Section):
    """The monitored database. `timezone` is that of columns without a zone, unless the table says another."""

    dsn: Secret | None = None
    #: `poll` for databases that allow no replication: changes within 10 s, deletes within 10 min.
    mode: Literal["debezium", "poll"] = "debezium"
    #: Beyond this much WAL held back by our slot it is dropped, rather than fill the disk; then a back-fill.
    max_retained_wal: Bytes = 10 * GIB
    #: REST address of Kafka Connect; without it `plumbline up` starts one of its own.
    connect_url: Url | None = None
    timezone: TimeZone = "UTC"
    appointments: AppointmentsTable = AppointmentsTable()
    calls: CallsTable = CallsTable()

    def timezone_of(self, table: Literal["appointments", "calls"]) -> str:
        """The zone in which the table's zone-less columns are meant."""
        given = self.appointments.timezone if table == "appointments" else self.calls.timezone
        return given or self.timezone


class StoreSettings(Section):
    """Plumbline's own database."""

    dsn: Secret | None = None


class CalcomSettings(Section):
    """Cal.com's API. The quota counts for each account's key, poll included, in any 60 s."""

    base_url: Annotated[Url, AfterValidator(_without_version)] | None = None
    api_version: str = "2024-08-13"
    requests_per_minute: int = Field(default=60, ge=1, le=500)
    timeout_seconds: float = Field(default=10, ge=0.1, le=120)
    poll_interval_seconds: float = Field(default=45, ge=5, le=300)


class SweepSettings(Section):
    """Full and window passes over both sides: what neither webhook nor change event told is found by them."""

    #: Of the daily full pass, in UTC: 02:00 local time is skipped or doubled when clocks change.
    full_at: ClockTime = "03:30"
    window_hours: float = Field(default=6, ge=0.01, le=48)
    back_days: int = Field(default=30, ge=1, le=400)
    ahead_days: int = Field(default=90, ge=1, le=800)


class TenantDetection(Section):
    """What one tenant has otherwise; None is as for all."""

    grace_seconds: dict[Rule, Seconds] = Field(default_factory=dict)
    calcom_lag_seconds: LagSeconds | None = None
    tolerance_seconds: Seconds | None = None


class DetectionSettings(Section):
    """How long to wait, how exact to be. `grace_seconds` overrides the defaults of `streams.model.rule`."""

    grace_seconds: dict[Rule, Seconds] = Field(default_factory=dict)
    calcom_lag_seconds: LagSeconds = 2
    tolerance_seconds: Seconds = 60
    #: Facts of what is over are forgotten after this time.
    retention_days: float = Field(default=30, ge=0.001, le=400)
    tenants: dict[str, TenantDetection] = Field(default_factory=dict)


class ScopeSettings(Section):
    """What is watched; empty is everything."""

    event_types: Words = ()
    synced_sources: Words = ()


class SlackSettings(Section):
    """Where to tell people: a webhook, or a bot with its channel; neither is silence."""

    webhook_url: Secret | None = None
    bot_token: Secret | None = None
    channel: str | None = None

    @model_validator(mode="after")
    def _a_bot_needs_its_channel(self) -> "SlackSettings":
        if self.bot_token is not None and not self.channel:
            raise ValueError('slack.channel is missing: allowed beside slack.bot_token is a channel, such as "#ops"')
        return self


class WatchdogSettings(Section):
    """The dead-man's switch outside."""

    ping_url: Url | None = None


class TenantSettings(Section):
    """One tenant, for texts in alerts and reports."""

    id: Id
    name: str = ""
    timezone: TimeZone = "UTC"


class AccountSettings(Section):
    """One Cal.com account. `event_types` maps event types of a shared account to tenants."""

    name: Name = Field(description="letters, digits, dot, underscore and dash")
    tenant: Id | None = None
    api_key: Secret
    webhook_secrets: tuple[Secret, ...] = ()
    event_types: dict[str, Id] = Field(default_factory=dict)


class ApiKeySettings(Section):
    """A key of the HTTP API; `tenants = ["*"]` is all."""

    name: str
    key: Secret
    role: Literal["viewer", "operator", "admin"]
    tenants: Words = Field(min_length=1, description='tenants\' ids, or "*" for all')


class ApiSettings(Section):
    """Where the API listens; without `port` on a free one, without `door_port` the door is on the same."""

    host: str = "127.0.0.1"
    port: Port | None = None
    door_port: Port | None = None


class WorkerSettings(Section):
    """The worker's identity on the broker: a new `version` starts with an empty state."""

    app_id: str = Field(default="plumbline-worker", pattern=r"^[A-Za-z0-9._-]+$", max_length=100,
                        description="letters, digits, dot, underscore and dash")  # fmt: skip
    version: int = Field(default=1, ge=1, le=9999)
