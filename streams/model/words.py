"""The words that rows use of themselves, as far as anything is judged by them.

A database with other words maps them to these (`[source.appointments.words]`). A word that is none of ours stays as it
is and gives no judgement.
"""

from collections.abc import Mapping

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
