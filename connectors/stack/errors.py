"""What can go wrong with the local stack. One class per cause; the message says what to do."""

from pathlib import Path


class StackError(Exception):
    """The local stack cannot be started or kept running."""


class BadLockFile(StackError):
    """A line of jars.lock is not `part group:artifact:version sha256`."""

    def __init__(self, number: int, line: str) -> None:
        super().__init__(f"jars.lock line {number}: not 'part group:artifact:version sha256' but {line!r}")


class DownloadFailed(StackError):
    """A jar could not be fetched."""

    def __init__(self, coordinate: str, reason: str) -> None:
        super().__init__(
            f"could not download {coordinate}: {reason}. Check the network, or set PLUMBLINE_MAVEN_URL to "
            "a Maven repository that can be reached, then start again: what is in the cache is kept."
        )


class ChecksumMismatch(StackError):
    """A jar arrived, and it is not the one that jars.lock names."""

    def __init__(self, coordinate: str, expected: str, actual: str) -> None:
        super().__init__(
            f"{coordinate} has SHA-256 {actual}, jars.lock says {expected}. It was thrown away. Something on "
            "the way to the Maven repository changes files: try another network or PLUMBLINE_MAVEN_URL."
        )


class CacheNotWritable(StackError):
    """The cache folder cannot be written by this user."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"cannot write to the cache {folder}: {reason}. Set PLUMBLINE_CACHE to a folder you may write."
        )


class DiskFull(StackError):
    """No room for the jars."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"no space left on the disk of {folder} (70 MB are needed): free some, or set PLUMBLINE_CACHE")


class NoJava(StackError):
    """There is no Java 17 or newer."""


class PortTaken(StackError):
    """A configured port belongs to somebody else."""

    def __init__(self, what: str, port: int) -> None:
        super().__init__(
            f"port {port}, configured for {what}, is taken on 127.0.0.1. Stop what listens there, configure "
            "another port, or leave it out to get a free one."
        )


class HomeInUse(StackError):
    """Another `plumbline up` runs in the same PLUMBLINE_HOME."""

    def __init__(self, home: Path) -> None:
        super().__init__(f"another Plumbline runs in {home}: stop it, or set PLUMBLINE_HOME to another folder.")


class ProcessEnded(StackError):
    """A process ended before it was ready."""

    def __init__(self, name: str, returncode: int, log: Path, tail: str) -> None:
        super().__init__(f"{name} ended with code {returncode} before it was ready. {log} ends with:\n{tail}")


class NotReady(StackError):
    """A process runs but did not get ready in time."""

    def __init__(self, name: str, seconds: float, log: Path, tail: str) -> None:
        super().__init__(f"{name} was not ready within {seconds:g} s. {log} ends with:\n{tail}")


class UnsafeFolder(StackError):
    """A shared temporary folder was made by somebody else."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} exists and is not ours (another owner, or a link): remove it.")
