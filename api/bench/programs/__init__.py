"""The programs that the worker is measured beside: each does less than the worker, and only that."""
