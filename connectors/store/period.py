"""Whose figures, and of when: the first three parameters of every statement about a period."""

import msgspec

from connectors.store.instants import moment
from streams.model.ids import Instant
from streams.model.source_records import EVERY_TENANT


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Half open, [since, until). `tenants` None is all; `label` is the tenant's id where one is asked for, else "*"."""

    since: Instant
    until: Instant
    tenants: tuple[str, ...] | None
    label: str = EVERY_TENANT

    @property
    def values(self) -> tuple[object, ...]:
        """The first three parameters of a statement."""
        return moment(self.since), moment(self.until), self.wanted

    @property
    def wanted(self) -> list[str] | None:
        """Tenants as a parameter."""
        return None if self.tenants is None else list(self.tenants)
