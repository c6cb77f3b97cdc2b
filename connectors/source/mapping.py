"""Which tables and columns of the monitored database are read, and what we call them.

The columns are those of the configuration (streams/settings_tables.py). Names, phone numbers and error
messages are not among them, so they never leave the database.
"""

import msgspec

from streams.settings_sections import SourceSettings
from streams.settings_tables import AppointmentsTable, CallsTable

#: Columns of ours that every mapping has: the row's key and its tenant.
ID, TENANT = "id", "company_id"
#: Columns of ours that few databases have, and that no rule misses.
OPTIONAL = frozenset({"deleted_at"})


class TableMapping(msgspec.Struct, frozen=True):
    """One table of theirs (in `public` unless written `schema.table`) and its columns, ours = theirs."""

    table: str
    columns: dict[str, str]

    def __post_init__(self) -> None:
        if missing := [name for name in (ID, TENANT) if name not in self.columns]:
            raise ValueError(f"the mapping of table {self.table} has no column for {', '.join(missing)}")

    @property
    def schema(self) -> str:
        return self.table.rpartition(".")[0] or "public"

    @property
    def name(self) -> str:
        return self.table.rpartition(".")[2]

    @property
    def id(self) -> str:
        """Their name of the row's key."""
        return self.columns[ID]

    @property
    def tenant(self) -> str:
        """Their name of the tenant column."""
        return self.columns[TENANT]

    @property
    def read(self) -> tuple[str, ...]:
        """Their names of all columns that are read, each once."""
        return tuple(dict.fromkeys(self.columns.values()))


class SourceMapping(msgspec.Struct, frozen=True, kw_only=True):
    """The tables that are watched; a database may have no calls."""

    appointments: TableMapping
    calls: TableMapping | None = None

    @property
    def tables(self) -> tuple[TableMapping, ...]:
        return (self.appointments,) if self.calls is None else (self.appointments, self.calls)


def mapping_of(source: SourceSettings) -> SourceMapping:
    """The configured mapping."""
    calls = _mapped(source.calls) if source.has_calls else None
    return SourceMapping(appointments=_mapped(source.appointments), calls=calls)


def _mapped(table: AppointmentsTable | CallsTable) -> TableMapping:
    return TableMapping(table.table, dict(table.columns))


#: The example CRM's, which are the defaults.
EXAMPLE = mapping_of(SourceSettings())
