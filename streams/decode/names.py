"""What one table of theirs calls things: columns, words, and the zone of its zone-less times.

Both ways into the core pass here: change events carry their names and their words, direct reads our names (the reading
SQL renames) and their words.
"""

from collections.abc import Mapping
from datetime import tzinfo

import msgspec

from streams.decode.columns import UNAVAILABLE
from streams.model.words import is_ours

#: Columns whose list of words is open, so that a word outside of a given map cannot be told from one of ours.
_OPEN = frozenset({"session_outcome", "appointment_link_status"})


class ColumnNames(msgspec.Struct, frozen=True):
    """Their column → our column (unmapped ones are passed over), and their words → ours by our column.

    `zone` is that of columns without one; None means UTC.
    """

    ours: Mapping[str, str]
    zone: tzinfo | None = None
    words: Mapping[str, Mapping[str, str]] = {}

    def rename(self, row: Mapping[str, object]) -> Mapping[str, object]:
        """A row of theirs under our names and in our words."""
        ours = self.ours
        return self.translate({ours[name]: value for name, value in row.items() if name in ours} if ours else row)

    def translate(self, row: Mapping[str, object]) -> Mapping[str, object]:
        """A row under our names in our words."""
        if not self.words:
            return row
        return {column: self._word(column, value) for column, value in row.items()}

    def _word(self, column: str, value: object) -> object:
        """Ours for theirs. What no map knows stays; in an open list, where any word is judged, it is absent."""
        words = self.words.get(column)
        if words is None or value in (None, UNAVAILABLE):
            return value
        theirs = str(value)
        if theirs in words:
            return words[theirs]
        return None if column in _OPEN and theirs not in words.values() else value

    def unknown(self, column: str, word: str) -> bool:
        """Whether a word of theirs, in a column of ours, gives no judgement."""
        words = self.words.get(column)
        if words is not None and word in words:
            return False
        if words is not None and column in _OPEN:
            return word not in words.values()
        return not is_ours(column, word)


AS_NAMED = ColumnNames({})
