"""The jars: exact coordinates, verified bytes, a cache that is read in milliseconds and explains itself."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import stamina

from connectors.stack import jar_download
from connectors.stack.errors import BadLockFile, CacheNotWritable, ChecksumMismatch, DiskFull, DownloadFailed
from connectors.stack.jar_download import ensure_jars
from connectors.stack.jars import ClassPaths, Jar, Part, cache_folder, locked, read_lock

CONTENT = b"the bytes of a jar"
LOCK = f"""# a comment
broker org.example:one:1.0 {sha256(CONTENT).hexdigest()}
broker org.example:two:2.0 {sha256(CONTENT).hexdigest()}
connect org.example:two:2.0 {sha256(CONTENT).hexdigest()}
"""


@pytest.fixture(autouse=True)
def _one_attempt() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.fixture
def two_jars(monkeypatch: pytest.MonkeyPatch) -> ClassPaths:
    paths = read_lock(LOCK)
    monkeypatch.setattr(jar_download, "locked", lambda: paths)
    return paths


def serving(content: bytes) -> jar_download.Fetch:
    def fetch(jar: Jar, into: Path) -> Path:
        (into / "fetched").write_bytes(content)
        return into / "fetched"

    return fetch


def not_called(jar: Jar, into: Path) -> Path:
    raise AssertionError(f"{jar.coordinate} was fetched")


def test_the_shipped_lock_names_both_parts_with_a_checksum_for_each_jar() -> None:
    paths = locked()
    assert "org.apache.kafka:kafka_2.13:4.3.1" in {jar.coordinate for jar in paths.parts[Part.BROKER]}
    debezium = "io.debezium:debezium-connector-postgres:3.7.0.Final"
    assert debezium in {jar.coordinate for jar in paths.parts[Part.CONNECT]}
    assert len(paths.jars) == 103


@pytest.mark.parametrize(
    "line",
    [
        "broker org.example:one:1.0",
        "broker org.example:one 00",
        "broker org.example:one:1.0 00",
        f"zookeeper org.example:one:1.0 {'0' * 64}",
    ],
)
def test_a_wrong_line_is_told_with_its_number(line: str) -> None:
    with pytest.raises(BadLockFile, match="line 2"):
        read_lock(f"# first\n{line}\n")


def test_a_jar_of_both_parts_is_fetched_once_and_lies_on_both_class_paths(two_jars: ClassPaths, tmp_path: Path) -> None:
    fetched: list[str] = []

    def fetch(jar: Jar, into: Path) -> Path:
        fetched.append(jar.coordinate)
        return serving(CONTENT)(jar, into)

    paths, cache = ensure_jars(tmp_path, fetch=fetch)
    assert sorted(fetched) == ["org.example:one:1.0", "org.example:two:2.0"]
    for part in Part:
        assert all(Path(jar).read_bytes() == CONTENT for jar in paths.of(part, cache).split(os.pathsep))


def test_what_was_verified_is_not_fetched_again(two_jars: ClassPaths, tmp_path: Path) -> None:
    ensure_jars(tmp_path, fetch=serving(CONTENT))
    ensure_jars(tmp_path, fetch=not_called)


def test_a_jar_that_was_changed_in_the_cache_is_fetched_again(two_jars: ClassPaths, tmp_path: Path) -> None:
    ensure_jars(tmp_path, fetch=serving(CONTENT))
    changed = two_jars.jars[0].path(tmp_path)
    changed.write_bytes(b"something else")
    ensure_jars(tmp_path, fetch=serving(CONTENT))
    assert changed.read_bytes() == CONTENT


def test_other_bytes_than_the_lock_says_are_refused_and_thrown_away(two_jars: ClassPaths, tmp_path: Path) -> None:
    with pytest.raises(ChecksumMismatch, match=r"org\.example:(one|two)"):
        ensure_jars(tmp_path, fetch=serving(b"an error page"))
    assert not any(jar.path(tmp_path).exists() for jar in two_jars.jars)


def test_a_failed_download_names_the_artifact_and_what_to_do(two_jars: ClassPaths, tmp_path: Path) -> None:
    def fetch(jar: Jar, into: Path) -> Path:
        raise RuntimeError("not found in remote repositories")

    with pytest.raises(DownloadFailed, match=r"org\.example:(one|two).*PLUMBLINE_MAVEN_URL"):
        ensure_jars(tmp_path, fetch=fetch)


def test_a_full_disk_is_told_as_such(two_jars: ClassPaths, tmp_path: Path) -> None:
    def fetch(jar: Jar, into: Path) -> Path:
        raise OSError(28, "No space left on device")

    with pytest.raises(DiskFull):
        ensure_jars(tmp_path, fetch=fetch)


def test_a_cache_that_cannot_be_made_names_the_variable_to_set(two_jars: ClassPaths, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheNotWritable, match="PLUMBLINE_CACHE"):
        ensure_jars(tmp_path / "file" / "cache", fetch=not_called)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PLUMBLINE_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/c"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/plumbline"),
        ({"HOME": "/h"}, "/h/.cache/plumbline"),
    ],
)
def test_the_cache_lies_where_the_user_keeps_caches(environ: dict[str, str], expected: str) -> None:
    assert cache_folder(environ) == Path(expected)
