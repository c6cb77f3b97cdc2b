"""The words of the whole chain's tests: a started Plumbline, spoken to over sockets only."""

import hmac
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.world.config import WorldAccount, default_accounts
from tests.integration.waiting import until

START_SECONDS_MAX = 200
STOP_SECONDS_MAX = 90
_numbers = itertools.count(1)


def in_hours(hours: float) -> datetime:
    """On the hour, so that Cal.com takes it; each time another day, so that no slot is taken twice."""
    day = timedelta(days=next(_numbers))
    return (datetime.now(UTC) + timedelta(hours=hours) + day).replace(minute=0, second=0, microsecond=0)


def signed(body: bytes, secret: str) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, sha256).hexdigest()
    return {"X-Cal-Signature-256": signature, "Content-Type": "application/json"}


class House:
    """`plumbline up`, and everything it says about itself in endpoints.json."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with (home / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "up"],
                env={**os.environ, "PLUMBLINE_HOME": str(home)},
                stdout=log,
                stderr=log,
            )
        self.crm: Any = None
        self._clients: list[httpx.AsyncClient] = []

    @property
    def told(self) -> dict[str, Any]:
        """endpoints.json as it stands."""
        found: dict[str, Any] = json.loads((self.home / "endpoints.json").read_text())
        return found

    @property
    def accounts(self) -> tuple[WorldAccount, ...]:
        return default_accounts(self.told["api_url"])

    async def open(self) -> None:
        await until(self._is_ready, START_SECONDS_MAX)
        told = self.told
        self.api = httpx.AsyncClient(
            base_url=told["api_url"], headers={"Authorization": f"Bearer {told['api_key']}"}, timeout=10
        )
        self.calcom = httpx.AsyncClient(base_url=told["calcom_url"], timeout=10)
        self.slack = httpx.AsyncClient(base_url=told["slack_url"], timeout=10)
        self._clients = [self.api, self.calcom, self.slack]
        self.crm = await asyncpg.connect(told["source_dsn"])

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, (self.home / "up.log").read_text()[-3000:]
        return (self.home / "endpoints.json").exists()

    async def close(self) -> None:
        """Our own ends; then, if nobody has yet, all that was started."""
        for client in self._clients:
            await client.aclose()
        if self.crm is not None:
            self.crm.terminate()
        await self.stop()

    async def stop(self) -> int:
        """SIGTERM to `up`; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            await until(lambda: self.process.poll() is not None, STOP_SECONDS_MAX)
        except TimeoutError:
            self.process.kill()
            raise
        return self.process.wait()

    def everything_started(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    # The application and Cal.com ----------------------------------------------------------------------------

    async def insert(self, table: str, **columns: object) -> str:
        """As the application does; the new row's id."""
        names, places = ", ".join(columns), ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        sql = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id"
        return str(await self.crm.fetchval(sql, *columns.values()))

    async def appointment(self, tenant: int, booking: str) -> str:
        start = in_hours(30)
        return await self.insert(
            "appointments", company_id=tenant, calcom_v2_booking_id=booking, status="confirmed", source="web",
            starts_at=start, ends_at=start + timedelta(minutes=30),
        )  # fmt: skip

    async def book(self, account: WorldAccount, *, webhook: str) -> dict[str, Any]:
        """A booking in Cal.com that the application never writes down; its webhook comes (`sure`) or is lost."""
        body = {
            "start": f"{in_hours(30):%Y-%m-%dT%H:%M:%SZ}",
            "eventTypeId": account.event_type_ids[0],
            "attendee": {"name": "Ada Quist", "email": "ada@mail.example", "timeZone": "UTC"},
        }
        headers = {
            "Authorization": f"Bearer {account.app_key}",
            "cal-api-version": "2024-08-13",
            "x-world-fate": json.dumps({"webhook": webhook}),
        }
        answer = await self.calcom.post("/v2/bookings", json=body, headers=headers)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        booking: dict[str, Any] = answer.json()["data"]
        return booking

    async def turn(self, **knobs: object) -> None:
        (await self.calcom.post("/_control/knobs", json=knobs)).raise_for_status()

    async def knock(self, account: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """At the door, as Cal.com does: without a key of ours."""
        async with httpx.AsyncClient(base_url=self.told["api_url"], timeout=10) as stranger:
            return await stranger.post(f"/webhooks/calcom/{account}", content=body, headers=headers)

    # What Plumbline says ------------------------------------------------------------------------------------

    async def alerts(self, rule: str, subject: str) -> list[dict[str, Any]]:
        answer = await self.api.get("/v1/alerts", params={"rule": rule, "subject": subject})
        answer.raise_for_status()
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def alert(self, rule: str, subject: str, status: str = "open", seconds: float = 30) -> dict[str, Any]:
        """The one alert of this rule about this subject, once it has this status."""

        async def found() -> list[dict[str, Any]]:
            return [each for each in await self.alerts(rule, subject) if each["status"] == status]

        [alert] = await until(found, seconds)
        return alert

    async def messages(self, about: str) -> list[dict[str, Any]]:
        """Slack's messages that name this."""
        items = (await self.slack.get("/_control/messages")).json()["items"]
        return [item for item in items if about in json.dumps(item["body"])]

    async def verdict(self, uid: str) -> str | None:
        """What the API says of a booking; None while nobody has heard of it."""
        answer = await self.api.get(f"/v1/bookings/{uid}/consistency")
        return str(answer.json()["verdict"]) if answer.status_code == httpx.codes.OK else None

    async def dead_letters(self) -> list[Any]:
        bootstrap = self.told["kafka_bootstrap"]
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition("plumbline.dead-letters", number) for number in range(12)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            await consumer.seek_to_beginning()
            found: list[Any] = []
            while len(found) < sum(ends.values()):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
            return found
        finally:
            await consumer.stop()


@asynccontextmanager
async def house(home: Path) -> AsyncIterator[House]:
    made = House(home)
    try:
        await made.open()
        yield made
    finally:
        await made.close()
