"""What is in scope: every event type and every source unless `[scope]` or evidence narrows it (design §4)."""

from streams.facts.cause import Appointment, Link
from streams.model.judgement import Judgement


def source_in_scope(appointment: Appointment, judgement: Judgement) -> bool:
    """Whether rows of this source should have a booking."""
    if judgement.synced_sources:
        return appointment.row.source in judgement.synced_sources
    return appointment.row.source not in judgement.unmatched_sources


def event_type_in_scope(link: Link, judgement: Judgement) -> bool:
    """A booking whose event type is not known yet counts as in scope: its proving read tells it."""
    if link.event_type is None:
        return True
    if judgement.event_types:
        return link.event_type in judgement.event_types
    return link.event_type not in judgement.unmatched_event_types
