"""Waiting for conditions. Tests never sleep for a time in the hope that something has happened by then."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(question: Callable[[], Awaitable[T] | T], seconds: float = 30.0) -> T:
    """The first true answer; asked again and again, where an error is no answer. Raises TimeoutError."""
    last: object = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    answer = question()
                    if isinstance(answer, Awaitable):
                        answer = await answer
                    if answer:
                        return answer
                    last = answer
                except (OSError, RuntimeError) as error:
                    last = error
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise TimeoutError(f"not within {seconds:g} s; the last answer was {last!r}") from error
