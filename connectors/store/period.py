"""Whose figures, and of when: the first three parameters of every statement about a period."""

import msgspec

from connectors.store.instants import moment
from streams.model.ids import Instant


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Half open, [since, until). `tenants` None is all."""

    since: Instant
    until: Instant
    tenants: tuple[str, ...] | None

    @property
    def values(self) -> tuple[object, ...]:
        """The first three parameters of a statement."""
        return moment(self.since), moment(self.until), self.wanted

    @property
    def wanted(self) -> list[str] | None:
        """Tenants as a parameter."""
        return None if self.tenants is None else list(self.tenants)
