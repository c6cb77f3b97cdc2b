"""Plain aiokafka: reads in batches and throws away; what broker, client and this machine have to give."""

import asyncio

from aiokafka import AIOKafkaConsumer

from api.bench.programs.progress import Progress, order


async def main() -> None:
    wanted = order()
    progress = Progress(wanted.events)
    consumer = AIOKafkaConsumer(
        *wanted.topics, bootstrap_servers=wanted.bootstrap, group_id=wanted.group, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        done = False
        while not done:
            batches = await consumer.getmany(timeout_ms=200)
            if records := sum(len(batch) for batch in batches.values()):
                done = progress.add(records)
        await consumer.commit()
        await asyncio.Event().wait()  # until it is stopped: the bench still reads its memory
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main())
