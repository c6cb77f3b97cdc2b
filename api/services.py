"""What the routes work with; made by the composition root, exchanged by nobody."""

import msgspec

from api.keys import Keys
from api.readers import Readers
from connectors.store.alerts import AlertStore
from connectors.store.database import Database
from streams.settings import Settings


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """One set for a process."""

    settings: Settings
    database: Database
    store: AlertStore
    keys: Keys
    readers: Readers


def services_of(settings: Settings) -> Services:
    """The services as configured; no connection is made yet.

    Raises ValueError if no store is configured.
    """
    if settings.store.dsn is None:
        raise ValueError("store.dsn is missing: allowed is postgresql://user:password@host:port/database")
    database = Database(settings.store.dsn.get_secret_value(), name="plumbline-api")
    store = AlertStore(database, timezone_of=settings.timezone_of)
    keys, readers = Keys(settings.api_keys), Readers(database)
    return Services(settings=settings, database=database, store=store, keys=keys, readers=readers)
