"""Which bookings, appointments and calls are one cause, and who is attached to whom in its picture."""

import pytest

from streams.facts.index import CAUSE_ENTITIES_MAX, FactIndex, Key, decode_key
from streams.facts.picture import Fresh
from streams.facts.twins import booking_key
from streams.model.facts import CallRow, RowFacts
from tests.fact_words import END, START, Facts, booking, chains, change, history, link, lookup, read, row, select, told
from tests.truth import TENANT, at

# Keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [Key("b", "1", "4fQx"), Key("a", "~none", "17"), Key("b", "1", "a|b|c")])
def test_a_key_is_read_as_it_was_written(key: Key) -> None:
    assert decode_key(key.encode()) == key


# One cause -----------------------------------------------------------------------------------------------


def world() -> Facts:
    """A call, its appointment, the booking it names, and another pair beside it."""
    facts = Facts().booking("4fQx", told(0, numeric_id="901")).booking("5gRy", told(0))
    facts.appointment("17", row(booking="4fQx", call="5")).appointment("18", row(booking="5gRy"))
    return facts.call("5", CallRow(booking="901", made=True))


@pytest.mark.parametrize("start", [("b", "4fQx"), ("a", "17"), ("c", "5"), ("b", "901")])
def test_whoever_names_one_another_is_one_cause(start: tuple[str, str]) -> None:
    facts = world()
    found = facts.index.cause(facts.key(*start))
    assert found[0] == facts.key(*start)
    assert {f"{key.kind} {key.id}" for key in found} == {"a 17", "b 4fQx", "b 901", "c 5"}


def test_the_picture_joins_row_booking_and_call() -> None:
    cause = world().cause("a", "17")
    assert chains(cause) == [["4fQx"]]
    (appointment,), (call,) = cause.appointments, cause.calls
    assert (cause.tenant, appointment.id, call.id) == (TENANT, "17", "5")
    assert appointment.link is call.link is link(cause, "4fQx")
    assert call.appointments == [appointment]
    assert cause.calls_naming(cause.chains[0]) == [call]
    assert cause.appointments_of(link(cause, "4fQx")) == [appointment]


def test_a_row_may_name_a_booking_before_its_number_is_learnt() -> None:
    facts = Facts().appointment("17", row(booking="901"))
    assert facts.index.uid(TENANT, "901") == "901"
    assert chains(facts.cause("a", "17")) == [["901"]]
    facts.booking("4fQx", read(1, numeric_id="901"))
    assert facts.index.uid(TENANT, "901") == "4fQx"
    assert facts.index.uid("2", "901") == "901"
    assert chains(facts.cause("a", "17")) == [["4fQx"]]
    assert facts.key("a", "17") in facts.index.linked(facts.key("b", "4fQx"))


def test_whoever_named_a_booking_by_any_of_its_names_is_linked_with_it() -> None:
    facts = Facts().booking("4fQx", told(0, numeric_id="901"), told(1, predecessor="3eZx"))
    facts.appointment("17", row(booking="901")).appointment("18", change(0, row(booking="4fQx")), change(1, row()))
    facts.appointment("19", row(booking="3eZx"))
    found = {f"{key.kind} {key.id}" for key in facts.index.linked(facts.key("b", "4fQx"))}
    assert found == {"a 17", "a 18", "b 901", "b 3eZx", "b 4fQx"}
    assert facts.index.linked(facts.key("b", "nobody")) == set()


def test_a_cause_is_cut_off_at_its_bound() -> None:
    facts = Facts().booking("4fQx", told(0))
    for number in range(CAUSE_ENTITIES_MAX + 3):
        facts.appointment(str(number), row(booking="4fQx"))
    assert len(facts.index.cause(facts.key("b", "4fQx"))) == CAUSE_ENTITIES_MAX


def test_bookings_of_one_host_at_one_start_meet() -> None:
    facts = Facts()
    for uid, host, start in (("a1", "7", START), ("b2", "7", START), ("c3", "8", START), ("d4", "7", END)):
        facts.booking(uid, told(0, start=start, hosts=(host, "9" if uid == "d4" else "10" + host)))
    assert set(facts.index.cause(facts.key("b", "b2"))) == {facts.key("b", "a1"), facts.key("b", "b2")}


def test_what_was_forgotten_is_met_no_more() -> None:
    facts = Facts().booking("a1", told(0, hosts=("7",)))
    assert facts.index.drop(facts.key("b", "a1"))
    assert not facts.index.drop(facts.key("b", "a1"))
    facts.booking("b2", told(0, hosts=("7",))).booking("c3", told(0, hosts=("7",)))
    assert facts.index.cause(facts.key("b", "b2")) == [facts.key("b", "b2"), facts.key("b", "c3")]


def test_forgetting_leaves_nothing_behind() -> None:
    """State is bounded: what is dropped is dropped from every table."""
    facts = Facts().booking("4fQx", told(0, numeric_id="901", hosts=("7",)), read(1, series="s1", successor="5gRy"))
    facts.booking("5gRy", told(2, predecessor="4fQx"), read(3)).appointment("17", row(booking="s1", key="k", call="5"))
    facts.call("5", CallRow(booking="901"))
    for kind, name in (("a", "17"), ("c", "5"), ("b", "4fQx"), ("b", "5gRy"), ("b", "901")):
        facts.index.drop(facts.key(kind, name))
    left = {name: held for name, held in vars(facts.index).items() if held and name != "_tenants"}
    assert {name: {key: kept for key, kept in held.items() if kept} for name, held in left.items()} == {"_series": {}}
    assert facts.index.tenants() == {TENANT}


def test_forgetting_one_leaves_the_others_linked_and_no_name_behind() -> None:
    facts = (
        Facts().booking("4fQx", told(0)).appointment("17", row(booking="4fQx")).appointment("18", row(booking="4fQx"))
    )
    facts.index.drop(facts.key("a", "17"))
    assert facts.index.cause(facts.key("b", "4fQx")) == [facts.key("b", "4fQx"), facts.key("a", "18")]
    alone = Facts().appointment("17", row(booking="4fQx", call="5"))
    alone.index.drop(alone.key("a", "17"))
    assert [name for name, held in vars(alone.index).items() if held] == ["_tenants"]


def test_a_row_that_was_written_again_after_its_deletion_is_linked() -> None:
    facts = Facts().appointment("17", change(0, None), change(1, row(booking="4fQx")))
    assert facts.index.cause(facts.key("b", "4fQx")) == [facts.key("b", "4fQx"), facts.key("a", "17")]


def test_twins_meet_by_key_and_by_customer_service_and_time() -> None:
    """A start a moment before the next span of five minutes has its twin beside it."""
    span = 5 * 60_000
    base = START - START % span
    near = {"customer": "3", "service": "4"}
    facts = Facts().appointment("17", row(key="k")).appointment("18", row(key="k"))
    facts.appointment("19", row(start=base, **near)).appointment("20", row(start=base - 1, **near))
    facts.appointment("21", row(start=base + 2 * span, **near)).appointment("22", row(key="k", status="cancelled"))
    for row_id, together in (("17", {"17", "18"}), ("19", {"19", "20"}), ("20", {"19", "20"}), ("21", {"21"})):
        assert {key.id for key in facts.index.cause(facts.key("a", row_id))} == together
    assert {key.id for key in facts.index.cause(facts.key("a", "22"))} == {"22"}


def test_a_booking_key_is_the_stored_one_else_made_of_customer_service_start_and_source() -> None:
    """By design §4: UUIDv5 over `3:4:2027-01-15T09:00:00.000Z:web`."""
    known = {"customer": "3", "service": "4", "source": "web"}
    assert booking_key(row(**known)) == "275230f5-db72-5cc3-977f-eba8c6ba57cf"
    assert booking_key(row(**known, key="k")) == "k"
    for missing in ("customer", "service", "source", "start"):
        assert booking_key(row(**(known | {missing: None}))) is None


def test_a_customer_alone_makes_no_twins() -> None:
    for columns in ({"customer": "3"}, {"service": "4"}, {"customer": "3", "service": "4", "start": None}):
        facts = Facts().appointment("17", row(**columns)).appointment("18", row(**columns))
        assert facts.index.cause(facts.key("a", "17")) == [facts.key("a", "17")]


def test_twins_meet_whoever_came_first() -> None:
    near = {"customer": "3", "service": "4"}
    for first, second in ((START, START - 1), (START - 1, START)):
        facts = Facts().appointment("17", row(start=first, **near)).appointment("18", row(start=second, **near))
        assert {key.id for key in facts.index.cause(facts.key("a", "17"))} == {"17", "18"}


def test_what_a_row_was_before_makes_no_twins() -> None:
    facts = Facts().appointment("17", change(0, row(key="old")), change(1, row(key="new")))
    facts.appointment("20", select(0, row(key="old")), select(1, row(key="another")))
    facts.appointment("18", row(key="old")).appointment("19", select(0, row(key="new")))
    assert {key.id for key in facts.index.cause(facts.key("a", "17"))} == {"17", "19"}
    assert facts.index.cause(facts.key("a", "20")) == [facts.key("a", "20")]


# Fresh pictures, rows that are not attached, series ----------------------------------------------------------


def test_a_fresh_picture_shows_the_named_bookings_by_new_reads_alone() -> None:
    facts = Facts().booking("4fQx", told(0), read(1)).booking("5gRy", read(1), read(2, successor="4fQx"))
    fresh = facts.cause("b", "4fQx", Fresh(at(1.001), frozenset({"4fQx"})))
    states = {each.uid: each.state and each.state.read for chain in fresh.chains for each in chain.links}
    assert states == {"4fQx": None, "5gRy": None}
    assert link(fresh, "4fQx").state is not None  # its webhook still claims
    own = facts.cause("b", "4fQx", Fresh(at(1), frozenset({"4fQx"})))
    assert link(own, "4fQx").state == link(facts.cause("b", "4fQx"), "4fQx").state


def test_a_row_that_a_newer_select_did_not_show_is_not_attached() -> None:
    def holders(*, rows: tuple[str, ...], second: float) -> list[str]:
        facts = Facts().booking("4fQx", told(0), lookup=lookup(second, *rows)).appointment("17", row(booking="4fQx"))
        cause = facts.cause("b", "4fQx")
        return [each.id for each in cause.appointments_of(link(cause, "4fQx"))]

    assert holders(rows=("17",), second=5) == ["17"]
    assert holders(rows=("18",), second=5) == []
    assert holders(rows=(), second=-0.5) == ["17"]


def test_nor_to_a_call() -> None:
    def holders(*rows: str) -> list[str]:
        facts = Facts().appointment("17", row(call="5")).appointment("18", row(call="6"))
        facts.call("5", CallRow(), by=lookup(5, *rows)).call("6", CallRow())
        return [each.id for each in facts.cause("c", "5").calls[0].appointments]

    assert holders("17") == ["17"]
    assert holders() == []


def test_rows_that_are_only_named_are_not_shown() -> None:
    cause = Facts().appointment("17", row(call="5")).cause("c", "5")
    assert ([each.id for each in cause.appointments], cause.calls) == (["17"], [])
    assert Facts().cause("a", "17").appointments == []


def test_rows_that_are_gone_are_not_shown() -> None:
    facts = Facts().appointment("17", change(0, row(booking="4fQx")), change(1, None)).call("5", change(0, None))
    facts.appointment("18", row(booking="4fQx")).appointment("9", row(booking="4fQx", call="5"))
    facts.index.put_row(facts.key("a", "20"), RowFacts())
    facts.call("6", by=lookup(1))
    cause = facts.all()
    assert [each.id for each in cause.appointments] == ["9", "18"]  # numbers in their order
    assert cause.calls == []


@pytest.mark.parametrize(
    ("start", "held"), [(START, "b2"), (START + 60_000, "b2"), (START + 60_001, "s1"), (None, "s1")]
)
def test_a_row_that_names_a_series_means_the_booking_that_starts_with_it(start: int | None, held: str) -> None:
    facts = Facts().booking("a1", read(0, series="s1", start=START - 7 * END)).booking("b2", read(0, series="s1"))
    facts.booking("c3", told(0)).appointment("17", row(booking="s1", start=start))
    (appointment,) = facts.cause("a", "17").appointments
    assert appointment.link is not None
    assert appointment.link.uid == held


def test_a_series_hangs_together_only_where_a_row_names_it() -> None:
    facts = Facts().booking("a1", read(0, series="s1"))
    assert facts.index.cause(facts.key("b", "a1")) == [facts.key("b", "a1")]
    facts.appointment("17", row(booking="s1"))
    facts.booking("b2", read(0, series="s1"))
    assert {key.id for key in facts.index.cause(facts.key("b", "a1"))} == {"a1", "b2", "s1", "17"}


def test_facts_of_another_tenant_are_strangers() -> None:
    index = FactIndex()
    index.put_booking(Key("b", "1", "4fQx"), booking(told(0, hosts=("7",))))
    index.put_booking(Key("b", "2", "5gRy"), booking(told(0, hosts=("7",), predecessor="4fQx")))
    index.put_row(Key("a", "2", "17"), history(change(0, row(booking="4fQx", key="k"))))
    index.put_row(Key("a", "1", "18"), history(change(0, row(key="k"))))
    assert index.cause(Key("b", "1", "4fQx")) == [Key("b", "1", "4fQx")]
    assert index.cause(Key("a", "1", "18")) == [Key("a", "1", "18")]
    assert index.tenants() == {"1", "2"}
