"""Why a database cannot be monitored as it is. One class per cause; the message says what to do."""


class SourceError(Exception):
    """The monitored database cannot be prepared or registered."""


class WrongWalLevel(SourceError):
    """Logical decoding is off."""

    def __init__(self, level: str) -> None:
        super().__init__(
            f"wal_level is {level!r}; change data capture needs 'logical'. Set it in postgresql.conf (or the "
            "provider's parameter group) and restart Postgres: it cannot be changed while it runs."
        )


class NoSuchTable(SourceError):
    """A mapped table is not there, or is no ordinary table."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"{table} is not an ordinary table of this database (views and partitioned tables are not read): "
            "correct [source.appointments] or [source.calls]."
        )


class NoPrimaryKey(SourceError):
    """Publishing a table without a key would make the application's UPDATE and DELETE fail."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"table {table} has no primary key. Published like that, the application's UPDATE and DELETE "
            "on it would fail, so it is refused: give it a primary key first."
        )


class NoSuchColumn(SourceError):
    """The row's key or the tenant is mapped to a column that is not there."""

    def __init__(self, table: str, column: str) -> None:
        super().__init__(f"table {table} has no column {column}, which its key or tenant is mapped to.")


class LockBusy(SourceError):
    """A table could not be locked for a moment."""

    def __init__(self, purpose: str, attempts: int) -> None:
        super().__init__(
            f"{purpose}: no lock in {attempts} attempts of 0.5 s, something holds the table (an open "
            "transaction, a dump). Nothing waits for it now. Run the command again at a quieter time."
        )


class SlotInUse(SourceError):
    """The replication slot could not be freed."""

    def __init__(self, slot: str) -> None:
        super().__init__(f"replication slot {slot} is still in use: delete the connector first, then run it again.")


class DatabaseAway(SourceError):
    """The monitored database gives no answer now."""


class ConnectRefused(SourceError):
    """Kafka Connect does not take what we ask of it."""


class ConnectUnreachable(SourceError):
    """Kafka Connect gives no usable answer."""
