"""The words of the worker's tests: topics of its own, both systems as they are, and worker processes to kill."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from connectors.topics_admin import ensure_topics
from streams.model.ids import iso
from streams.model.records import (
    AnyQuestion,
    BookingRead,
    Finding,
    NumericQuestion,
    Restatement,
    RowsQuestion,
    RowsRead,
)
from streams.settings import Settings
from streams.topics import BARRIER, Topic, topic_name
from tests.integration.waiting import until

PARTITIONS = 12
TENANTS = tuple(str(number) for number in range(1, 13))
HOUR_MS = 3_600_000
_numbers = itertools.count(1)
_changes = itertools.count(1000)


def clock(after_ms: int = 0) -> str:
    return str(iso(round(time.time() * 1000) + after_ms))


class Systems:
    """What is true in the database and in Cal.com, and the answers to what is asked about it."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.bookings: dict[str, dict[str, Any]] = {}
        self._by_ref: dict[str, list[dict[str, Any]]] = {}

    def call(self, tenant: str, row: int, **columns: Any) -> bytes:
        """The application writes a call; its change event as Debezium tells it."""
        held = {"id": row, "company_id": int(tenant), "direction": "inbound", "session_outcome": "info",
                "appointment_made": False, "booking_id": None, "created_at": clock()}  # fmt: skip
        return self._written("calls", {**self.rows.get(("calls", str(row)), held), **columns})

    def appointment(self, tenant: str, row: int, booking: str) -> bytes:
        """The same for an appointment that agrees with its booking."""
        start = self.bookings[booking]["start"]
        end = self.bookings[booking]["end"]
        held = {"id": row, "company_id": int(tenant), "status": "confirmed", "source": "web", "call_id": None,
                "calcom_v2_booking_id": booking, "starts_at": start, "ends_at": end, "created_at": clock()}  # fmt: skip
        event = self._written("appointments", held)
        self._by_ref.setdefault(booking, []).append({**held, "table": "appointments"})
        return event

    def _written(self, table: str, row: dict[str, Any]) -> bytes:
        self.rows[(table, str(row["id"]))] = row
        change = next(_changes)
        source = {"ts_ms": round(time.time() * 1000), "lsn": change * 100 + 50, "txId": change,
                  "sequence": f'["{change * 100}","{change * 100 + 50}"]', "snapshot": "false",
                  "schema": "public", "table": table}  # fmt: skip
        return msgspec.json.encode({"op": "c", "before": None, "after": row, "source": source, "ts_ms": 0})

    def booking(self, uid: str, number: int) -> bytes:
        """A booking is made in Cal.com; the body of its webhook."""
        start, end = clock(24 * HOUR_MS), clock(24 * HOUR_MS + HOUR_MS // 2)
        self.bookings[uid] = {"id": 900_000 + number, "uid": uid, "status": "accepted", "start": start, "end": end,
                              "eventTypeId": 7, "createdAt": clock(), "updatedAt": clock()}  # fmt: skip
        payload = {"uid": uid, "bookingId": 900_000 + number, "status": "ACCEPTED", "startTime": start,
                   "endTime": end, "eventTypeId": 7, "iCalSequence": 0}  # fmt: skip
        return msgspec.json.encode({"triggerEvent": "BOOKING_CREATED", "createdAt": clock(), "payload": payload})

    def answer(self, question: AnyQuestion) -> tuple[Topic, bytes]:
        if isinstance(question, RowsQuestion):
            return Topic.ROWS, self._rows_answer(question)
        assert not isinstance(question, NumericQuestion)
        held = self.bookings.get(question.uid)
        read = BookingRead(account="a", uid=question.uid, read_at=clock(), reason="verify", duration_ms=5,
                           result="found" if held else "missing", asked_at=question.asked_at,
                           request_ids=(question.request_id,), http_status=200 if held else 404,
                           booking=held)  # fmt: skip
        return Topic.BOOKINGS, msgspec.json.encode(read)

    def _rows_answer(self, question: RowsQuestion) -> bytes:
        found = [row for ref in question.booking_refs for row in self._by_ref.get(ref, ())]
        row = self.rows.get((question.table or "", question.row_id or ""))
        found += [{**row, "table": question.table}] if row else []
        seen = next(_changes)
        read = RowsRead(request_id=question.request_id, question=question, read_at=clock(), reason="verify",
                        result="found", rows=tuple(found), snapshot=f"{seen}:{seen}:")  # fmt: skip
        return msgspec.json.encode(read)


class WorkerProcess:
    """`plumbline worker`, to be stopped or killed."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self.log = log
        self.ended_by_us = False
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "worker"], env={**os.environ, **env}, stdout=out, stderr=out
            )

    async def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing said."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        self.ended_by_us = True
        if self._popen.poll() is None:
            self._popen.send_signal(how)
        try:
            await until(lambda: self._popen.poll() is not None, 30)
        except TimeoutError:
            self._popen.kill()
            self._popen.wait()
            raise

    @property
    def runs(self) -> bool:
        return self._popen.poll() is None

    def said(self) -> str:
        return self.log.read_text(errors="replace")


class Yard:
    """One test's topics, systems and workers."""

    def __init__(self, settings: Settings, folder: Path, producer: Any) -> None:
        self.settings = settings
        self.systems = Systems()
        self.findings: list[Finding] = []
        self.verdicts_count = 0
        self.workers: list[WorkerProcess] = []
        self._folder = folder
        self._producer = producer

    def topic(self, topic: Topic) -> str:
        return topic_name(topic, self.settings.kafka.topic_prefix)

    def worker(self, bootstrap: str | None = None) -> WorkerProcess:
        """Start one more worker, by another way to the broker if given."""
        kafka = self.settings.kafka
        env = {
            "PLUMBLINE_KAFKA__BOOTSTRAP_SERVERS": bootstrap or str(kafka.bootstrap_servers),
            "PLUMBLINE_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
            "PLUMBLINE_KAFKA__PARTITIONS": str(kafka.partitions),
            "PLUMBLINE_WORKER__APP_ID": self.settings.worker.app_id,
            "PLUMBLINE_HOME": str(self._folder),
        }
        started = WorkerProcess(env, self._folder / f"worker-{len(self.workers)}.log")
        self.workers.append(started)
        return started

    def workers_run(self) -> None:
        """None has ended by itself."""
        for worker in self.workers:
            assert worker.runs or worker.ended_by_us, worker.said()[-3000:]

    async def soon(self, topic: Topic, tenant: str | None, value: bytes | None) -> None:
        """Send without waiting for the broker."""
        await self._producer.send(self.topic(topic), key=tenant.encode() if tenant else None, value=value)

    async def send(self, topic: Topic, key: bytes | None, value: bytes | None, partition: int | None = None) -> Any:
        return await self._producer.send_and_wait(self.topic(topic), key=key, value=value, partition=partition)

    async def sent(self) -> None:
        await self._producer.flush()

    async def answer_for_ever(self) -> None:
        """What connectors do: read again whatever is asked. Findings and verdicts are kept on the way."""
        topics = [self.topic(t) for t in (Topic.VERIFICATIONS, Topic.FINDINGS, Topic.VERDICTS)]
        bootstrap = self.settings.kafka.bootstrap_servers
        consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        try:
            await consumer.start()
            while True:
                for place, records in (await consumer.getmany(timeout_ms=100)).items():
                    for record in records:
                        await self._heard(place.topic, record)
        finally:
            await consumer.stop()

    async def _heard(self, topic: str, record: Any) -> None:
        if topic == self.topic(Topic.VERDICTS):
            self.verdicts_count += 1
        elif topic == self.topic(Topic.FINDINGS):
            told = msgspec.json.decode(record.value, type=Finding | Restatement)
            if isinstance(told, Finding):
                self.findings.append(told)
        else:
            question = msgspec.json.decode(record.value, type=AnyQuestion)
            where, answer = self.systems.answer(question)
            await self.soon(where, question.tenant, answer)

    async def lag(self) -> int:
        """Records of the inputs (ticks left out) that are not committed yet."""
        ends = await self.ends([self.topic(topic) for topic in BARRIER])
        committed = await self.committed()
        return sum(end - committed.get(place, 0) for place, end in ends.items())

    async def committed(self) -> dict[TopicPartition, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka.bootstrap_servers)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self.settings.worker.app_id)
        finally:
            await admin.close()
        return {place: meta.offset for place, meta in offsets.items() if meta.offset >= 0}

    async def ends(self, topics: list[str]) -> dict[TopicPartition, int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka.bootstrap_servers)
        await consumer.start()
        try:
            return dict(await consumer.end_offsets([TopicPartition(t, n) for t in topics for n in range(PARTITIONS)]))
        finally:
            await consumer.stop()

    async def records(self, topic: Topic, partitions: int = PARTITIONS) -> list[Any]:
        """Everything that lies on a topic now, each partition in order."""
        places = [TopicPartition(self.topic(topic), number) for number in range(partitions)]
        bootstrap = self.settings.kafka.bootstrap_servers
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            await consumer.seek_to_beginning()
            found: list[Any] = []
            while any([await consumer.position(place) < ends[place] for place in places]):
                for place, records in (await consumer.getmany(timeout_ms=200, max_records=5000)).items():
                    found += [record for record in records if record.offset < ends[place]]
            return found
        finally:
            await consumer.stop()


@asynccontextmanager
async def yard(bootstrap: str, folder: Path) -> AsyncIterator[Yard]:
    """Topics of one test's own, answered questions, and no worker left at its end."""
    name = f"work{next(_numbers)}"
    kafka = {"bootstrap_servers": bootstrap, "partitions": PARTITIONS, "topic_prefix": f"{name}."}
    settings = Settings.model_validate({"kafka": kafka, "worker": {"app_id": name}})
    await ensure_topics(settings.kafka)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    await producer.start()
    made = Yard(settings, folder, producer)
    answering = asyncio.create_task(made.answer_for_ever())
    try:
        yield made
        assert not answering.done()
    finally:
        for process in made.workers:
            await process.kill()
        answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering
        await producer.stop()
