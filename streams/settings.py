"""The configuration as one immutable value: `plumbline.toml` with the environment over it (design §8)."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from streams.model.ids import unmapped_tenant
from streams.model.rule import GRACE_SECONDS, Rule
from streams.settings_errors import problems_of
from streams.settings_notices import (
    AlertmanagerSettings,
    LinkSettings,
    MailSettings,
    NoticeSettings,
    PagerDutySettings,
    RouteSettings,
    SlackSettings,
    WebhookSettings,
)
from streams.settings_sections import (
    AccountSettings,
    ApiKeySettings,
    ApiSettings,
    CalcomSettings,
    DetectionSettings,
    KafkaSettings,
    ScopeSettings,
    SourceSettings,
    StoreSettings,
    SweepSettings,
    TenantSettings,
    WatchdogSettings,
    WorkerSettings,
)
from streams.settings_sources import ConfigurationError, EnvironmentSource, file_tables, reading

__all__ = ["ConfigurationError", "Settings", "home", "load_settings"]

DEFAULT_FILE = "plumbline.toml"
DEFAULT_HOME = ".plumbline"


class Settings(BaseSettings):
    """Every value that a person may set. Made by `load_settings`; made by hand it reads nothing."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    kafka: KafkaSettings = KafkaSettings()
    source: SourceSettings = SourceSettings()
    store: StoreSettings = StoreSettings()
    calcom: CalcomSettings = CalcomSettings()
    detection: DetectionSettings = DetectionSettings()
    sweeps: SweepSettings = SweepSettings()
    scope: ScopeSettings = ScopeSettings()
    notices: NoticeSettings = NoticeSettings()
    links: LinkSettings = LinkSettings()
    slack: SlackSettings = SlackSettings()
    mail: MailSettings = MailSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    api: ApiSettings = ApiSettings()
    worker: WorkerSettings = WorkerSettings()
    tenants: tuple[TenantSettings, ...] = ()
    accounts: tuple[AccountSettings, ...] = ()
    api_keys: tuple[ApiKeySettings, ...] = ()
    routes: tuple[RouteSettings, ...] = ()
    webhooks: tuple[WebhookSettings, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the process's own environment is not read
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """First what the caller gives, then the environment, then the file."""
        in_file = InitSettingsSource(settings_cls, init_kwargs=dict(file_tables()))
        return init_settings, EnvironmentSource(settings_cls), in_file

    @model_validator(mode="after")
    def _names_agree(self) -> "Settings":
        problems = [*_repeated(self), *_unknown_tenants(self), *_unpollable(self), *_without_bot(self)]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def account(self, name: str) -> AccountSettings | None:
        """The account of that name; None if there is none."""
        return next((account for account in self.accounts if account.name == name), None)

    def accounts_of(self, tenant: str) -> tuple[AccountSettings, ...]:
        """The accounts that may hold a booking of the tenant; `~<account>` is that account's."""
        return tuple(
            account for account in self.accounts if tenant in account.tenants or tenant == unmapped_tenant(account.name)
        )

    def only_account_of(self, tenant: str) -> str | None:
        """The name of the tenant's account; None where it has none or several."""
        names = [account.name for account in self.accounts_of(tenant)]
        return names[0] if len(names) == 1 else None

    def tenant_of(self, account: str, event_type_id: str | None) -> str:
        """Whose an account's booking is: by its event type, else the account's tenant, else `~<account>`."""
        known = self.account(account)
        if known is None:
            return unmapped_tenant(account)
        by_event_type = known.event_types.get(event_type_id) if event_type_id else None
        return by_event_type or known.tenant or unmapped_tenant(account)

    def timezone_of(self, tenant: str) -> str:
        """The IANA time zone in which the tenant's people read times; UTC if none is set."""
        return next((one.timezone for one in self.tenants if one.id == tenant), "UTC")

    def grace_ms(self, rule: Rule, tenant: str) -> int:
        """Milliseconds between the newest event about a cause and its proving round."""
        own = self.detection.tenants.get(tenant)
        if own is not None and rule in own.grace_seconds:
            return round(own.grace_seconds[rule] * 1000)
        return round(self.detection.grace_seconds.get(rule, GRACE_SECONDS[rule]) * 1000)

    def calcom_lag_ms(self, tenant: str) -> int:
        """Milliseconds of the least lag wait (design §4a)."""
        own = self.detection.tenants.get(tenant)
        given = own.calcom_lag_seconds if own is not None else None
        return round((self.detection.calcom_lag_seconds if given is None else given) * 1000)

    def tolerance_ms(self, tenant: str) -> int:
        """Milliseconds by which two times may differ and still agree."""
        own = self.detection.tenants.get(tenant)
        given = own.tolerance_seconds if own is not None else None
        return round((self.detection.tolerance_seconds if given is None else given) * 1000)


def load_settings(path: Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """The settings from `path`, else the file that `PLUMBLINE_CONFIG` names, else `./plumbline.toml`.

    Raises ConfigurationError with every problem found, one readable line each.
    """
    env = os.environ if env is None else env
    with reading(path or _default_path(env), env):
        try:
            return Settings()
        except ValidationError as error:
            raise ConfigurationError(*problems_of(error, Settings)) from None


def home(env: Mapping[str, str] | None = None) -> Path:
    """The folder of what this machine keeps (`PLUMBLINE_HOME`): endpoints, scores, the local stack."""
    return Path((os.environ if env is None else env).get("PLUMBLINE_HOME") or DEFAULT_HOME)


def _default_path(env: Mapping[str, str]) -> Path | None:
    if named := env.get("PLUMBLINE_CONFIG"):
        return Path(named)
    beside = Path(DEFAULT_FILE)
    return beside if beside.exists() else None


def _repeated(settings: Settings) -> Iterator[str]:
    """Names that must differ and do not."""
    lists = {
        "accounts[].name": [account.name for account in settings.accounts],
        "tenants[].id": [tenant.id for tenant in settings.tenants],
        "api_keys[].name": [key.name for key in settings.api_keys],
        "webhooks[].name": [webhook.name for webhook in settings.webhooks],
    }
    for key, names in lists.items():
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f'{key} = "{name}": it stands there twice; allowed is each name once'


def _unpollable(settings: Settings) -> Iterator[str]:
    """Tables whose changes could not be found."""
    source = settings.source
    appointments, calls = (
        (source.appointments.table, source.appointments.columns),
        (source.calls.table, source.calls.columns),
    )
    for key, (table, columns) in {"appointments": appointments, "calls": calls}.items():
        if source.mode == "poll" and table and "updated_at" not in columns:
            yield (
                f'source.{key}.columns.updated_at is missing: source.mode = "poll" finds changes by it; '
                "allowed is a column's name"
            )


def _without_bot(settings: Settings) -> Iterator[str]:
    """Channels of Slack that only a bot could speak in."""
    if settings.slack.bot_token is not None:
        return
    named = [(f"routes[{at}].channels", name) for at, route in enumerate(settings.routes) for name in route.channels]
    named += [("notices.escalate_to", name) for name in settings.notices.escalate_to]
    for key, name in named:
        if name.startswith("slack:"):
            yield f'{key} = "{name}": slack.bot_token is missing for it; allowed without a bot is "slack"'


def _unknown_tenants(settings: Settings) -> Iterator[str]:
    """Tenants that are named and not listed; without a list of tenants every id is allowed."""
    listed = {tenant.id for tenant in settings.tenants}
    named: list[tuple[str, str]] = []
    for at, account in enumerate(settings.accounts):
        if account.tenant is None and not account.event_types:
            yield (
                f"accounts[{at}].tenant is missing: allowed is a tenant's id; only a shared account with "
                "event_types may go without"
            )
        named += [(f"accounts[{at}].tenant", account.tenant)] if account.tenant is not None else []
        named += [(f"accounts[{at}].event_types.{key}", tenant) for key, tenant in account.event_types.items()]
    for at, key in enumerate(settings.api_keys):
        named += [(f"api_keys[{at}].tenants", tenant) for tenant in key.tenants if tenant != "*"]
    for at, route in enumerate(settings.routes):
        named += [(f"routes[{at}].tenants", tenant) for tenant in route.tenants if tenant != "*"]
    named += [("detection.tenants", tenant) for tenant in settings.detection.tenants]
    for key_name, tenant in named:
        # A tenant with "~" is one of ours: unmapped webhooks, rows without a tenant.
        if listed and tenant not in listed and not tenant.startswith("~"):
            ids = ", ".join(sorted(listed))
            yield f'{key_name} = "{tenant}": no such tenant; allowed are the ids in [[tenants]]: {ids}'
