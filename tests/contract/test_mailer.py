"""Mail over a real SMTP server: what is delivered, what is tried again, and what people must mend."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.notify.channel import Delivered, Outcome, Refused, TryLater
from connectors.notify.mail.mailer import Mailer
from streams.alerts.notice import Reason
from streams.settings_notices import MailSettings
from tests.certificates import Certificate, certificate
from tests.mail_receiver import PASSWORD, USER, MailReceiver, receiving_mail

ANA, BEN = "ana@example.com", "ben@example.com"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("mail"))


@pytest.fixture
async def receiver() -> AsyncIterator[MailReceiver]:
    """One without encryption, whose knobs are turned."""
    async with receiving_mail() as one:
        yield one


def mailer(receiver: MailReceiver, *, send_seconds_max: float = 5, **settings: Any) -> Mailer:
    known: dict[str, Any] = {"host": "127.0.0.1", "port": receiver.port, "security": "none", "recipients": (ANA, BEN)}
    return Mailer(MailSettings(**(known | settings)), send_seconds_max=send_seconds_max)


async def sent(by: Mailer, *, key: str = "k1", subject: str = "Über alles", text: str = "text") -> Outcome:
    return await by.send(subject=subject, text=text, html=f"<p>{text}</p>", key=key)


def reason(outcome: Outcome) -> Reason:
    assert isinstance(outcome, TryLater), outcome
    return outcome.reason


def login(**more: Any) -> dict[str, Any]:
    return {"username": USER.decode(), "password": PASSWORD.decode(), **more}


async def test_a_mail_goes_encrypted_and_logged_in_to_all_recipients(ours: Certificate) -> None:
    async with receiving_mail(starttls=ours.context, login=True) as receiver:
        known = mailer(receiver, security="starttls", ca_file=str(ours.ca_file), **login())
        assert await sent(known, text="Grüße\n.\n" + "lang " * 300) == Delivered()
    [mail] = receiver.mails
    assert (mail.over_tls, mail.logged_in, mail.sender) == (True, True, "plumbline@localhost")
    assert mail.recipients == (ANA, BEN)
    assert mail.part("plain").startswith("Grüße\n.\nlang lang")
    assert mail.part("html").startswith("<p>Grüße")
    said = {name: str(mail.message[name]) for name in ("Subject", "To", "From", "Auto-Submitted", "List-Id")}
    assert said == {
        "Subject": "Über alles",
        "To": f"{ANA}, {BEN}",
        "From": "Plumbline <plumbline@localhost>",
        "Auto-Submitted": "auto-generated",
        "List-Id": "Plumbline <plumbline.localhost>",
    }
    assert mail.message["Date"] is not None


async def test_a_server_may_speak_tls_from_the_first_byte(ours: Certificate) -> None:
    async with receiving_mail(tls=ours.context) as receiver:
        assert await sent(mailer(receiver, security="tls", ca_file=str(ours.ca_file))) == Delivered()
    assert [mail.over_tls for mail in receiver.mails] == [True]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_nothing_is_said_to_a_server_whose_certificate_is_not_trusted(ours: Certificate, security: str) -> None:
    contexts: dict[str, Any] = {security: ours.context}
    async with receiving_mail(**contexts) as receiver:
        assert reason(await sent(mailer(receiver, security=security))) is Reason.MISCONFIGURED
    assert receiver.mails == []


async def test_nothing_is_said_in_the_clear_to_a_server_without_starttls(receiver: MailReceiver) -> None:
    assert reason(await sent(mailer(receiver, security="starttls"))) is Reason.MISCONFIGURED
    assert receiver.mails == []


async def test_a_ca_file_that_is_not_there_is_named(receiver: MailReceiver, tmp_path: Path) -> None:
    outcome = await sent(mailer(receiver, security="starttls", ca_file=str(tmp_path / "none.pem")))
    assert reason(outcome) is Reason.MISCONFIGURED
    assert isinstance(outcome, TryLater)
    assert "mail.ca_file" in outcome.detail


async def test_a_wrong_password_is_for_people_to_mend(ours: Certificate) -> None:
    async with receiving_mail(starttls=ours.context, login=True) as receiver:
        wrong = mailer(receiver, security="starttls", ca_file=str(ours.ca_file), **login(password="wrong"))
        assert reason(await sent(wrong)) is Reason.MISCONFIGURED
    assert receiver.mails == []


async def test_a_server_that_is_down_is_tried_again_and_takes_the_mail_once_it_is_back() -> None:
    async with receiving_mail() as receiver:
        waiting = mailer(receiver)
    assert reason(await sent(waiting)) is Reason.UNREACHABLE
    async with receiving_mail(port=receiver.port) as back:
        assert await sent(waiting) == Delivered()
    assert len(back.mails) == 1


async def test_a_greylisted_mail_is_tried_again_after_some_minutes(receiver: MailReceiver) -> None:
    receiver.greylist = 2
    outcome = await sent(mailer(receiver))
    assert reason(outcome) is Reason.RATE_LIMITED
    assert isinstance(outcome, TryLater)
    assert outcome.seconds == 120
    assert "example.com" not in outcome.detail
    assert await sent(mailer(receiver)) == Delivered()


async def test_one_unknown_recipient_does_not_hold_up_the_other(
    receiver: MailReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.unknown = frozenset({BEN})
    with caplog.at_level(logging.WARNING):
        assert await sent(mailer(receiver)) == Delivered()
    assert [mail.recipients for mail in receiver.mails] == [(ANA,)]
    assert [record.getMessage() for record in caplog.records] == ["mail: 1 of 2 recipients refused"]


async def test_recipients_that_are_all_unknown_are_for_people_to_mend_and_are_not_named(
    receiver: MailReceiver,
) -> None:
    receiver.unknown = frozenset({ANA, BEN})
    outcome = await sent(mailer(receiver))
    assert reason(outcome) is Reason.MISCONFIGURED
    assert isinstance(outcome, TryLater)
    assert outcome.detail.startswith("no recipient of 2 taken, first: 550 5.1.1")
    assert "example.com" not in outcome.detail


async def test_a_mail_that_is_turned_down_for_what_it_says_is_not_sent_again(receiver: MailReceiver) -> None:
    receiver.turn_down = 554
    assert await sent(mailer(receiver)) == Refused("554 5.7.1 looks like spam")


@pytest.mark.parametrize(("code", "expected"), [(421, Reason.UNREACHABLE), (452, Reason.RATE_LIMITED)])
async def test_a_server_that_cannot_now_is_asked_again(receiver: MailReceiver, code: int, expected: Reason) -> None:
    receiver.turn_down = code
    assert reason(await sent(mailer(receiver))) is expected


async def test_a_server_that_does_not_answer_is_left(receiver: MailReceiver) -> None:
    receiver.slow_seconds = 30
    assert reason(await sent(mailer(receiver, send_seconds_max=0.3))) is Reason.UNREACHABLE


async def test_a_mail_of_unknown_fate_is_sent_again_under_the_same_name(receiver: MailReceiver) -> None:
    receiver.hang_up = True
    assert reason(await sent(mailer(receiver))) is Reason.UNREACHABLE
    receiver.hang_up = False
    assert await sent(mailer(receiver)) == Delivered()
    assert await sent(mailer(receiver), key="k2") == Delivered()
    first, again, other = [str(mail.message["Message-ID"]) for mail in receiver.mails]
    assert first == again
    assert other != again


async def test_a_mail_that_is_too_long_is_not_sent(receiver: MailReceiver) -> None:
    assert isinstance(await sent(mailer(receiver), text="x" * 3_000_000), Refused)
    assert receiver.mails == []
