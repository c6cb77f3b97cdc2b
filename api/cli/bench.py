"""`plumbline bench`: the worker's figures beside those of simpler programs, on one broker."""

from api.cli.start import start


def bench() -> None:
    """Measure the whole worker beside stock Faust, Quix Streams and plain aiokafka (extra `bench`)."""
    from streams.settings import home

    start("api.bench:run_bench", home(), process="bench")
