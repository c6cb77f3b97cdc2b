"""One comparison of both sides, without Kafka and without a store: the worker's own engine, fed by reads."""
