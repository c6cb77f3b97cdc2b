"""Mail by SMTP (aiosmtplib): one mail in, one outcome out. Connections are short: mails are rare."""

import asyncio
import contextlib
import logging
import socket
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage

from aiosmtplib import SMTP, SMTPException

from connectors.notify.channel import Delivered, Outcome, Refused, TryLater
from connectors.notify.mail.letter import LETTER_BYTES_MAX, compose
from connectors.notify.mail.replies import MISCONFIGURED_SECONDS, outcome_of
from streams.alerts.notice import Reason
from streams.settings_notices import MailSettings

logger = logging.getLogger(__name__)

#: From connecting to the server's word that it has the mail; less than the lease of a notice (30 s).
SEND_SECONDS_MAX = 20.0
#: To say good-bye, after which nothing can go wrong any more.
QUIT_SECONDS_MAX = 2.0


class Mailer:
    """Sends mails to the recipients of `[mail]`. Raises ValueError where no server is configured."""

    def __init__(self, settings: MailSettings, *, send_seconds_max: float = SEND_SECONDS_MAX) -> None:
        if settings.host is None:
            raise ValueError("mail.host is missing: without a server there is no mail")
        self._settings = settings
        self._send_seconds_max = send_seconds_max
        self._tls: ssl.SSLContext | None = None

    async def send(self, *, subject: str, text: str, html: str, key: str) -> Outcome:
        """Send one mail to all recipients. Never raises for what the server does.

        `key` names the mail: sent twice, it has the same Message-ID, and mail programs show it once. Delivered when
        the server took it for at least one recipient.
        """
        letter = compose(self._settings, subject=subject, text=text, html=html, key=key, now=datetime.now(UTC))
        size = len(letter.as_bytes())
        if size > LETTER_BYTES_MAX:
            return Refused(f"a mail of {size} bytes; at most {LETTER_BYTES_MAX} are sent")
        try:
            client = await self._client()
        except OSError as error:
            return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, f"mail.ca_file cannot be used: {error}")
        try:
            return await self._hand_over(client, letter)
        except (SMTPException, OSError, TimeoutError) as error:
            return outcome_of(error)
        finally:
            client.close()

    async def _hand_over(self, client: SMTP, letter: EmailMessage) -> Outcome:
        async with asyncio.timeout(self._send_seconds_max):
            await client.connect()
            refused, _ = await client.send_message(letter)
        if refused:
            logger.warning("mail: %d of %d recipients refused", len(refused), len(self._settings.recipients))
        with contextlib.suppress(SMTPException, OSError):
            await client.quit(timeout=QUIT_SECONDS_MAX)
        return Delivered()

    async def _client(self) -> SMTP:
        """Raises OSError for a CA file that is not there or holds no certificate (SSLError is one)."""
        settings = self._settings
        if self._tls is None and settings.security != "none":
            self._tls = await asyncio.to_thread(ssl.create_default_context, cafile=settings.ca_file)
        return SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=None if settings.password is None else settings.password.get_secret_value(),
            # Its default asks DNS for our full name, and may wait for it.
            local_hostname=socket.gethostname() or "localhost",
            timeout=self._send_seconds_max,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=self._tls,
        )
