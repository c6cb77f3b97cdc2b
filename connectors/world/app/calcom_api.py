"""How the booking application asks Cal.com: over HTTP, with a key of its own, and a fate for what is planted."""

from typing import Any

import httpx
import msgspec

from connectors.world.config import WorldAccount
from connectors.world.instants import parse, with_millis
from connectors.world.knobs import FATE_HEADER, Fate


class CalcomFailed(Exception):
    """Cal.com refused, failed or did not answer; what became of the booking is not known. `status` 0 is none."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:200]}")
        self.status = status


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as the application was told of it. Times in milliseconds; `changed_at` by Cal.com's clock."""

    id: int
    uid: str
    status: str
    start: int
    end: int
    changed_at: int
    seat: str | None = None


class AccountApi:
    """One account's API."""

    def __init__(self, base_url: str, account: WorldAccount) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url,
            timeout=5,
            headers={"authorization": f"Bearer {account.app_key}", "cal-api-version": "2024-08-13"},
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def create(
        self,
        start: int,
        event_type: int,
        name: str,
        email: str,
        fate: Fate,
        minutes: int | None = None,
        *,
        instant: bool = False,
    ) -> Booked:
        """Raises CalcomFailed."""
        body: dict[str, object] = {
            "start": with_millis(start),
            "eventTypeId": event_type,
            "attendee": {"name": name, "email": email, "timeZone": "Europe/Lisbon"},
        }
        if minutes is not None:
            body["lengthInMinutes"] = minutes
        if instant:
            body["instant"] = True
        return _booked(await self._post("/v2/bookings", body, fate))

    async def create_series(
        self, start: int, event_type: int, name: str, email: str, count: int, fate: Fate
    ) -> list[Booked]:
        """One booking a week. Raises CalcomFailed."""
        body: dict[str, object] = {
            "start": with_millis(start),
            "eventTypeId": event_type,
            "attendee": {"name": name, "email": email, "timeZone": "Europe/Lisbon"},
            "recurrenceCount": count,
        }
        return [_booked(each) for each in await self._post("/v2/bookings", body, fate)]

    async def reschedule(self, uid: str, start: int, fate: Fate, by: str | None = None) -> Booked:
        """The new booking. Raises CalcomFailed."""
        body: dict[str, object] = {"start": with_millis(start)}
        if by is not None:
            body["rescheduledBy"] = by
        return _booked(await self._post(f"/v2/bookings/{uid}/reschedule", body, fate))

    async def cancel(self, uid: str, fate: Fate, seat: str | None = None) -> Booked:
        """Raises CalcomFailed."""
        body: dict[str, object] = {"seatUid": seat} if seat else {"cancellationReason": "Cannot come"}
        return _booked(await self._post(f"/v2/bookings/{uid}/cancel", body, fate))

    async def cancel_remaining(self, uid: str, fate: Fate) -> Booked:
        """This occurrence of a series and all after it. Raises CalcomFailed."""
        body = {"cancellationReason": "Cannot come", "cancelSubsequentBookings": True}
        return _booked(await self._post(f"/v2/bookings/{uid}/cancel", body, fate))

    async def request_reschedule(self, uid: str, fate: Fate) -> Booked:
        """Raises CalcomFailed."""
        body: dict[str, object] = {"rescheduleReason": "The room is taken"}
        return _booked(await self._post(f"/v2/bookings/{uid}/request-reschedule", body, fate))

    async def mark_absent(self, uid: str, fate: Fate) -> Booked:
        """Raises CalcomFailed."""
        return _booked(await self._post(f"/v2/bookings/{uid}/mark-absent", {"host": False}, fate))

    async def confirm(self, uid: str, fate: Fate) -> Booked:
        """Raises CalcomFailed."""
        return _booked(await self._post(f"/v2/bookings/{uid}/confirm", {}, fate))

    async def decline(self, uid: str, fate: Fate) -> Booked:
        """Raises CalcomFailed."""
        return _booked(await self._post(f"/v2/bookings/{uid}/decline", {"reason": "Fully booked"}, fate))

    async def pay(self, uid: str, fate: Fate) -> Booked:
        """The payment provider's word. Raises CalcomFailed."""
        return _booked(await self._post(f"/v2/bookings/{uid}/pay", {}, fate))

    async def find(self, email: str) -> Booked | None:
        """The newest booking of this attendee, as a replica shows it. Raises CalcomFailed."""
        params = {"attendeeEmail": email, "sortCreated": "desc", "take": "1"}
        found = await self._send(self._http.build_request("GET", "/v2/bookings", params=params))
        return _booked(found[0]) if found else None

    async def ping(self, account: str) -> None:
        """Presses the test button of the account's webhooks."""
        await self._http.post(f"/_control/ping/{account}")

    async def tell(self, uid: str, trigger: str, status: str | None = None) -> None:
        """Makes Cal.com say something that is no change of the booking's state."""
        await self._http.post(f"/_control/tell/{uid}", json={"trigger": trigger, "status": status})

    async def _post(self, path: str, body: dict[str, object], fate: Fate) -> Any:
        headers = {FATE_HEADER: msgspec.json.encode(fate).decode()} if fate != Fate() else {}
        return await self._send(self._http.build_request("POST", path, json=body, headers=headers))

    async def _send(self, request: httpx.Request) -> Any:
        try:
            answer = await self._http.send(request)
        except httpx.HTTPError as error:
            raise CalcomFailed(0, repr(error)) from error
        if not answer.is_success:
            raise CalcomFailed(answer.status_code, answer.text)
        return answer.json()["data"]


def _booked(told: dict[str, Any]) -> Booked:
    return Booked(
        id=told["id"],
        uid=told["uid"],
        status=told["status"],
        start=parse(told["start"]),
        end=parse(told["end"]),
        changed_at=parse(told["updatedAt"]),
        seat=told["attendees"][-1].get("seatUid"),
    )
