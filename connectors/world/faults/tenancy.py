"""Ways in which a row is another tenant's, or nobody's."""

from connectors.world.app.desk import Desk
from connectors.world.app.visit import Visit
from connectors.world.faults.syncs import UNHEARD_OF
from connectors.world.faults.way import Planted, Way, about
from connectors.world.instants import now

#: The tenant of rows that have none (design §3).
NOBODY = "~none"


# tenant_mismatch: said in the booking's tenant ---------------------------------------------------------------------


def _strayed(desk: Desk, visit: Visit, at: int, oldest: str | None = None) -> Planted:
    """Mended by giving the row back."""

    async def repair() -> int:
        return await desk.change(visit, company_id=int(desk.practice.tenant))

    uid = visit.booked.uid
    return Planted(subject=about("booking", oldest or uid), complete_at=at, repair=repair, booking_uid=uid)


def _elsewhere(desk: Desk, visit: Visit) -> dict[str, object]:
    # By uid: a number that the neighbour's own lists lack would be an orphan there besides.
    return {"company_id": int(desk.practice.neighbour), "calcom_v2_booking_id": visit.booked.uid}


async def written_for_another_company(desk: Desk) -> Planted:
    visit = await desk.book()
    visit = await desk.row(visit, **_elsewhere(desk, visit))
    return _strayed(desk, visit, now())


async def handed_to_another_company(desk: Desk) -> Planted:
    visit = await desk.visit(call=False)
    await desk.pause(4, 7)
    return _strayed(desk, visit, await desk.change(visit, **_elsewhere(desk, visit)))


async def moved_and_handed_over(desk: Desk) -> Planted:
    """The subject is the chain's oldest uid."""
    visit = await desk.visit(call=False)
    await desk.pause(3, 5)
    moved = await desk.reschedule(visit)
    await desk.repoint(moved)
    await desk.pause(4, 6)
    at = await desk.change(moved, **_elsewhere(desk, moved))
    return _strayed(desk, moved, at, oldest=visit.booked.uid)


# missing_tenant ----------------------------------------------------------------------------------------------------


def _nobodys_call(desk: Desk, call: str, at: int) -> Planted:
    async def repair() -> int:
        return await desk.note(call, company_id=int(desk.practice.tenant))

    return Planted(subject=about("call", call), complete_at=at, repair=repair, tenant=NOBODY, call_id=call)


async def call_of_nobody(desk: Desk) -> Planted:
    call = await desk.ring(company_id=None, session_outcome="information_only", appointment_made=False)
    return _nobodys_call(desk, call, now())


async def call_disowned(desk: Desk) -> Planted:
    call = await desk.ring(session_outcome="hung_up", appointment_made=False)
    await desk.pause(3, 5)
    return _nobodys_call(desk, call, await desk.note(call, company_id=None))


async def appointment_of_nobody(desk: Desk) -> Planted:
    """It names no booking: without a tenant nothing else of it is judged."""
    visit = await desk.row(desk.wish("plain", desk.slot()), **(UNHEARD_OF | {"company_id": None}))
    at = now()

    async def repair() -> int:
        return await desk.change(visit, company_id=int(desk.practice.tenant), status="cancelled")

    return Planted(
        subject=about("appointment", visit.row), complete_at=at, repair=repair, tenant=NOBODY,
        appointment_id=visit.row,
    )  # fmt: skip


WAYS = (
    Way(rule="tenant_mismatch", name="written_for_another_company", story=written_for_another_company),
    Way(rule="tenant_mismatch", name="handed_to_another_company", story=handed_to_another_company),
    Way(rule="tenant_mismatch", name="moved_and_handed_over", story=moved_and_handed_over),
    Way(rule="missing_tenant", name="call_of_nobody", story=call_of_nobody),
    Way(rule="missing_tenant", name="call_disowned", story=call_disowned),
    Way(rule="missing_tenant", name="appointment_of_nobody", story=appointment_of_nobody),
)
