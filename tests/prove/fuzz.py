"""Many requests of every kind to the API, with two tenants' keys: `python -m tests.prove.fuzz --examples 100`.

Starts a Postgres of its own. Exit 1 where anything broke, was not as documented, or told one tenant of the other.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from connectors.stack.stack import LocalStack, StackPart
from tests.fuzzing import TENANTS, Told, fuzz, keys, plant, served, summary
from tests.integration.storing import new_store


async def prove(examples: int, number: int) -> Told:
    """Everything on a fresh store."""
    with tempfile.TemporaryDirectory(prefix="plumbline-fuzz-") as home:
        Path(home).chmod(0o755)
        postgres = LocalStack(Path(home) / "postgres", parts=frozenset({StackPart.POSTGRES}))
        await postgres.start()
        try:
            settings = await new_store(
                postgres,
                api_keys=keys(),
                api={"requests_per_minute": 100_000},
                tenants=[{"id": tenant} for tenant in TENANTS],
            )
            await plant(settings)
            with served(settings) as address:
                return await asyncio.to_thread(fuzz, address, examples=examples, number=number)
        finally:
            await postgres.stop()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--examples", type=int, default=100, help="of each operation, tenant and way")
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    began = time.monotonic()
    told = asyncio.run(prove(given.examples, given.seed))
    print("\n".join(summary(told, time.monotonic() - began)))
    return 1 if told.faults else 0


if __name__ == "__main__":
    sys.exit(main())
