"""`plumbline doctor`: every part looked at, at the same time."""

import asyncio
from collections.abc import Awaitable, Iterable

from connectors.doctor.calcom import examine_account
from connectors.doctor.configuration import examine_configuration
from connectors.doctor.kafka import examine_kafka
from connectors.doctor.line import Line, unknown
from connectors.doctor.source import examine_source
from connectors.doctor.store import examine_store
from streams.logs import mask_text
from streams.settings import Settings

#: Of one part with all its checks.
PART_SECONDS_MAX = 60.0
ACCOUNTS_AT_ONCE_MAX = 8


async def examine(settings: Settings) -> list[Line]:
    """All lines, part by part."""
    places = asyncio.Semaphore(ACCOUNTS_AT_ONCE_MAX)

    async def account(number: int) -> list[Line]:
        async with places:
            return await examine_account(settings, settings.accounts[number])

    parts: dict[str, Awaitable[list[Line]]] = {
        "kafka": examine_kafka(settings.kafka),
        "store": examine_store(settings),
        "source": examine_source(settings.source),
    }
    parts |= {f"account {one.name}": account(number) for number, one in enumerate(settings.accounts)}
    told = await asyncio.gather(*(_within(name, part) for name, part in parts.items()))
    return [*examine_configuration(settings), *(line for lines in told for line in lines)]


async def _within(part: str, lines: Awaitable[Iterable[Line]]) -> list[Line]:
    try:
        async with asyncio.timeout(PART_SECONDS_MAX):
            return list(await lines)
    except TimeoutError:
        return [unknown(part, f"not looked at to the end within {PART_SECONDS_MAX:g} s", "run it again")]
    except Exception as error:  # one part's trouble hides no other part
        return [unknown(part, mask_text(f"{type(error).__name__}: {error}"))]
