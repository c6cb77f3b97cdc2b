"""Fetch what is missing of the locked jars: a few at a time, verified, shared safely by several starts."""

import errno
import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import stamina

from connectors.stack.errors import CacheNotWritable, ChecksumMismatch, DiskFull, DownloadFailed, StackError
from connectors.stack.jars import ClassPaths, Jar, cache_folder, is_complete, locked, mark_complete

DOWNLOADS_AT_ONCE = 8
ATTEMPTS = 4
TIMEOUT_SECONDS = 30
#: A log gets a line for each such share of the artifacts; a terminal one line that counts.
LOG_EVERY_PERCENT = 25

#: Fetches one jar into a folder and says where it lies.
Fetch = Callable[[Jar, Path], Path]


def ensure_jars(cache: Path | None = None, *, fetch: Fetch | None = None) -> tuple[ClassPaths, Path]:
    """Make sure that every locked jar lies verified in the cache; say the class paths and the cache.

    Nothing is written when they are all there (a read-only cache will do), and it takes milliseconds.
    Raises DownloadFailed, ChecksumMismatch, CacheNotWritable, DiskFull.
    """
    paths, folder = locked(), cache or cache_folder()
    if not is_complete(paths, folder):
        with _writing_to(folder), _only_one(folder):
            if not is_complete(paths, folder):  # another start may have just done it
                _fetch_missing(paths, folder, fetch or fetch_from_maven)
                mark_complete(paths, folder)
    return paths, folder


def fetch_from_maven(jar: Jar, into: Path) -> Path:
    """Download one artifact, without what it depends on."""
    from jgo.maven import MavenContext  # 0.3 s, needed on the first start only

    remote = os.environ.get("PLUMBLINE_MAVEN_URL")
    context = MavenContext(
        repo_cache=into,
        remote_repos={"configured": remote.rstrip("/")} if remote else None,
        timeout=TIMEOUT_SECONDS,
    )
    return Path(context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())


def _fetch_missing(paths: ClassPaths, folder: Path, fetch: Fetch) -> None:
    missing = [jar for jar in paths.jars if not _verified(jar.path(folder), jar)]
    progress = _Progress(len(missing), folder)
    with (
        TemporaryDirectory(prefix="download-", dir=folder) as work,
        ThreadPoolExecutor(DOWNLOADS_AT_ONCE, thread_name_prefix="jar") as pool,
    ):
        waiting = [pool.submit(_fetch_one, jar, folder, Path(work), fetch) for jar in missing]
        try:
            for done in as_completed(waiting):
                progress.add(done.result())
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    progress.end()


def _fetch_one(jar: Jar, folder: Path, work: Path, fetch: Fetch) -> int:
    """Fetch, verify and put in place; retried, a wrong checksum too (a cut download)."""
    for attempt in stamina.retry_context(on=_may_pass, attempts=ATTEMPTS, wait_initial=0.5, timeout=180):
        with attempt, TemporaryDirectory(dir=work) as own:
            return _put(jar, folder, Path(own), fetch)
    raise AssertionError("a retried block returns or raises")


def _put(jar: Jar, folder: Path, own: Path, fetch: Fetch) -> int:
    try:
        fetched = fetch(jar, own)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK_ERRNOS:
            raise
        # jgo tells an HTTP status, a timeout and a refused connection by exceptions of many families.
        raise DownloadFailed(jar.coordinate, str(error) or type(error).__name__) from error
    actual = _digest(fetched)
    if actual != jar.sha256:
        raise ChecksumMismatch(jar.coordinate, jar.sha256, actual)
    target = jar.path(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    size = fetched.stat().st_size
    fetched.replace(target)
    return size


def _may_pass(error: Exception) -> bool:
    return isinstance(error, DownloadFailed | ChecksumMismatch)


def _verified(path: Path, jar: Jar) -> bool:
    return path.is_file() and _digest(path) == jar.sha256


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


_DISK_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Turn the operating system's refusal into words."""
    try:
        (folder / "jars").mkdir(parents=True, exist_ok=True)
        yield
    except StackError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(folder) from error
        raise CacheNotWritable(folder, error.strerror or str(error)) from error


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two first starts at once download once; the lock goes with the process."""
    with (folder / "jars" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class _Progress:
    """Counts on one line of a terminal, or a few lines of a log."""

    def __init__(self, total: int, folder: Path) -> None:
        self._total, self._done, self._bytes, self._told = total, 0, 0, 0
        self._began = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._say(f"fetching {total} jars (60 MB in all, once) into {folder}")

    def add(self, size: int) -> None:
        self._done += 1
        self._bytes += size
        percent = self._done * 100 // self._total
        if self._terminal:
            sys.stderr.write(f"\rjars {self._done}/{self._total}, {self._bytes / 1e6:.0f} MB")
            sys.stderr.flush()
        elif percent >= self._told + LOG_EVERY_PERCENT:
            self._told = percent - percent % LOG_EVERY_PERCENT
            self._say(f"jars {self._done}/{self._total}, {self._bytes / 1e6:.0f} MB")

    def end(self) -> None:
        if self._terminal and self._total:
            sys.stderr.write("\n")
        self._say(f"jars verified in {time.monotonic() - self._began:.1f} s")

    @staticmethod
    def _say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)
