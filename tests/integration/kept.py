"""What the changelog keeps, beside what the inputs say: a second reckoning without worker, group or commits."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition

from streams.cases.case import Case
from streams.decode import decode_record
from streams.durable import DurableState
from streams.facts.booking import join_booking
from streams.facts.index import Key, decode_key
from streams.facts.row import join_row
from streams.model.facts import BookingFacts, RowFacts
from streams.model.observation import Origin, RowChanged, WebhookHeard
from streams.topics import Topic
from tests.integration.working import Yard

#: Inputs of which every record that is news must be kept; answers that change nothing need not be.
TOLD = (Topic.APPOINTMENTS, Topic.CALLS, Topic.WEBHOOKS)
Kept = dict[Key, BookingFacts | RowFacts]


def join(ours: BookingFacts | RowFacts | None, theirs: BookingFacts | RowFacts) -> BookingFacts | RowFacts:
    if isinstance(theirs, BookingFacts):
        assert not isinstance(ours, RowFacts)
        return join_booking(ours, theirs)
    assert not isinstance(ours, BookingFacts)
    return join_row(ours, theirs)


async def told(yard: Yard, below: Mapping[TopicPartition, int] | None = None) -> Kept:
    """What all records of the inputs say together; only those below the given offsets, if given."""
    facts: Kept = {}
    for topic in TOLD:
        for record in await yard.records(topic):
            place = TopicPartition(record.topic, record.partition)
            if below is not None and record.offset >= below.get(place, 0):
                continue
            origin = Origin(record.partition, record.offset)
            for seen in decode_record(topic, record.key, record.value, record.timestamp, origin):
                match seen:
                    case RowChanged():
                        key = Key(seen.kind[0], seen.tenant, seen.id)
                        facts[key] = join(facts.get(key), RowFacts(versions=(seen.version,)))
                    case WebhookHeard():
                        key = Key("b", seen.tenant, seen.uid)
                        facts[key] = join(facts.get(key), BookingFacts(told=(seen.told,)))
    return facts


def kept(changelog: Iterable[Any], partitions: Collection[int] | None = None) -> Kept:
    """Facts as the last record of each key has them: what a compacted changelog would still hold."""
    facts: Kept = {}
    for record in changelog:
        if record.value is None or (partitions is not None and record.partition not in partitions):
            continue
        _, entry = DurableState.decode(record.key, record.value)
        if not isinstance(entry, Case):
            facts[decode_key(record.key)] = entry
    return facts


def lacking(state: Kept, wanted: Kept) -> list[str]:
    """Entities of which the state knows less than it should."""
    return [
        f"{key}: {state.get(key)} lacks {facts}"
        for key, facts in wanted.items()
        if state.get(key) is None or join(state[key], facts) != state[key]
    ]
