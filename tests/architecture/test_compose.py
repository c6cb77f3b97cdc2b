"""docker-compose.yml describes what exists: it cannot be run here, so its names are checked one by one."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from typer.main import get_command

from api.cli.main import app
from streams.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
#: Variables that are ours without being settings.
PLAIN_VARIABLES = {"PLUMBLINE_CONFIG", "PLUMBLINE_HOME", "PLUMBLINE_SOURCE_ADMIN_DSN"}
#: Images of ours take the arguments of `plumbline`.
OUR_SERVICES = ("prepare", "worker", "connectors", "api")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return parsed


def mentioned() -> set[str]:
    """Variables that the file takes from `.env`."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    return set(re.findall(r"\$\{([A-Z_]+)", text))


def is_setting(variable: str) -> bool:
    model: Any = Settings
    for key in variable.removeprefix("PLUMBLINE_").lower().split("__"):
        if not (isinstance(model, type) and issubclass(model, BaseModel)) or key not in model.model_fields:
            return False
        model = model.model_fields[key].annotation
    return True


def test_the_system_has_the_processes_of_up(compose: dict[str, Any]) -> None:
    assert {"kafka", "connect", "postgres", "worker", "connectors", "api"} <= set(compose["services"])


@pytest.mark.parametrize("service", OUR_SERVICES)
def test_each_command_of_ours_exists(compose: dict[str, Any], service: str) -> None:
    command: Any = get_command(app)
    words = compose["services"][service]["command"]
    for word in words:
        if word.startswith("--"):
            assert word in {option for parameter in command.params for option in parameter.opts}
        else:
            command = command.commands[word]


@pytest.mark.parametrize("service", OUR_SERVICES)
def test_each_variable_of_ours_is_a_setting(compose: dict[str, Any], service: str) -> None:
    environment = compose["services"][service]["environment"]
    assert [name for name in environment if name not in PLAIN_VARIABLES and not is_setting(name)] == []


def test_the_settings_accept_what_the_example_says(compose: dict[str, Any]) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    sample = dict(re.findall(r"^#? *([A-Z_]+)=(.+)$", text, re.MULTILINE))
    environment = compose["services"]["api"]["environment"]
    env = {name: _filled(value, sample) for name, value in environment.items()}
    settings = load_settings(ROOT / "deploy" / "plumbline.toml", env)
    assert settings.accounts[0].tenant == "15"
    assert settings.api.door_port == 8081


def _filled(value: str, sample: dict[str, str]) -> str:
    return re.sub(
        r"\$\{([A-Z_]+)(?::-([^}]*)|:\?[^}]*)?\}",
        lambda found: sample.get(found[1]) or (found[2] if found[2] is not None else "filled-in"),
        value,
    )


def test_env_example_documents_every_variable_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)) == mentioned()


def test_every_mounted_file_exists(compose: dict[str, Any]) -> None:
    files = [config["file"] for config in compose["configs"].values() if "file" in config]
    assert [name for name in map(_default, files) if not (ROOT / name).is_file()] == []
    dockerfile = ROOT / compose["services"]["api"]["build"]["dockerfile"]
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for line in copied for name in line.split() if not (ROOT / name).exists()] == []


def _default(value: str) -> str:
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)


def test_services_volumes_and_configs_that_are_named_are_declared(compose: dict[str, Any]) -> None:
    assert set(_named(compose, "configs")) == set(compose["configs"])
    assert set(_named(compose, "volumes")) == set(compose["volumes"])
    needed = {name for service in compose["services"].values() for name in service.get("depends_on", {})}
    assert needed <= {name for name, service in compose["services"].items() if "healthcheck" in service}


def _named(compose: dict[str, Any], kind: str) -> Iterator[str]:
    for service in compose["services"].values():
        for one in service.get(kind, []):
            yield one["source"] if isinstance(one, dict) else one.split(":")[0]


def test_prometheus_asks_the_port_on_which_the_api_listens(compose: dict[str, Any]) -> None:
    scrape = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text(encoding="utf-8"))
    [job] = scrape["scrape_configs"]
    port = compose["services"]["api"]["environment"]["PLUMBLINE_API__PORT"]
    assert job["static_configs"] == [{"targets": [f"api:{port}"]}]
