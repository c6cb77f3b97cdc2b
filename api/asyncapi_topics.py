"""What people must know of each topic: who writes it, by which key, with which headers and payload (design §3)."""

from typing import Any, Literal

import msgspec

from streams.alerts.alert import Alert
from streams.model.records import (
    BookingQuestion,
    BookingRead,
    Finding,
    NumericQuestion,
    Restatement,
    RowsQuestion,
    RowsRead,
    Tick,
    Verdict,
)
from streams.model.source_records import PassComplete, SourceState, TenantStanding
from streams.topics import Topic

BY_TENANT = "The tenant's id; `~<account>` while nobody knows whose a booking is, `~none` for rows without tenant."


class ChannelWords(msgspec.Struct, frozen=True, kw_only=True):
    """One topic. `sent` and `received` say what Plumbline does with it; None is that it does not.

    The payload is one of `structs`, told apart by their tag; where it is not ours, `foreign` is its schema.
    """

    topic: Topic
    title: str
    description: str
    key: str = BY_TENANT
    sent: str | None = None
    received: str | None = None
    structs: tuple[type, ...] = ()
    foreign: dict[str, Any] = {}
    headers: dict[str, str] = {}
    content_type: str = "application/json"

    @property
    def name(self) -> str:
        """The topic's name without the installation's prefix."""
        return self.topic.value

    @property
    def actions(self) -> tuple[Literal["send", "receive"], ...]:
        """What Plumbline does with the topic."""
        return (*(("send",) if self.sent else ()), *(("receive",) if self.received else ()))


_ENVELOPE: dict[str, Any] = {
    "type": ["object", "null"],
    "description": "Debezium's envelope; null is a tombstone. Only the mapped columns leave the database.",
    "properties": {
        "op": {"type": "string", "enum": ["c", "r", "u", "d", "t", "m"]},
        "before": {"type": ["object", "null"], "description": "Of a row with an index as identity only its keys."},
        "after": {"type": ["object", "null"]},
        "source": {"type": "object", "description": "`lsn`, `txId`, `ts_ms`, `table` and more."},
        "ts_ms": {"type": ["integer", "null"]},
    },
}

CHANNELS: tuple[ChannelWords, ...] = (
    ChannelWords(
        topic=Topic.APPOINTMENTS,
        title="A change of an appointment",
        description="From Debezium; a row that changes its tenant comes as a delete and a create.",
        received="Changes of appointments are judged.",
        foreign=_ENVELOPE,
    ),
    ChannelWords(
        topic=Topic.CALLS,
        title="A change of a call",
        description="From Debezium, like the appointments.",
        received="Changes of calls are judged.",
        foreign=_ENVELOPE,
    ),
    ChannelWords(
        topic=Topic.WEBHOOKS,
        title="A webhook of Cal.com",
        description="The raw HTTP body, its bytes untouched. It may hold personal data; kept for 7 days.",
        sent="The door keeps every well-signed webhook.",
        received="Webhooks are claims until a read confirms them.",
        foreign={"type": "object", "description": "As Cal.com sent it; not always JSON."},
        headers={
            "account": "The account of the door's path.",
            "received_at": "ISO 8601, by the door's clock.",
            "delivery_id": "A UUID of this delivery.",
            "x-cal-signature-256": "As Cal.com sent it.",
            "x-cal-webhook-version": "As Cal.com sent it.",
            "content-type": "As Cal.com sent it.",
        },
    ),
    ChannelWords(
        topic=Topic.BOOKINGS,
        title="One read of Cal.com",
        description="The answer to a question, or a booking that a list page showed; nothing personal.",
        sent="Each read is told, also one that found nothing.",
        received="Reads decide what a booking is.",
        structs=(BookingRead,),
    ),
    ChannelWords(
        topic=Topic.ROWS,
        title="One read of the database",
        description="The answer to one question: all rows found, and the snapshot that showed them.",
        key="The tenant that asked.",
        sent="Each read is told, also one that found nothing.",
        received="Reads decide where change events may be late.",
        structs=(RowsRead,),
    ),
    ChannelWords(
        topic=Topic.SOURCES,
        title="How a source fares",
        description="Written to each partition: live, stalled or with a gap; and each complete pass over a side.",
        key="None; the partition is chosen by the writer.",
        sent="What is heard of the sources, when it changes and every 5 s.",
        received="Absences of a source that is not trusted are held back.",
        structs=(SourceState, PassComplete),
    ),
    ChannelWords(
        topic=Topic.TICKS,
        title="The clock of a partition",
        description="Every 200 ms, by the worker to itself: grace is measured by these records' timestamps.",
        key="None; the partition is chosen by the writer.",
        sent="A tick for each partition that is owned.",
        received="What is due by then is judged.",
        structs=(Tick,),
    ),
    ChannelWords(
        topic=Topic.VERIFICATIONS,
        title="A question",
        description="What must be read again, and by when it matters.",
        sent="The worker asks before it claims a fault.",
        received="The connectors read Cal.com and the database.",
        structs=(BookingQuestion, NumericQuestion, RowsQuestion),
    ),
    ChannelWords(
        topic=Topic.FINDINGS,
        title="A proved fault, its end, or what stands",
        description="Findings in the order in which they were made, and every 5 min all that are open.",
        sent="A fault was proved, changed or is over.",
        received="The store makes alerts of findings.",
        structs=(Finding, Restatement),
    ),
    ChannelWords(
        topic=Topic.VERDICTS,
        title="How a booking or appointment stands",
        description="Told when it changes; and every 10 s how far a tenant is compared.",
        sent="Each change of a verdict.",
        received="The store answers questions of consistency and coverage from it.",
        structs=(Verdict, TenantStanding),
    ),
    ChannelWords(
        topic=Topic.ALERTS,
        title="An alert after a change",
        description=(
            "Compacted, one partition: the newest value of a key is the alert as it is. Drop a record whose `version` "
            "is not greater than the one you have. A null value: long resolved, forget it."
        ),
        key="The alert's id.",
        sent="Every change by people or by Plumbline.",
        structs=(Alert,),
        headers={
            "sequence": "The number by which the live stream resumes, in decimal.",
            "action": "What happened, as in the alert's history.",
        },
    ),
    ChannelWords(
        topic=Topic.CACHE_INVALIDATIONS,
        title="What changed, for caches",
        description="Reserved: the topic is there, and nothing is written to it yet.",
        foreign={"type": "object"},
    ),
    ChannelWords(
        topic=Topic.DEAD_LETTERS,
        title="A record that could not be used",
        description="The bytes as they came, for a replay.",
        key="As it came.",
        sent="Records of a shape that nobody understands.",
        foreign={"description": "As it came; not always JSON."},
        headers={
            "topic": "Where it lay.",
            "partition": "Where it lay, in decimal.",
            "offset": "Where it lay, in decimal.",
            "reason": "A word.",
            "error": "For people; at most 500 characters.",
        },
        content_type="application/octet-stream",
    ),
)
