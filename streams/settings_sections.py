"""The sections of `plumbline.toml`, their defaults and bounds (design §8). Units stand last in the names."""

from typing import Literal

from pydantic import Field

from streams.model.rule import Rule
from streams.settings_sources import Secret, Section, Words
from streams.settings_tables import AppointmentsTable, CallsTable
from streams.settings_types import (
    GIB,
    Bytes,
    ClockTime,
    Id,
    LagSeconds,
    Name,
    Port,
    Seconds,
    TimeZone,
    UnversionedUrl,
    Url,
)


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

    @property
    def has_calls(self) -> bool:
        """Whether there is a table of calls; without one no rule about calls runs."""
        return bool(self.calls.table)

    def timezone_of(self, table: Literal["appointments", "calls"]) -> str:
        """The zone in which the table's zone-less columns are meant."""
        given = self.appointments.timezone if table == "appointments" else self.calls.timezone
        return given or self.timezone


class StoreSettings(Section):
    """Plumbline's own database."""

    dsn: Secret | None = None


class CalcomSettings(Section):
    """Cal.com's API. The quota counts for each account's key, poll included, in any 60 s."""

    base_url: UnversionedUrl | None = None
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


class WatchdogSettings(Section):
    """The dead-man's switch outside."""

    ping_url: Url | None = None


class TenantSettings(Section):
    """One tenant, for texts in alerts and reports."""

    id: Id
    name: str = ""
    timezone: TimeZone = "UTC"
    #: For routes and silences: `{ region = "eu" }`.
    labels: dict[str, str] = Field(default_factory=dict)


class AccountSettings(Section):
    """One Cal.com account. `event_types` maps event types of a shared account to tenants."""

    name: Name = Field(description="letters, digits, dot, underscore and dash")
    tenant: Id | None = None
    api_key: Secret
    webhook_secrets: tuple[Secret, ...] = ()
    event_types: dict[str, Id] = Field(default_factory=dict)

    @property
    def tenants(self) -> frozenset[str]:
        """Whose bookings the account holds, as far as configured."""
        return frozenset(self.event_types.values()) | ({self.tenant} if self.tenant is not None else set())


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
    #: For each key, in any 60 s.
    requests_per_minute: int = Field(default=600, ge=1, le=100_000)


class WorkerSettings(Section):
    """The worker's identity on the broker. A new `version` reads all topics again, into the state that is there.

    To begin with an empty state, empty the topic `plumbline.state` too: emptied alone, the group would go on at its
    committed offsets and never see again what the state was made of (docs/operations.md).
    """

    app_id: str = Field(default="plumbline-worker", pattern=r"^[A-Za-z0-9._-]+$", max_length=100,
                        description="letters, digits, dot, underscore and dash")  # fmt: skip
    version: int = Field(default=1, ge=1, le=9999)

    @property
    def group(self) -> str:
        """The consumer group; Faust appends the version from the second on."""
        return self.app_id if self.version == 1 else f"{self.app_id}-v{self.version}"
