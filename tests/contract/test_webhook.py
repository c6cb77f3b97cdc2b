"""Signed webhooks over real HTTP: what a receiver can check, and what becomes of its answers."""

import asyncio
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from connectors.notify.channel import Delivered, Outcome, Refused, TryLater
from connectors.notify.http_answers import deliver
from connectors.notify.webhook import WebhookChannel, webhook_channels
from connectors.world.serving import serving
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, Reason
from streams.model.records import Evidence
from streams.settings import Settings
from streams.settings_notices import WebhookSettings
from tests.alert_words import Life, finding
from tests.certificates import certificate
from tests.notice_receivers import WebhookReceiver
from tests.notice_words import telling

SECRET = f"whsec_{b64encode(b'k' * 32).decode()}"
OTHER_SECRET = f"whsec_{b64encode(b'o' * 32).decode()}"


class Ours:
    """A receiver on this machine, and the channel to it."""

    def __init__(self, receiver: WebhookReceiver, url: str) -> None:
        self.receiver = receiver
        self.url = url.replace("127.0.0.1", "localhost") + "/hook"
        self.channel = self.made()

    def made(self, **settings: Any) -> WebhookChannel:
        known: dict[str, Any] = {"name": "crm", "url": self.url, "secret": SECRET, "allow_private": True}
        return WebhookChannel(WebhookSettings(**(known | settings)))

    async def gets(self, *answers: Response, **more: Any) -> Outcome:
        self.receiver.answers[:] = answers
        return await self.channel.tell(telling(NoticeKind.OPENED, alert(), **more))


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[tuple[WebhookReceiver, str]]:
    receiver = WebhookReceiver(SECRET)
    async with serving(receiver.app()) as url:
        yield receiver, url


@pytest.fixture
async def ours(served: tuple[WebhookReceiver, str]) -> AsyncIterator[Ours]:
    served[0].forget()
    made = Ours(*served)
    yield made
    await made.channel.close()


async def _take_it(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    writer.close()


def alert() -> Alert:
    found: Alert = Life().hears(finding("opened", 1)).alert
    return found


async def test_a_receiver_can_check_who_it_is_from_and_gets_the_whole_alert(ours: Ours) -> None:
    assert await ours.gets() == Delivered()
    [body] = ours.receiver.bodies
    assert (body["type"], body["timestamp"]) == ("alert.opened", alert().updated_at)
    assert body["data"]["total"] == 1
    [told] = body["data"]["alerts"]
    assert (told["id"], told["rule"], told["booking_uid"]) == (alert().id, "orphaned_calcom", "4fQ")
    assert ours.receiver.ids == ["notice-1"]
    assert ours.receiver.hosts == [httpx.URL(ours.url).netloc.decode()], "the host is named as it is configured"


async def test_another_secret_is_seen(ours: Ours) -> None:
    forger = ours.made(secret=OTHER_SECRET)
    outcome = await forger.tell(telling(NoticeKind.OPENED, alert()))
    await forger.close()
    assert isinstance(outcome, TryLater)
    assert (outcome.reason, ours.receiver.forged, ours.receiver.bodies) == (Reason.MISCONFIGURED, ["notice-1"], [])


async def test_a_repeat_has_the_same_id(ours: Ours) -> None:
    assert isinstance(await ours.gets(Response(status_code=500)), TryLater)
    assert await ours.gets() == Delivered()
    assert await ours.gets() == Delivered()
    assert ours.receiver.ids == ["notice-1", "notice-1"]


async def test_restricted_evidence_stays_here(ours: Ours) -> None:
    facts = tuple(Evidence(source="database", what=what, restricted=what == "theirs") for what in ("own", "theirs"))
    assert await ours.channel.tell(telling(NoticeKind.OPENED, replace(alert(), evidence=facts))) == Delivered()
    [told] = ours.receiver.bodies[0]["data"]["alerts"]
    assert [fact["what"] for fact in told["evidence"]] == ["own"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (408, Reason.UNREACHABLE),
        (500, Reason.UNREACHABLE),
        (503, Reason.UNREACHABLE),
        (429, Reason.RATE_LIMITED),
        (401, Reason.MISCONFIGURED),
        (404, Reason.MISCONFIGURED),
    ],
)
async def test_what_may_pass_or_be_mended_is_tried_again(ours: Ours, status: int, reason: Reason) -> None:
    outcome = await ours.gets(Response(status_code=status))
    assert isinstance(outcome, TryLater)
    assert outcome.reason is reason
    assert await ours.gets() == Delivered()


async def test_a_receiver_that_asks_to_wait_is_given_its_time(ours: Ours) -> None:
    outcome = await ours.gets(Response(status_code=429, headers={"Retry-After": "7"}))
    assert outcome == TryLater(Reason.RATE_LIMITED, 7.0, "429")


async def test_a_message_that_is_refused_is_not_sent_again(ours: Ours) -> None:
    assert await ours.gets(PlainTextResponse("no such field", status_code=422)) == Refused("422 no such field")


async def test_a_receiver_that_is_gone_is_left_alone(ours: Ours) -> None:
    assert isinstance(await ours.gets(Response(status_code=410)), Refused)
    assert isinstance(await ours.gets(), Refused)
    assert ours.receiver.requests == 1


async def test_a_redirect_is_not_followed(ours: Ours) -> None:
    outcome = await ours.gets(RedirectResponse(ours.url))
    assert isinstance(outcome, TryLater)
    assert (outcome.reason, ours.receiver.requests) == (Reason.MISCONFIGURED, 1)


async def test_of_a_long_answer_only_the_beginning_is_read(ours: Ours) -> None:
    outcome = await ours.gets(PlainTextResponse("x" * 5_000_000, status_code=400))
    assert isinstance(outcome, Refused)
    assert len(outcome.detail) == 300


async def test_a_receiver_inside_gets_nothing_unless_it_is_allowed(ours: Ours) -> None:
    guarded = ours.made(allow_private=False)
    outcome = await guarded.tell(telling(NoticeKind.OPENED, alert()))
    assert isinstance(outcome, TryLater)
    assert outcome.reason is Reason.MISCONFIGURED
    assert "allow_private" in outcome.detail
    assert ours.receiver.requests == 0


async def test_a_name_that_leads_elsewhere_the_next_time_gains_nothing(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, asked = asyncio.get_running_loop(), []
    resolved = loop.getaddrinfo

    async def rebinding(host: Any, port: Any, **more: Any) -> Any:
        """A name server that says 127.0.0.1 first, and then an address where nobody is."""
        if host != "rebinding.test":
            return await resolved(host, port, **more)
        asked.append(host)
        return await resolved("127.0.0.1" if len(asked) == 1 else "127.0.0.9", port, **more)

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    channel = ours.made(url=ours.url.replace("localhost", "rebinding.test"))
    assert await channel.tell(telling(NoticeKind.OPENED, alert())) == Delivered()
    await channel.close()
    assert asked == ["rebinding.test"]
    assert ours.receiver.hosts[0].startswith("rebinding.test:")


async def test_a_receiver_that_is_down_is_tried_again(ours: Ours) -> None:
    async with serving(WebhookReceiver(SECRET).app()) as url:
        nobody = ours.made(url=url)
    outcome = await nobody.tell(telling(NoticeKind.OPENED, alert()))
    await nobody.close()
    assert isinstance(outcome, TryLater)
    assert outcome.reason is Reason.UNREACHABLE


async def test_a_receiver_that_does_not_answer_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with httpx.AsyncClient() as client:
            request = client.build_request("POST", f"http://127.0.0.1:{silent.getsockname()[1]}")
            outcome = await deliver(client, request, seconds_max=0.2)
    assert isinstance(outcome, TryLater)
    assert outcome.reason is Reason.UNREACHABLE


async def test_a_certificate_is_checked_by_the_name_though_the_address_is_pinned(tmp_path: Path) -> None:
    own = certificate(tmp_path, by_address=False)
    server = await asyncio.start_server(_take_it, "127.0.0.1", 0, ssl=own.context)
    address = f"https://localhost:{server.sockets[0].getsockname()[1]}/hook"
    settings = {"name": "crm", "url": address, "secret": SECRET, "allow_private": True}
    trusting = WebhookChannel(WebhookSettings(**settings, ca_file=str(own.ca_file)))
    by_number = WebhookChannel(
        WebhookSettings(**settings | {"url": address.replace("localhost", "127.0.0.1")}, ca_file=str(own.ca_file))
    )
    doubting = WebhookChannel(WebhookSettings(**settings))
    outcomes = [await channel.tell(telling(NoticeKind.OPENED, alert())) for channel in (trusting, by_number, doubting)]
    for channel in (trusting, by_number, doubting):
        await channel.close()
    server.close()
    assert outcomes[0] == Delivered()
    for outcome in outcomes[1:]:
        assert isinstance(outcome, TryLater)
        assert "CERTIFICATE_VERIFY_FAILED" in outcome.detail


def test_each_receiver_is_a_channel_of_its_own() -> None:
    receivers = [{"name": name, "url": "https://receiver.example", "secret": SECRET} for name in ("crm", "lake")]
    settings = Settings(webhooks=tuple(WebhookSettings(**one) for one in receivers))
    assert [channel.name for channel in webhook_channels(settings)] == ["webhook:crm", "webhook:lake"]
