"""Whatever is sent, with whichever key: no error of ours, nothing against the document, nothing of another tenant."""

import asyncio

import pytest

from connectors.stack.stack import LocalStack
from tests.fuzzing import TENANTS, fuzz, keys, marks_of, plant, served
from tests.integration.storing import new_store

pytestmark = pytest.mark.stack

EXAMPLES = 2


async def test_no_operation_breaks_or_tells_of_another_tenant(postgres: LocalStack) -> None:
    settings = await new_store(
        postgres,
        api_keys=keys(),
        api={"requests_per_minute": 100_000},
        tenants=[{"id": tenant} for tenant in TENANTS],
    )
    await plant(settings)
    with served(settings) as address:
        told = await asyncio.to_thread(fuzz, address, examples=EXAMPLES, number=4711)
    assert not told.faults, "\n".join(told.faults)
    assert told.cases > 100
    assert {200, 403, 404, 422} <= set(told.by_status), "each kind of answer was seen"
    for tenant, other in (TENANTS, TENANTS[::-1]):
        unknown = set(marks_of(other)) - told.said[tenant]
        assert unknown, "there is something left that an answer could have told"
