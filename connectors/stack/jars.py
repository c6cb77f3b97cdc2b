"""The jars of the broker and of Connect: exact coordinates, verified bytes, one cache for all checkouts.

jgo's own dependency resolution mixes Jetty versions (Connect then dies with NoSuchMethodError), so
`jars.lock` names every artifact as Maven resolved it, and only single artifacts are fetched.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import msgspec

from connectors.stack.errors import BadLockFile

LOCK = files("connectors.stack") / "jars.lock"


class Part(StrEnum):
    """A JVM with a class path of its own."""

    BROKER = "broker"
    CONNECT = "connect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One artifact of the lock file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinate(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    def path(self, cache: Path) -> Path:
        """Where the verified jar lies."""
        return cache / "jars" / self.group / f"{self.artifact}-{self.version}.jar"


@dataclass(frozen=True, slots=True)
class ClassPaths:
    """The jars of each part, in the order of the lock file."""

    parts: Mapping[Part, tuple[Jar, ...]]
    #: Names the exact content of the lock file, so that a newer one is not mistaken for it.
    digest: str

    @property
    def jars(self) -> tuple[Jar, ...]:
        """Every jar once, though both parts may use it."""
        return tuple({jar.coordinate: jar for jars in self.parts.values() for jar in jars}.values())

    def of(self, part: Part, cache: Path) -> str:
        """The value of `java -cp`."""
        return os.pathsep.join(str(jar.path(cache)) for jar in self.parts[part])


def read_lock(text: str) -> ClassPaths:
    """Parse a lock file: `part group:artifact:version sha256` a line, `#` starts a comment line.

    Raises BadLockFile with the line's number.
    """
    parts: dict[Part, list[Jar]] = {part: [] for part in Part}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            part, jar = _entry(number, line)
            parts[part].append(jar)
    return ClassPaths({part: tuple(jars) for part, jars in parts.items()}, sha256(text.encode()).hexdigest())


def locked() -> ClassPaths:
    """The lock file that this version of Plumbline ships."""
    return read_lock(LOCK.read_text(encoding="utf-8"))


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """`PLUMBLINE_CACHE`, else `plumbline` in the user's cache folder (XDG)."""
    if chosen := environ.get("PLUMBLINE_CACHE"):
        return Path(chosen).absolute()
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".cache")
    return Path(base).absolute() / "plumbline"


def is_complete(paths: ClassPaths, cache: Path) -> bool:
    """Whether every jar was verified before and lies there with the size and time it had then.

    Hashing 60 MB at each start would cost 0.3 s; a stamp of sizes and times costs 2 ms.
    """
    try:
        stamp = msgspec.json.decode(_stamp(paths, cache).read_bytes(), type=dict[str, tuple[int, int]])
        return stamp == _seen(paths.jars, cache)
    except (OSError, msgspec.MsgspecError):
        return False


def mark_complete(paths: ClassPaths, cache: Path) -> None:
    """Remember that every jar was verified. The stamp appears whole or not at all."""
    stamp = _stamp(paths, cache)
    half = stamp.with_suffix(".half")
    half.write_bytes(msgspec.json.encode(_seen(paths.jars, cache)))
    half.replace(stamp)


def _stamp(paths: ClassPaths, cache: Path) -> Path:
    return cache / "jars" / f"verified-{paths.digest[:16]}.json"


def _seen(jars: Iterable[Jar], cache: Path) -> dict[str, tuple[int, int]]:
    stats = {jar.coordinate: jar.path(cache).stat() for jar in jars}
    return {coordinate: (stat.st_size, stat.st_mtime_ns) for coordinate, stat in stats.items()}


def _entry(number: int, line: str) -> tuple[Part, Jar]:
    try:
        part, coordinate, digest = line.split()
        group, artifact, version = coordinate.split(":")
        if len(bytes.fromhex(digest)) != 32:
            raise ValueError(digest)
        return Part(part), Jar(group=group, artifact=artifact, version=version, sha256=digest.lower())
    except ValueError as error:
        raise BadLockFile(number, line) from error
