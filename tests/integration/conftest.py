"""One real stack for all integration tests: Kafka, Connect and Postgres as `plumbline up` starts them."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from connectors.stack.stack import LocalStack, StackPart


@pytest.fixture(scope="session")
def stack_home() -> Iterator[Path]:
    """A home that also `nobody` can enter, unlike pytest's own folders, so that nothing is left in /var/tmp."""
    folder = Path(tempfile.mkdtemp(prefix="plumbline-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def stack(stack_home: Path) -> AsyncIterator[LocalStack]:
    """Running, with an empty example CRM; its source is not prepared and no connector registered."""
    local = LocalStack(stack_home / "stack")
    await local.start()
    yield local
    await local.stop()


@pytest.fixture(scope="session")
async def postgres(stack_home: Path) -> AsyncIterator[LocalStack]:
    """Postgres alone, whose settings a test may change."""
    local = LocalStack(stack_home / "postgres", parts=frozenset({StackPart.POSTGRES}))
    await local.start()
    yield local
    await local.stop()
