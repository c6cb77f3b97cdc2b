"""The words that rows use of themselves, as far as anything is judged by them.

A database with other words maps them to these (`[source.appointments.words]`). A word that is none of ours stays as it
is and gives no judgement.
"""

from collections.abc import Iterator, Mapping

from streams.model.facts import AppointmentRow, CallRow, Row

#: Our columns of words → their words. An empty tuple: an open list, of which only some words are judged.
APPOINTMENT_WORDS: Mapping[str, tuple[str, ...]] = {
    "status": ("pending", "scheduled", "confirmed", "completed", "cancelled", "no_show"),
    "calcom_sync_status": ("pending", "synced", "failed"),
}
CALL_WORDS: Mapping[str, tuple[str, ...]] = {
    "direction": ("inbound", "outbound"),
    "session_outcome": (),
    "appointment_link_status": (),
}


def is_ours(column: str, word: str) -> bool:
    """Whether a word of a column of ours is one of ours; of an open list every word is."""
    words = APPOINTMENT_WORDS.get(column) or CALL_WORDS.get(column) or ()
    return not words or word in words


def unknown_words(row: Row | None) -> Iterator[str]:
    """The columns of ours of which this row holds a word that gives no judgement."""
    match row:
        case AppointmentRow(status=status, sync=sync):
            words = {"status": status, "calcom_sync_status": sync}
        case CallRow(direction=direction):
            words = {"direction": direction}
        case _:
            return
    yield from (column for column, word in words.items() if word is not None and not is_ours(column, word))
