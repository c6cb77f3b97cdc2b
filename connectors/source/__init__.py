"""The monitored database: what is read of it, how it is prepared, and how Debezium is registered for it."""
