"""Cal.com as each account's key sees it: the key, the version, the clock, the webhook, the event types."""

import time
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime

import httpx

from connectors.calcom.client import open_http
from connectors.calcom.subscriptions import Audit, Subscription, audited, subscription_of
from connectors.doctor.database import skew_line
from connectors.doctor.line import Line, checked, fail, ok, unknown, warn
from streams.decode.webhook import STATE_TRIGGERS
from streams.model.ids import iso
from streams.settings import Settings
from streams.settings_sections import AccountSettings

#: The `Date` header has whole seconds.
HALF_A_SECOND = 0.5
#: No booking is so far ahead: a list that shows one takes no notice of its filters.
NOBODYS_FUTURE = "2999-01-01T00:00:00.000Z"
REFUSED = frozenset({401, 403})


async def examine_account(settings: Settings, account: AccountSettings) -> list[Line]:
    """Every check with one account's key; only the first if it is not accepted."""
    name = f"account {account.name}"
    if settings.calcom.base_url is None:
        return [fail(name, "calcom.base_url is not set", "set it to an address such as https://api.cal.com")]
    async with open_http(settings.calcom, account) as http:
        first = await _key(http, settings, name)
        if first.outcome != "ok":
            return [first]
        lines = [first, *await checked(f"{name} filters", _filters(http, settings, name))]
        lines += await checked(f"{name} clock", _clock(http, name))
        lines += await checked(f"{name} webhook", _webhook(http, account, name))
        return lines + await checked(f"{name} event types", _event_types(http, account, name))


async def _key(http: httpx.AsyncClient, settings: Settings, name: str) -> Line:
    check, address = f"{name} key", settings.calcom.base_url
    try:
        # The list, since it is what is read later; `me` is not served by every installation.
        reply = await http.get("/v2/bookings", params={"take": 1})
    except httpx.HTTPError as error:
        return fail(
            check, f"{address}: {type(error).__name__}", "is calcom.base_url right, and may it be reached from here?"
        )
    if reply.status_code in REFUSED:
        return fail(
            check, f"refused (status {reply.status_code})", "make a new key in Cal.com and set accounts.api_key"
        )
    if reply.status_code == 429:
        return unknown(check, "Cal.com takes no more requests of this key for a minute", "run it again later")
    if reply.status_code != 200 or not isinstance(_data(reply), list):
        return fail(check, f"status {reply.status_code}, and no list of bookings", "is calcom.base_url Cal.com's API?")
    return ok(check, "accepted, bookings are listed")


async def _filters(http: httpx.AsyncClient, settings: Settings, name: str) -> Line:
    """A wrong version header silently selects an older endpoint, which takes no notice of filters."""
    reply = await http.get("/v2/bookings", params={"take": 1, "afterStart": NOBODYS_FUTURE})
    version = settings.calcom.api_version
    if _data(reply) == []:
        return ok(f"{name} version", f"{version}, filters are heeded")
    mend = "set calcom.api_version to one that Cal.com knows, 2024-08-13 for one"
    return fail(f"{name} version", f"{version}: a list took no notice of its filter", mend)


async def _clock(http: httpx.AsyncClient, name: str) -> Line:
    before = time.time()
    reply = await http.get("/v2/bookings", params={"take": 1, "afterStart": NOBODYS_FUTURE})
    date = reply.headers.get("date")
    if not date:
        return unknown(f"{name} clock", "Cal.com tells no time", "nothing to do: it serves reports only")
    theirs = parsedate_to_datetime(date).timestamp() + HALF_A_SECOND
    return skew_line(f"{name} clock", theirs - (before + time.time()) / 2, "Cal.com, if it is yours")


async def _webhook(http: httpx.AsyncClient, account: AccountSettings, name: str) -> Line:
    check, path = f"{name} webhook", f"/webhooks/calcom/{account.name}"
    reply = await http.get("/v2/webhooks", params={"take": 250})
    rows = _data(reply)
    if not isinstance(rows, list):
        return unknown(
            check, f"status {reply.status_code}, and no list of webhooks", f"look whether one points to …{path}"
        )
    listed = [one for one in map(subscription_of, rows) if one is not None]
    ours = [one for one in listed if one.url.endswith(path)]
    if not ours:
        mend = f"make one in Cal.com to https://<your door>{path}, unless an event type or a team has it"
        return warn(check, "none of ours in the list, which proves nothing", mend)
    audit = audited(None, listed, account.name, iso(round(time.time() * 1000)) or "")
    return subscription_line(check, audit, ours)


def subscription_line(check: str, audit: Audit, ours: Sequence[Subscription]) -> Line:
    """What an audit says of the subscriptions that point at our door."""
    if audit.drift:
        told = "; ".join(f"{each.field}: {each.local or each.calcom}" for each in audit.drift)
        return fail(check, told, "in Cal.com, switch it on, without a template of its own, with all BOOKING_ triggers")
    lacking = sorted(STATE_TRIGGERS - set(audit.triggers))
    if lacking:
        found = f"good, without {', '.join(lacking)}"
        return warn(check, found, "add these triggers: what they tell is found by the poll alone")
    return ok(check, f"active, all triggers, to {', '.join(one.url for one in ours)}")


async def _event_types(http: httpx.AsyncClient, account: AccountSettings, name: str) -> list[Line]:
    check = f"{name} event types"
    if not account.event_types:
        return [ok(check, f"all are tenant {account.tenant}'s")]
    reply = await http.get("/v2/event-types")
    rows = _data(reply)
    if not isinstance(rows, list):
        return [unknown(check, f"status {reply.status_code}, and no list", "compare accounts.event_types by hand")]
    there = {str(row["id"]): str(row.get("slug") or "") for row in rows if isinstance(row, dict) and "id" in row}
    return list(_mapped(check, account, there))


def _mapped(check: str, account: AccountSettings, there: dict[str, str]) -> Iterator[Line]:
    unmapped = [f"{each} ({slug})" for each, slug in sorted(there.items()) if each not in account.event_types]
    if unmapped and account.tenant is None:
        mend = f'accounts.event_types: {{ "{unmapped[0].split()[0]}" = "<tenant>" }}'
        yield warn(check, f"nobody's: {', '.join(unmapped)}; their bookings are not judged", mend)
    if gone := sorted(set(account.event_types) - set(there)):
        yield warn(check, f"mapped, and not in the list: {', '.join(gone)}", "correct accounts.event_types")
    if not gone and not (unmapped and account.tenant is None):
        yield ok(check, f"{len(there)}, all have a tenant")


def _data(reply: httpx.Response) -> object:
    try:
        body = reply.json()
    except ValueError:
        return None
    return body.get("data") if isinstance(body, dict) else None
