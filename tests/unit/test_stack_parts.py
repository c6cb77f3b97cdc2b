"""The small parts of the local stack: ports, accounts, Java's version, endpoints.json, the broker's listeners."""

import json
import socket
import stat
from pathlib import Path

import pytest

from connectors.stack.accounts import Account, can_reach
from connectors.stack.endpoints import PROCESS_NAMES, Endpoints, read_endpoints, write_endpoints
from connectors.stack.errors import NoJava, PortTaken
from connectors.stack.java import java_command, major_version
from connectors.stack.kafka import Broker, ExtraListener
from connectors.stack.ports import choose_ports, is_free


def test_a_configured_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(PortTaken, match=f"port {port}, configured for kafka"):
            choose_ports({"kafka": port}, tmp_path / "ports.json")


def test_ports_are_the_same_from_start_to_start_unless_somebody_took_one(tmp_path: Path) -> None:
    remembered = tmp_path / "ports.json"
    first = choose_ports({"kafka": None, "connect": None}, remembered)
    assert choose_ports({"kafka": None, "connect": None}, remembered) == first
    with socket.create_server(("127.0.0.1", first["kafka"])):
        second = choose_ports({"kafka": None, "connect": None}, remembered)
    assert second["kafka"] != first["kafka"]
    assert second["connect"] == first["connect"]


def test_no_two_parts_get_one_port(tmp_path: Path) -> None:
    wanted: dict[str, int | None] = {str(number): None for number in range(50)}
    assert len(set(choose_ports(wanted, tmp_path / "ports.json").values())) == 50


def test_a_folder_closed_to_others_keeps_the_account_out(tmp_path: Path) -> None:
    account = Account(uid=65534, gid=65534)
    inner = tmp_path / "home" / "project"
    inner.mkdir(parents=True)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == inner.owner() and not folder.stat().st_mode & stat.S_IXOTH:
            assert not can_reach(account, inner)
            return
    (tmp_path / "home").chmod(0o755)
    assert can_reach(account, inner)
    (tmp_path / "home").chmod(0o700)
    assert not can_reach(account, inner)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('openjdk version "25.0.2" 2026-01-20', 25),
        ('java version "1.8.0_401"', 8),
        ('openjdk version "17" 2021-09-14', 17),
        ("bash: not found", None),
    ],
)
def test_the_version_of_java_is_read(text: str, expected: int | None) -> None:
    assert major_version(text) == expected


def test_a_java_home_without_java_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoJava, match="JAVA_HOME"):
        java_command({"JAVA_HOME": str(tmp_path)})


def test_an_old_java_is_told(tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    with pytest.raises(NoJava, match="Java 11; 17 or newer"):
        java_command({"JAVA_HOME": str(tmp_path)})


def test_endpoints_are_private_and_name_every_process(tmp_path: Path) -> None:
    endpoints = Endpoints(
        api_url="http://127.0.0.1:1",
        api_key="k",
        kafka_bootstrap="127.0.0.1:2",
        connect_url=None,
        source_dsn=None,
        store_dsn=None,
        calcom_url=None,
    )
    written = write_endpoints(tmp_path, endpoints, {"kafka": [7], "worker": [8, 9]})
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    told = json.loads(written.read_text())
    assert told["pids"] == {name: [] for name in PROCESS_NAMES} | {"kafka": [7], "worker": [8, 9]}
    assert told["slack_url"] is None
    assert read_endpoints(tmp_path).pids["worker"] == [8, 9]
    assert [path.name for path in tmp_path.iterdir()] == ["endpoints.json"]


def test_a_second_listener_sends_its_clients_to_the_advertised_port() -> None:
    broker = Broker(
        folder=Path("/k"),
        logs=Path("/l"),
        java=Path("/j"),
        class_path="",
        port=1,
        controller_port=2,
        extra=ExtraListener(3, 4),
    )
    properties = broker.properties()
    assert "EXTRA://127.0.0.1:3" in properties["listeners"].split(",")
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1,EXTRA://127.0.0.1:4"
    assert properties["auto.create.topics.enable"] == "false"
