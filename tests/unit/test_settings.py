"""Configuration: what may be set, how, and what a person reads when it is wrong."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from streams.model.ids import TenantId
from streams.model.rule import GRACE_SECONDS, Rule
from streams.settings import ConfigurationError, Settings, home, load_settings

README = Path(__file__).parents[2] / "README.md"
#: Of a form that every secret may have, also one of a signed webhook.
SECRET = "whsec_cGx1bWJsaW5lLXBsdW1ibGluZS1wbHVtYmxpbmU="

TWO_ACCOUNTS = """
[[accounts]]
name = "own"
tenant = 15
api_key = "k1"

[[accounts]]
name = "shared"
api_key = "k2"
event_types = { "4773493" = 15, "77" = 16 }
"""


# The words of this specification -----------------------------------------------------


class Folder:
    """A folder with one plumbline.toml."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, toml: str = "", **env: str) -> Settings:
        file = self.path / "plumbline.toml"
        file.write_text(toml, encoding="utf-8")
        return load_settings(file, env)

    def complaint(self, toml: str = "", **env: str) -> str:
        with pytest.raises(ConfigurationError) as raised:
            self.read(toml, **env)
        return str(raised.value)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def readme_sample() -> str:
    [sample] = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return str(sample)


# What may be set ---------------------------------------------------------------------


def test_an_empty_file_gives_the_defaults(folder: Folder) -> None:
    settings = folder.read()
    assert (settings.kafka.bootstrap_servers, settings.kafka.partitions) == (None, 12)
    assert (settings.calcom.requests_per_minute, settings.calcom.poll_interval_seconds) == (60, 45)
    assert settings.source.appointments.columns["calcom_v2_booking_id"] == "calcom_v2_booking_id"
    assert settings.accounts == ()


def test_every_key_of_the_sample_in_the_readme_is_accepted(folder: Folder) -> None:
    sample = readme_sample()
    (folder.path / "secrets").mkdir()
    for name in re.findall(r'file = "([^"]+)"', sample):
        (folder.path / name).write_text(f"{SECRET}\n")
    env = dict.fromkeys(re.findall(r'env = "([^"]+)"', sample), SECRET)
    settings = folder.read(sample, **env)
    assert settings.source.dsn is not None
    assert settings.source.dsn.get_secret_value() == SECRET
    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()


def test_the_sample_in_the_readme_has_every_key() -> None:
    sample = readme_sample()
    missing = [key for key in _keys(Settings) if not re.search(rf"\b{key}\b", sample)]
    assert missing == []


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for inner in _models(field.annotation):
            yield from _keys(inner)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models(inner)


def test_the_environment_goes_before_the_file(folder: Folder) -> None:
    settings = folder.read(
        '[kafka]\npartitions = 3\ntopic_prefix = "a."',
        PLUMBLINE_KAFKA__PARTITIONS="6",
        PLUMBLINE_DETECTION__GRACE_SECONDS__ORPHANED_LOCAL="1.5",
        PLUMBLINE_SOURCE__CALLS__COLUMNS__DIRECTION="richtung",
        PLUMBLINE_SCOPE__EVENT_TYPES="12, 13",
        PLUMBLINE_TENANTS='[{"id": 15, "timezone": "Europe/Berlin"}]',
    )
    assert (settings.kafka.partitions, settings.kafka.topic_prefix) == (6, "a.")
    assert settings.grace_ms(Rule.ORPHANED_LOCAL, TenantId("15")) == 1500
    assert settings.source.calls.columns["direction"] == "richtung"
    assert settings.source.calls.columns["booking_id"] == "booking_id"
    assert settings.scope.event_types == ("12", "13")
    assert settings.timezone_of("15") == "Europe/Berlin"


def test_an_empty_variable_and_those_of_kubernetes_are_not_ours(folder: Folder) -> None:
    settings = folder.read(PLUMBLINE_STORE__DSN="", PLUMBLINE_API_PORT="tcp://10.0.0.1:80")
    assert settings.store.dsn is None


def test_settings_made_by_hand_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_KAFKA__PARTITIONS", "3")
    assert Settings().kafka.partitions == 12


def test_the_file_is_the_named_one_or_the_one_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(env={}).kafka.partitions == 12
    Path("plumbline.toml").write_text("[kafka]\npartitions = 3")
    assert load_settings(env={}).kafka.partitions == 3
    Path("other.toml").write_text("[kafka]\npartitions = 4")
    assert load_settings(env={"PLUMBLINE_CONFIG": "other.toml"}).kafka.partitions == 4


def test_home_is_a_hidden_folder_unless_named() -> None:
    assert home({}) == Path(".plumbline")
    assert home({"PLUMBLINE_HOME": "elsewhere"}) == Path("elsewhere")


# What a person reads -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ('[calcom]\nrequests_per_minute = "many"',
         'calcom.requests_per_minute = "many": allowed is a whole number from 1 to 500'),
        ("[calcom]\nrequests_per_minute = 501",
         "calcom.requests_per_minute = 501: allowed is a whole number from 1 to 500"),
        ("[calcom]\npoll_interval_seconds = 4",
         "calcom.poll_interval_seconds = 4: allowed is a number from 5 to 300"),
        ('[calcom]\nbase_url = "https://api.cal.com/v2"',
         'calcom.base_url = "https://api.cal.com/v2": allowed is the address without /v2, such as https://api.cal.com'),
        ('[store]\ndns = "x"', 'store.dns: unknown key; allowed are dsn'),
        ('[api]\nhots = "x"', 'api.hots = "x": unknown key; allowed are host, port, door_port, requests_per_minute'),
        ("[store]\ndsn = 5", 'store.dsn: allowed is a text, { env = "NAME" } or { file = "path" }'),
        ('[store]\ndsn = { env = "NO" }', "store.dsn: the environment variable NO is not set or empty"),
        ('[source]\nmode = "polling"', 'source.mode = "polling": allowed is one of debezium, poll'),
        ('[source.calls]\ntimezone = "Mars"',
         'source.calls.timezone = "Mars": allowed is a time zone of the IANA list, such as Europe/Berlin'),
        ('[source.calls]\ncolumns = { id = "" }',
         "source.calls.columns: id cannot be left out; allowed is a column's name"),
        ('[source.appointments.words]\nstatus = { booked = "confirmd" }',
         "source.appointments.words: status cannot mean confirmd; allowed are pending, scheduled, confirmed, completed,"
         " cancelled, no_show"),
        ('[source.calls.words]\nstatus = { booked = "confirmed" }',
         "source.calls.words: status has no words; allowed are direction, session_outcome, appointment_link_status"),
        ('[source.appointments]\ntable = ""', 'source.appointments.table = "": allowed is a text that is not empty'),
        ('[slack]\nbot_token = "x"',
         'slack.channel is missing: allowed beside slack.bot_token is a channel, such as "#ops"'),
        ('[[routes]]\nchannels = ["slack", "slack:#night"]',
         'routes[0].channels = "slack:#night": slack.bot_token is missing for it; allowed without a bot is "slack"'),
        ('[notices]\nescalate_to = ["slack:#boss"]',
         'notices.escalate_to = "slack:#boss": slack.bot_token is missing for it; allowed without a bot is "slack"'),
        ('[[accounts]]\nname = "a b"\ntenant = "1"\napi_key = "k"',
         'accounts[0].name = "a b": allowed is letters, digits, dot, underscore and dash'),
        ('[[accounts]]\nname = "a"\ntenant = "1"',
         'accounts[0].api_key is missing: allowed is a text, { env = "NAME" } or { file = "path" }'),
        ('[[accounts]]\nname = "a"\ntenant = "1"\napi_key = " "',
         'accounts[0].api_key: a secret is never empty; allowed is a text, { env = "NAME" } or { file = "path" }'),
        ('[[accounts]]\nname = "a"\napi_key = "k"',
         "accounts[0].tenant is missing: allowed is a tenant's id; only a shared account with event_types may go"
         " without"),
        ('[[tenants]]\nid = "1"\n[[accounts]]\nname = "a"\ntenant = "2"\napi_key = "k"',
         'accounts[0].tenant = "2": no such tenant; allowed are the ids in [[tenants]]: 1'),
        ('[[tenants]]\nid = "1"\n[[tenants]]\nid = "1"',
         'tenants[].id = "1": it stands there twice; allowed is each name once'),
        ('[[api_keys]]\nname = "a"\nkey = "k"\nrole = "boss"\ntenants = ["*"]',
         'api_keys[0].role = "boss": allowed is one of viewer, operator, admin'),
    ],
)  # fmt: skip
def test_one_line_names_the_key_the_value_and_what_is_allowed(folder: Folder, toml: str, line: str) -> None:
    assert folder.complaint(toml) == line


def test_an_unknown_rule_section_or_column_is_told_with_those_that_exist(folder: Folder) -> None:
    assert "allowed is one of orphaned_local, " in folder.complaint("[detection.grace_seconds]\norphan = 1")
    assert folder.complaint("[kafak]\nx = 1").startswith("kafak: unknown key; allowed are kafka, source, ")
    assert folder.complaint(PLUMBLINE_KAFAK__X="1").startswith("PLUMBLINE_KAFAK__X: unknown section; allowed")
    assert "unknown column retell_call_id; allowed are id, " in folder.complaint(
        '[source.calls]\ncolumns = { retell_call_id = "x" }'
    )


def test_all_problems_are_told_at_once(folder: Folder) -> None:
    lines = folder.complaint('[kafka]\npartitions = 0\n[api]\nport = 70000\n[watchdog]\nping_url = "x"')
    assert [line.split(" ")[0] for line in lines.splitlines()] == [
        "kafka.partitions", "watchdog.ping_url", "api.port",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "toml",
    [
        f'[[accounts]]\nname = "a"\napi_kee = "{SECRET}"',
        f'[[accounts]]\nname = "a"\ntenant = "1"\napi_key = "k"\nwebhook_secrets = "{SECRET}"',
        f'[[accounts]]\nname = "a b"\ntenant = "1"\napi_key = "{SECRET}"\nwebhook_secrets = [""]',
        f'[slack]\nbot_token = "{SECRET}"',
        f'accounts = "{SECRET}"',
        f'[store]\ndsn = ["{SECRET}"]',
        f'[store]\npassword = "{SECRET}"',
    ],
)
def test_no_problem_shows_a_secret(folder: Folder, toml: str) -> None:
    assert SECRET not in folder.complaint(toml)


def test_a_file_that_is_missing_or_no_toml_is_told(folder: Folder) -> None:
    with pytest.raises(ConfigurationError, match=r'PLUMBLINE_CONFIG = "nowhere.toml": No such file'):
        load_settings(env={"PLUMBLINE_CONFIG": "nowhere.toml"})
    assert "allowed is TOML 1.0" in folder.complaint("[kafka")


# What others ask ---------------------------------------------------------------------


def test_a_booking_belongs_to_the_tenant_of_its_event_type_or_of_its_account(folder: Folder) -> None:
    settings = folder.read(TWO_ACCOUNTS)
    assert settings.tenant_of("own", "1") == "15"
    assert settings.tenant_of("shared", "77") == "16"
    assert settings.tenant_of("shared", "1") == settings.tenant_of("shared", None) == "~shared"


def test_a_tenant_has_its_own_accounts_and_the_shared_ones(folder: Folder) -> None:
    settings = folder.read(TWO_ACCOUNTS)
    assert [account.name for account in settings.accounts_of("15")] == ["own", "shared"]
    assert [account.name for account in settings.accounts_of("~shared")] == ["shared"]
    assert settings.accounts_of("99") == ()
    assert settings.account("nobody") is None


def test_a_tenant_may_wait_longer_than_the_others(folder: Folder) -> None:
    settings = folder.read(
        "[detection]\ntolerance_seconds = 30\n[detection.grace_seconds]\nstatus_drift = 5\n"
        "[detection.tenants.15]\ncalcom_lag_seconds = 4\ngrace_seconds = { status_drift = 0 }"
    )
    assert (settings.grace_ms(Rule.STATUS_DRIFT, "15"), settings.grace_ms(Rule.STATUS_DRIFT, "1")) == (0, 5000)
    assert settings.grace_ms(Rule.ORPHANED_LOCAL, "15") == GRACE_SECONDS[Rule.ORPHANED_LOCAL] * 1000
    assert (settings.calcom_lag_ms("15"), settings.calcom_lag_ms("1")) == (4000, 2000)
    assert (settings.tolerance_ms("15"), settings.tolerance_ms("1")) == (30_000, 30_000)
