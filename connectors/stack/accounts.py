"""Who runs Postgres, which refuses root, and where that user can read and write."""

import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
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


def shared_folder() -> Path:
    """A folder outside of every home, ours and readable by others.

    Raises UnsafeFolder when somebody else made it first: /var/tmp is open to all.
    """
    # Not tempfile's folder: TMPDIR may itself be private.
    folder = Path("/var/tmp") / f"plumbline-{os.geteuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise UnsafeFolder(folder)
    folder.chmod(0o755)  # whatever the umask
    return folder


def data_folder_elsewhere(home: Path) -> Path:
    """The folder that keeps the data of `home`, which the account cannot enter; the same from start to start.

    Folders whose home is gone are removed on the way: nobody else would.
    """
    shared, told = shared_folder(), home / "postgres" / "elsewhere"
    for folder in shared.glob("data-*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
    if told.exists() and (known := Path(told.read_text(encoding="utf-8"))).is_dir():
        return known
    told.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="data-", dir=shared))
    told.write_text(str(made), encoding="utf-8")
    (made / "home").write_text(str(told), encoding="utf-8")
    return made


def _is_abandoned(folder: Path) -> bool:
    try:
        told = Path((folder / "home").read_text(encoding="utf-8"))
        return not told.exists() or told.read_text(encoding="utf-8") != str(folder)
    except OSError:
        return False  # just being made


def _may_pass(account: Account, found: os.stat_result) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
