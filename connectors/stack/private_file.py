"""Files with secrets in them: mode 0600 from the first byte on, whole or not at all."""

import os
from pathlib import Path


def write_private(target: Path, content: bytes) -> None:
    """Write by rename: a reader sees the old file or the new one, never half, and nobody else sees either."""
    half = target.with_name(f".{target.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    with open(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
    half.replace(target)
