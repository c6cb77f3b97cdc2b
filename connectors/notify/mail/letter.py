"""A mail as it leaves: headers that a mail program can sort by, and one text in two forms."""

import hashlib
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from streams.settings_notices import MailSettings

SUBJECT_CHARACTERS_MAX = 200
#: Of the whole mail. Servers take 10 MB and more; what we say fits into far less.
LETTER_BYTES_MAX = 2 * 1024 * 1024
#: Text goes out as quoted-printable or base64, so that a server without 8BITMIME takes it too.
_POLICY = SMTP.clone(cte_type="7bit")


def compose(settings: MailSettings, *, subject: str, text: str, html: str, key: str, now: datetime) -> EmailMessage:
    """The mail to all recipients. `now` is its date; the same `key` gives the same Message-ID, whenever it is sent."""
    domain = Address(addr_spec=settings.sender).domain
    letter = EmailMessage(policy=_POLICY)
    letter["Date"] = format_datetime(now.astimezone(UTC))
    letter["From"] = Address("Plumbline", addr_spec=settings.sender)
    letter["To"] = [Address(addr_spec=recipient) for recipient in settings.recipients]
    letter["Subject"] = one_line(subject)
    letter["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"
    letter["List-Id"] = f"Plumbline <plumbline.{domain}>"
    # No out-of-office answers, and no loops with other machines (RFC 3834).
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text)
    letter.add_alternative(html, subtype="html")
    return letter


def one_line(subject: str) -> str:
    """A subject that cannot become another header: one line without control characters, and not too long."""
    printable = "".join(sign if sign.isprintable() else " " for sign in subject)
    line = " ".join(printable.split())
    return line if len(line) <= SUBJECT_CHARACTERS_MAX else line[: SUBJECT_CHARACTERS_MAX - 1] + "…"
