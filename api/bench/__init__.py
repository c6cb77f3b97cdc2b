"""`plumbline bench`: the worker's figures beside those of simpler programs, on one broker and the same records."""

from api.bench.run import run_bench

__all__ = ["run_bench"]
