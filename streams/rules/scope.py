"""What is in scope: every event type and every source unless `[scope]` or evidence narrows it (design §4)."""

from streams.facts.cause import Appointment, Link
from streams.model.judgement import Judgement


def source_in_scope(appointment: Appointment, judgement: Judgement) -> bool:
    """Whether rows of this source should have a booking."""
    if judgement.synced_sources:
        return appointment.row.source in judgement.synced_sources
    return appointment.row.source not in judgement.unmatched_sources


def event_type_in_scope(link: Link, judgement: Judgement) -> bool:
    """Whether a booking of this link's event type should have an appointment."""
    return is_in_scope(link.event_type, judgement)


def is_in_scope(event_type: str | None, judgement: Judgement) -> bool:
    """A booking whose event type is not known yet counts as in scope: its proving read tells it."""
    if event_type is None:
        return True
    if judgement.event_types:
        return event_type in judgement.event_types
    return event_type not in judgement.unmatched_event_types
