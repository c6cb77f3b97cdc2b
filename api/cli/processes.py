"""`plumbline worker`, `connectors` and `api`: one process each, as they run in production."""

from api.cli.start import start


def worker() -> None:
    """Judge: read the topics, compare both sides, send findings. As many as there are partitions may run."""
    start("streams.app:run_worker", process="worker", needs=("kafka.bootstrap_servers",))


def connectors() -> None:
    """Carry: reads of both sides, the poll of Cal.com, the alert store, notices. Any number may run."""
    needs = ("kafka.bootstrap_servers", "source.dsn", "store.dsn", "calcom.base_url")
    start("connectors.process:run_connectors", process="connectors", needs=needs)


def api() -> None:
    """Show: the webhook door, the alert API, the dashboard, metrics. Any number may run."""
    start("api.process:run_api", process="api", needs=("kafka.bootstrap_servers", "store.dsn"))
