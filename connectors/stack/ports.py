"""Ports on 127.0.0.1: free ones, the same again where possible, a clear error for a taken one."""

import random
import socket
from collections.abc import Iterable
from pathlib import Path

import msgspec

from connectors.stack.errors import PortTaken

HOST = "127.0.0.1"
#: Below the kernel's range for outgoing connections, where a free port can be gone a moment later.
FIRST, LAST = 20_000, 32_000
TRIES = 500
#: Two programs that were seeded alike would choose alike.
_random = random.SystemRandom()


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a closed connection in TIME_WAIT does not keep them off the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port(taken: Iterable[int] = ()) -> int:
    """A free port that is not among `taken`."""
    avoid = set(taken)
    for _ in range(TRIES):
        port = _random.randint(FIRST, LAST)
        if port not in avoid and is_free(port):
            return port
    raise PortTaken("any of the free ones", FIRST)


def choose_ports(wanted: dict[str, int | None], remembered: Path) -> dict[str, int]:
    """A port for each name: the configured one, else that of the last start if still free, else a free one.

    `remembered` is a JSON file {name: port}, read and rewritten.
    Raises PortTaken for a configured one in use.
    """
    last = _last(remembered)
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        if port is not None and not is_free(port):
            raise PortTaken(name, port)
        if port is not None:
            chosen[name] = port
    for name in wanted:
        if name not in chosen:
            old = last.get(name)
            usable = old is not None and old not in chosen.values() and is_free(old)
            chosen[name] = old if old is not None and usable else free_port(chosen.values())
    remembered.write_bytes(msgspec.json.encode(chosen))
    return chosen


def _last(remembered: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(remembered.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}
