"""Telling rows that nobody asked for, as answers to a question of our own, in records of bounded size."""

import time
from collections.abc import Iterator, Sequence

import msgspec

from connectors.crm.answers import Publish
from connectors.crm.database import Kind
from streams.model.ids import iso
from streams.model.records import RowsQuestion, RowsRead

#: Of the rows of one record; a single longer row goes alone.
RECORD_BYTES_MAX = 150_000

Row = dict[str, object]


class RowTeller:
    """Tells pages of rows. `why` begins the ids of its questions: "sweep" or "poll"."""

    def __init__(self, publish: Publish, why: str) -> None:
        self._publish = publish
        self._why = why

    async def tell(self, tenant: str, kind: Kind, rows: Sequence[Row], snapshot: str, began: float) -> None:
        """Publish rows of one tenant; return when acknowledged. `began`: when they were read, by time.monotonic()."""
        for part in _parts(rows):
            now = iso(int(time.time() * 1000)) or ""
            question = RowsQuestion(
                request_id=f"{self._why}|{kind}|{now}", tenant=tenant, asked_at=now, purpose="reread", table=kind
            )
            record = RowsRead(
                request_id=question.request_id,
                question=question,
                read_at=now,
                reason="sweep",
                result="found",
                rows=part,
                snapshot=snapshot,
                # Rounded up: a read that counts as begun too early proves too little, never too much.
                duration_ms=int((time.monotonic() - began) * 1000) + 1,
            )
            await self._publish(tenant, record)


def _parts(rows: Sequence[Row]) -> Iterator[tuple[Row, ...]]:
    part: list[Row] = []
    size = 0
    for row in rows:
        length = len(msgspec.json.encode(row))
        if part and size + length > RECORD_BYTES_MAX:
            yield tuple(part)
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield tuple(part)
