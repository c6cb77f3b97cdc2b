"""What of Cal.com's answers belongs into the ledger of failed syncs: counted by account, sort and minute, handed on.

An outage of an hour is so some sixty lines an account, not a million. What the store does not take is kept and counted
on, within a bound.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime

import asyncpg
import msgspec
import structlog

from connectors.calcom.answers import Answer, Unavailable, Unusable
from streams.alerts.sync_failure import FailureType, Trouble

log = structlog.get_logger()

HAND_ON_SECONDS = 2.0
#: Lines kept while the store is away; beyond it the oldest go.
LINES_MAX = 1_000
REASON_CHARACTERS_MAX = 200

#: No request was made, so nothing failed.
_NOT_ASKED = "breaker open"


#: Takes what failed, and the accounts whose newest request was answered as it should be.
HandOn = Callable[[Sequence[Trouble], Collection[str]], Awaitable[None]]


def failure_type_of(answer: Answer) -> FailureType | None:
    """How a request failed; None where it did not."""
    match answer:
        case Unavailable(reason=reason) if reason == _NOT_ASKED:
            return None
        case Unavailable(http_status=429):
            return FailureType.RATE_LIMIT
        case Unavailable():
            return FailureType.NETWORK_TIMEOUT
        case Unusable():
            return FailureType.SCHEMA_ERROR
        case _:
            return None


class FailureCount:
    """Failures since they were last handed on, and the accounts that answer."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, FailureType, datetime], Trouble] = {}
        self._answering: set[str] = set()

    def see(self, account: str, answer: Answer) -> None:
        """Count one answer; `began_at` says when its request was made."""
        failure_type = failure_type_of(answer)
        if not isinstance(answer, Unavailable | Unusable):
            self._answering.add(account)
            return
        if failure_type is None:
            return
        self._answering.discard(account)
        at = datetime.fromtimestamp(answer.began_at, UTC)
        line = Trouble(
            account=account,
            failure_type=failure_type,
            occurrences=1,
            reason=answer.reason[:REASON_CHARACTERS_MAX],
            http_status=answer.http_status,
            detected_at=at,
            last_seen_at=at,
        )
        self._add(line)

    def take(self) -> tuple[list[Trouble], frozenset[str]]:
        """All that was counted, to be handed on."""
        lines, answering = list(self._lines.values()), frozenset(self._answering)
        self._lines.clear()
        self._answering.clear()
        return lines, answering

    def give_back(self, lines: Sequence[Trouble], answering: Collection[str]) -> None:
        """Nobody took them: they are counted with what came since."""
        newer, self._lines = self._lines, {}
        for line in (*lines, *newer.values()):
            self._add(line)
        failed_since = {line.account for line in newer.values()}
        self._answering |= set(answering) - failed_since

    def _add(self, line: Trouble) -> None:
        key = (line.account, line.failure_type, line.detected_at.replace(second=0, microsecond=0))
        known = self._lines.get(key)
        if known is not None:
            line = msgspec.structs.replace(
                line,
                occurrences=known.occurrences + line.occurrences,
                detected_at=min(known.detected_at, line.detected_at),
            )
        self._lines[key] = line
        if len(self._lines) > LINES_MAX:
            del self._lines[next(iter(self._lines))]


async def keep_handing_on(count: FailureCount, hand_on: HandOn) -> None:
    """Every HAND_ON_SECONDS, for ever."""
    while True:
        await asyncio.sleep(HAND_ON_SECONDS)
        lines, answering = count.take()
        if not lines and not answering:
            continue
        try:
            await hand_on(lines, answering)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as away:
            log.debug("failed requests are handed on later", reason=str(away))
            count.give_back(lines, answering)
