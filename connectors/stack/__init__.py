"""The local stack: Kafka, Connect with Debezium and Postgres on this machine, from package registries."""
