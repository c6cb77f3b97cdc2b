"""The sections that say who is told what, where and when: routes, channels, reminders, links."""

import re
from base64 import b64decode
from email.errors import MessageError
from email.headerregistry import Address as MailAddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from streams.model.rule import Rule, Severity
from streams.settings_sources import Secret, Section, Words
from streams.settings_types import ClockTime, Name, Port, TimeZone, Url

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
#: RFC 5321: what fits into a path.
ADDRESS_CHARACTERS_MAX = 254
RECIPIENTS_MAX = 50
#: Of a webhook's secret, as Standard Webhooks asks for.
SIGNING_BYTES_MIN = 24
SIGNING_BYTES_MAX = 64
EVERY_DAY: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CHANNEL = re.compile(
    r"^(slack(:[#@]?[A-Za-z0-9._-]{1,80})?|mail|mail-now|pagerduty|alertmanager|webhook:[A-Za-z0-9._-]{1,100})$"
)
_CHANNELS_ALLOWED = (
    'allowed is "slack", "slack:#channel" (with a bot), "mail" (digest), "mail-now", "pagerduty", "alertmanager" or '
    '"webhook:<name>"'
)


def _channel(name: str) -> str:
    if not _CHANNEL.match(name):
        raise ValueError(_CHANNELS_ALLOWED)
    return name


def _address(text: str) -> str:
    try:
        known = MailAddress(addr_spec=text)
    except (ValueError, IndexError, MessageError):
        known = MailAddress()
    # What the parser had to mend (blanks, comments, names) is no plain address; beyond ASCII few servers go.
    is_plain = known.addr_spec == text and text.isascii() and text.isprintable()
    if not known.domain or not is_plain or len(text) > ADDRESS_CHARACTERS_MAX:
        raise ValueError("allowed is one mail address, such as ops@example.com")
    return text


def _signing_secret(secret: SecretStr) -> SecretStr:
    try:
        key = b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not SIGNING_BYTES_MIN <= len(key) <= SIGNING_BYTES_MAX:
        raise ValueError(
            f"allowed is whsec_ and {SIGNING_BYTES_MIN} to {SIGNING_BYTES_MAX} random bytes in base64, as made by: "
            'echo "whsec_$(openssl rand -base64 32)"'
        )
    return secret


ChannelName = Annotated[str, AfterValidator(_channel)]
Address = Annotated[str, AfterValidator(_address)]
SigningSecret = Annotated[Secret, AfterValidator(_signing_secret)]


class RouteSettings(Section):
    """Which alerts go to which channels: the first route that fits decides, unless it says `go_on`.

    Empty matchers fit everything. Outside its hours a route keeps its notices until they begin.
    """

    channels: tuple[ChannelName, ...]
    tenants: Words = ()
    severities: tuple[Severity, ...] = ()
    rules: tuple[Rule, ...] = ()
    #: Of the tenant (`[[tenants]] labels`): each named one must have this value.
    labels: dict[str, str] = Field(default_factory=dict)
    hours_from: ClockTime | None = None
    hours_to: ClockTime | None = None
    days: tuple[Day, ...] = EVERY_DAY
    timezone: TimeZone = "UTC"
    go_on: bool = False

    @model_validator(mode="after")
    def _hours_have_two_ends(self) -> "RouteSettings":
        if (self.hours_from is None) != (self.hours_to is None):
            raise ValueError("hours_from and hours_to stand together; allowed are two times of day, or none")
        return self


class NoticeSettings(Section):
    """When people are told again. 0 is never."""

    #: A critical alert that nobody acknowledged is told again after so long.
    repeat_hours: float = Field(default=4, ge=0, le=168)
    #: ... and goes to `escalate_to` too after so long.
    escalate_after_minutes: float = Field(default=15, ge=0, le=1440)
    escalate_to: tuple[ChannelName, ...] = ()
    #: An acknowledgement ends after so long, with a reminder.
    acknowledge_hours: float = Field(default=24, ge=0, le=720)


class LinkSettings(Section):
    """Where notices and alerts point to: addresses without a slash at the end."""

    runbooks: str = Field(default="docs/runbooks", max_length=500)
    calcom: Url = "https://app.cal.com"
    #: Of the watched application: `<app>/appointments/<id>`, `<app>/calls/<id>`.
    app: Url | None = None
    #: Of Plumbline's own API, as people's browsers reach it.
    plumbline: Url | None = None

    @field_validator("runbooks")
    @classmethod
    def _without_slash(cls, text: str) -> str:
        return text.rstrip("/")


class MailSettings(Section):
    """Mail by SMTP: the digest, critical alerts at once where `immediate`, and the daily report."""

    host: str | None = None
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: Secret | None = None
    #: Of the server's certificate; None is the system's list.
    ca_file: str | None = None
    sender: Address = "plumbline@localhost"
    recipients: tuple[Address, ...] = Field(default=(), max_length=RECIPIENTS_MAX)
    #: A digest at each multiple of so many hours (UTC) when there is something to say; 0 is none.
    digest_hours: Literal[0, 1, 2, 3, 4, 6, 8, 12, 24] = 4
    immediate: bool = False
    #: The daily report of the day before, in UTC; None is none.
    report_at: ClockTime | None = "06:00"

    @model_validator(mode="after")
    def _a_server_needs_recipients(self) -> "MailSettings":
        if self.host and not self.recipients:
            raise ValueError(
                'mail.recipients is missing: allowed beside mail.host is a list such as ["ops@example.com"]'
            )
        return self


class PagerDutySettings(Section):
    """PagerDuty Events v2."""

    routing_key: Secret | None = None
    url: Url = "https://events.pagerduty.com"


class AlertmanagerSettings(Section):
    """An Alertmanager that is fed with what stands, and sends notices of its own."""

    url: Url | None = None


class WebhookSettings(Section):
    """A receiver of signed webhooks (Standard Webhooks: `whsec_…`). Private addresses only where `allow_private`."""

    name: Name = Field(description="letters, digits, dot, underscore and dash")
    url: Url
    secret: SigningSecret
    allow_private: bool = False
    #: Of the receiver's certificate; None is the usual list.
    ca_file: str | None = None


class SlackSettings(Section):
    """Where to tell people: a webhook, or a bot with its channel; neither is silence.

    Buttons need a bot, and either `signing_secret` (Slack calls `/integrations/slack/actions`) or `app_token`
    (Socket Mode, where Plumbline has no public address).
    """

    webhook_url: Secret | None = None
    bot_token: Secret | None = None
    channel: str | None = None
    signing_secret: Secret | None = None
    app_token: Secret | None = None
    #: Of Slack's Web API; another one in tests.
    api_url: Url = "https://slack.com/api"

    @model_validator(mode="after")
    def _a_bot_needs_its_channel(self) -> "SlackSettings":
        if self.bot_token is not None and not self.channel:
            raise ValueError('slack.channel is missing: allowed beside slack.bot_token is a channel, such as "#ops"')
        return self
