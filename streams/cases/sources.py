"""What the sources' watchers say, as far as judging needs it: whose absences are unknown now (design §1.4, §5).

While a source is not trustworthy its absences are held back: one alert about the source stands for all of them. When it
is live again, whatever was held is judged anew, by a new round.
"""

from collections import defaultdict

from streams.facts.index import Key
from streams.model.ids import NO_TENANT
from streams.model.rule import Rule
from streams.model.source_records import DATABASE, EVERY_TENANT, SourceState

#: What the database's silence could make up. Everything else is proved by reads that do not need the feed.
_ABSENT_ROWS = frozenset({Rule.ORPHANED_CALCOM, Rule.MISSING_APPOINTMENT, Rule.TENANT_MISMATCH})
#: What Cal.com's silence could make up.
_ABSENT_BOOKINGS = frozenset({Rule.ORPHANED_LOCAL})
_CALCOM = "calcom:"
#: Causes remembered for each source; those beyond are looked at again after `HELD_LOOK_MS`.
HELD_MAX = 100_000


class SourceView:
    """The newest word on each source, and the causes that wait for it."""

    def __init__(self) -> None:
        self._states: dict[str, SourceState] = {}
        self._held: defaultdict[str, set[Key]] = defaultdict(set)

    def seen(self, state: SourceState) -> set[Key]:
        """Take a source's state; the entities that it held back and that may be judged now."""
        known = self._states.get(state.source)
        if known is not None and known.at > state.at:
            return set()
        self._states[state.source] = state
        return self._held.pop(state.source, set()) if state.state == "live" else set()

    def holding(self, rule: Rule, tenant: str) -> str | None:
        """The source for whose sake this rule says nothing about the tenant now."""
        if rule in _ABSENT_ROWS:
            return DATABASE if self._untrusted(DATABASE, tenant) else None
        if rule in _ABSENT_BOOKINGS:
            return next((s for s in self._states if s.startswith(_CALCOM) and self._untrusted(s, tenant)), None)
        return None

    def hold(self, source: str, key: Key) -> None:
        """Judge this entity again when the source is live."""
        if len(self._held[source]) < HELD_MAX:
            self._held[source].add(key)

    def untrusted(self, tenant: str) -> tuple[str, ...]:
        """Sources of the tenant that are not live, sorted."""
        return tuple(sorted(source for source in self._states if self._untrusted(source, tenant)))

    def _untrusted(self, source: str, tenant: str) -> bool:
        state = self._states.get(source)
        if state is None or state.state == "live" or tenant == NO_TENANT:
            return False
        return EVERY_TENANT in state.tenants or tenant in state.tenants
