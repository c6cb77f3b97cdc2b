"""Who runs Postgres, which refuses root, and where that user can read and write."""

import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from connectors.stack.errors import UnsafeFolder

#: Used by setuid only: no entry has to exist for it.
NOBODY_UID = 65534


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    uid: int
    gid: int


def postgres_account() -> Account | None:
    """`nobody` when we are root, else None: ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(NOBODY_UID, NOBODY_UID)
    return Account(entry.pw_uid, entry.pw_gid)


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account may pass through every folder above `path` and through `path` itself.

    A home of root's is 0700, and so may be a virtual environment in it. Access lists are not looked at.
    """
    found = path.resolve()
    return all(_may_pass(account, folder.stat()) for folder in (found, *found.parents) if folder.exists())


def shared_folder(name: str, seed: str) -> Path:
    """A folder outside of every home, ours and readable by others; the same for the same seed.

    Raises UnsafeFolder when somebody else made it first: /var/tmp is open to all.
    """
    # Not tempfile's folder: TMPDIR may itself be private.
    root = Path("/var/tmp") if Path("/var/tmp").is_dir() else Path(tempfile.gettempdir())
    base = root / f"plumbline-{os.geteuid()}"
    for folder in (base, base / f"{name}-{sha256(seed.encode()).hexdigest()[:12]}"):
        folder.mkdir(mode=0o755, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise UnsafeFolder(folder)
        folder.chmod(0o755)  # whatever the umask
    return folder


def _may_pass(account: Account, found: os.stat_result) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
