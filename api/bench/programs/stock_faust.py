"""A stock Faust agent that counts by key into a table: memory store with changelog, nothing of ours in it."""

from typing import Any

import faust

from api.bench.programs.progress import Progress, order


def main() -> None:
    wanted = order()
    progress = Progress(wanted.events)
    # Stock settings, with the commits of the worker, the recommended ones (facts, A).
    app = faust.App(
        wanted.group,
        broker=f"kafka://{wanted.bootstrap}",
        store="memory://",
        topic_partitions=wanted.partitions,
        topic_replication_factor=1,
        broker_commit_interval=1.0,
        broker_commit_every=1000,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
    )
    records = app.topic(*wanted.topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    counts = app.Table("counts", key_type=bytes, default=int)

    @app.agent(records)  # type: ignore[untyped-decorator]  # Faust publishes no types
    async def count(stream: Any) -> None:
        async for event in stream.events():
            counts[event.key] += 1
            progress.add()

    faust.Worker(app, loglevel="WARN", redirect_stdouts=False, quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
