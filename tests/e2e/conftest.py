"""One `plumbline up` for all tests of the whole chain."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.house import House, house


@pytest.fixture(scope="session")
async def up() -> AsyncIterator[House]:
    """Running and ready, in a home that also Postgres' account can enter."""
    home = Path(tempfile.mkdtemp(prefix="plumbline-e2e-"))
    home.chmod(0o755)
    async with house(home) as started:
        yield started
    shutil.rmtree(home, ignore_errors=True)
