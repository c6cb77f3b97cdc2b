"""How long a validation takes: `python -m tests.prove.validation --rows 1000000 --seconds 20 --at-once 4`.

Starts a Postgres of its own with an example CRM of so many calls and appointments, a store with their verdicts, the API
on a port, and the part of the connectors process that reads rows. Exit 1 where the p95 is above its bound (S4 §10).
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import quantiles

import httpx

from connectors.stack.stack import LocalStack, StackPart
from tests.integration.asking import Asked, asked

P95_MS_MAX = 100.0

_CALLS = """
INSERT INTO calls (company_id, direction, session_outcome, appointment_made, booking_id, created_at)
SELECT 3, 'inbound', 'appointment_booked', true, 'b' || n, now() FROM generate_series(1, $1::int) AS n
"""
# Every hundredth call has no appointment.
_APPOINTMENTS = """
INSERT INTO appointments (company_id, customer_id, call_id, calcom_v2_booking_id, source, status, calcom_sync_status,
                          starts_at, ends_at, created_at)
SELECT 3, n, n, 'b' || n, 'retell_webhook', 'confirmed', 'synced', now() + interval '3 days',
       now() + interval '3 days 30 min', now()
  FROM generate_series(1, $1::int) AS n WHERE n % 100 <> 0
"""
_VERDICTS = """
INSERT INTO verdicts (tenant, subject_kind, subject_id, verdict, reason, as_of, compared_through, aliases, differences)
SELECT '3', 'booking', 'b' || n, 'agree', 'in_sync', now(), now(), ARRAY['b' || n], '[]'
  FROM generate_series(1, $1::int) AS n
"""


async def prove(rows: int, seconds: float, at_once: int) -> bool:
    """Ask for so long, so many at once; whether the bound was kept."""
    with tempfile.TemporaryDirectory(prefix="plumbline-validation-") as home:
        Path(home).chmod(0o755)
        postgres = LocalStack(Path(home) / "postgres", parts=frozenset({StackPart.POSTGRES}))
        await postgres.start()
        try:
            async with asked(postgres) as here:
                await _fill(here, rows)
                took, answers = await _ask(here, rows, seconds, at_once)
        finally:
            await postgres.stop()
    p50, p95, p99 = (quantiles(took, n=100)[at - 1] for at in (50, 95, 99))
    print(f"{rows} calls, {at_once} at once: {len(took)} validations in {seconds:g} s, {answers}")
    print(f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, longest {max(took):.1f} ms")
    return p95 <= P95_MS_MAX


async def _fill(here: Asked, rows: int) -> None:
    await here.application.execute(_CALLS, rows, timeout=600)
    await here.application.execute(_APPOINTMENTS, rows, timeout=600)
    await here.application.execute("ANALYZE", timeout=600)
    async with here.database.connection() as connection:
        await connection.execute(_VERDICTS, rows, timeout=600)
        await connection.execute("ANALYZE", timeout=600)


async def _ask(here: Asked, rows: int, seconds: float, at_once: int) -> tuple[list[float], dict[str, int]]:
    took: list[float] = []
    answers: dict[str, int] = {}
    until = time.monotonic() + seconds
    await here.ask("POST", "/v1/validate", json={"call_id": "1"})  # the first one opens connections

    async def one_after_the_other() -> None:
        while time.monotonic() < until:
            number = random.randint(1, rows)
            kind = random.choice(("call_id", "appointment_id"))
            began = time.monotonic()
            answer = await here.ask("POST", "/v1/validate", "three", json={kind: str(number)})
            took.append((time.monotonic() - began) * 1000)
            word = _word(answer)
            answers[word] = answers.get(word, 0) + 1

    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return took, answers


def _word(answer: httpx.Response) -> str:
    return str(answer.json().get("reason") or "whole") if answer.status_code == 200 else str(answer.status_code)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--seconds", type=float, default=20.0)
    arguments.add_argument("--at-once", type=int, default=4)
    given = arguments.parse_args()
    kept = asyncio.run(partial(prove, given.rows, given.seconds, given.at_once)())
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
