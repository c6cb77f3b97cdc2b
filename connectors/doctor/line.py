"""One check's answer, and how a check is run."""

import asyncio
from collections.abc import Awaitable, Iterable
from enum import StrEnum

from streams.logs import mask_text
from streams.model.records import Record

#: A check that takes longer could not be made.
CHECK_SECONDS_MAX = 10.0
ALL_GOOD, FAILED, UNCHECKED = 0, 1, 2


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"  # as it must be
    WARN = "warn"  # works, and will hurt one day
    FAIL = "FAIL"  # does not work, or is dangerous
    UNKNOWN = "????"  # could not be checked


class Line(Record, frozen=True, kw_only=True):
    """What was looked at, what was found, and what to do about it (empty where all is well)."""

    check: str
    outcome: Outcome
    found: str
    mend: str = ""


def ok(check: str, found: str) -> Line:
    return Line(check=check, outcome=Outcome.OK, found=found)


def warn(check: str, found: str, mend: str) -> Line:
    return Line(check=check, outcome=Outcome.WARN, found=found, mend=mend)


def fail(check: str, found: str, mend: str) -> Line:
    return Line(check=check, outcome=Outcome.FAIL, found=found, mend=mend)


def unknown(check: str, found: str, mend: str = "") -> Line:
    return Line(check=check, outcome=Outcome.UNKNOWN, found=found, mend=mend)


async def checked(check: str, lines: Awaitable[Line | Iterable[Line]]) -> list[Line]:
    """The lines of one check; one that says so where it could not be made."""
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            told = await lines
    except TimeoutError:
        return [unknown(check, f"no answer within {CHECK_SECONDS_MAX:g} s")]
    except Exception as error:  # whatever a foreign system says: the other checks go on
        return [unknown(check, mask_text(f"{type(error).__name__}: {error}"))]
    return [told] if isinstance(told, Line) else list(told)


def exit_code(lines: Iterable[Line]) -> int:
    """0 all good or warnings, 1 a failed check, 2 something could not be checked."""
    outcomes = {line.outcome for line in lines}
    if Outcome.FAIL in outcomes:
        return FAILED
    return UNCHECKED if Outcome.UNKNOWN in outcomes else ALL_GOOD
