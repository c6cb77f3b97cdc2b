"""Quix Streams counting by key into its state store (RocksDB with changelog)."""

from typing import Any

from quixstreams import Application

from api.bench.programs.progress import Progress, order


def main() -> None:
    wanted = order()
    progress = Progress(wanted.events)
    app = Application(
        broker_address=wanted.bootstrap,
        consumer_group=wanted.group,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir="state",
        loglevel="WARNING",
    )

    def count(_: Any, state: Any) -> None:
        state.set("count", state.get("count", 0) + 1)
        progress.add()

    frames = [
        app.dataframe(app.topic(name, key_deserializer="bytes", value_deserializer="bytes")) for name in wanted.topics
    ]
    together = frames[0]
    for frame in frames[1:]:
        together = together.concat(frame)
    together.update(count, stateful=True)
    app.run()


if __name__ == "__main__":
    main()
