"""A real SMTP server (aiosmtpd) that keeps what it gets, and has bad days when told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = b"plumbline", b"right"


@dataclass(frozen=True)
class Received:
    """One mail as it came, with its envelope."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    over_tls: bool
    logged_in: bool

    def part(self, subtype: str) -> str:
        """`plain` or `html`, decoded."""
        [found] = [one for one in self.message.walk() if one.get_content_type() == f"text/{subtype}"]
        return str(found.get_content()).replace("\r\n", "\n")


@dataclass
class MailReceiver:
    """What came, and knobs that may be turned at any time."""

    port: int = 0
    mails: list[Received] = field(default_factory=list)
    #: The next so many recipients are told to come back later.
    greylist: int = 0
    #: These recipients are not known here.
    unknown: frozenset[str] = frozenset()
    #: The code with which mails are turned down after they were read; 0 takes them.
    turn_down: int = 0
    #: Keeps the mail, and hangs up without saying so.
    hang_up: bool = False
    #: Before the answer to a mail.
    slow_seconds: float = 0.0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd's hook for a recipient."""
        if self.greylist > 0:
            self.greylist -= 1
            return f"451 4.7.1 <{address}>: greylisted, come back later"
        if address in self.unknown:
            return f"550 5.1.1 <{address}>: no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook for a mail."""
        await asyncio.sleep(self.slow_seconds)
        if self.turn_down:
            return f"{self.turn_down} 5.7.1 looks like spam"
        content = envelope.original_content
        assert content is not None
        assert envelope.mail_from is not None
        message: Any = BytesParser(policy=default).parsebytes(content)
        received = Received(
            sender=envelope.mail_from,
            recipients=tuple(envelope.rcpt_tos),
            message=message,
            over_tls=session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
            logged_in=bool(session.authenticated),
        )
        self.mails.append(received)
        if self.hang_up:
            server.transport.abort()
        return "250 OK"


def _login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
    known = isinstance(login, LoginPassword) and (login.login, login.password) == (USER, PASSWORD)
    return AuthResult(success=known, handled=False)


@asynccontextmanager
async def receiving_mail(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    login: bool = False,
    port: int = 0,
) -> AsyncIterator[MailReceiver]:
    """A server on 127.0.0.1, plain unless one of the contexts is given; `login` takes mails from users alone."""
    receiver = MailReceiver()
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(
            receiver,
            hostname="mail.test",
            loop=loop,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=login,
            auth_require_tls=starttls is not None,
            authenticator=_login if login else None,
        )

    server = await loop.create_server(session, "127.0.0.1", port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await server.wait_closed()
