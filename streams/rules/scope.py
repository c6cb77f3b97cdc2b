"""What is in scope: every event type and every source unless `[scope]` narrows it (design §4)."""

from streams.facts.cause import Appointment, Link
from streams.model.judgement import Judgement


def source_in_scope(appointment: Appointment, judgement: Judgement) -> bool:
    return not judgement.synced_sources or appointment.row.source in judgement.synced_sources


def event_type_in_scope(link: Link, judgement: Judgement) -> bool:
    """A booking whose event type is not known yet counts as in scope: its proving read tells it."""
    return not judgement.event_types or link.event_type is None or link.event_type in judgement.event_types
