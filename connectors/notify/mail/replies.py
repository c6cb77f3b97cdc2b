"""What an SMTP server's reply, or its silence, means for a mail. Details carry codes and words, never addresses.

421, no answer, connection lost          try later: unreachable
other 4xx (greylisted, mailbox busy)     try later: asked to wait
login, certificate, sender, recipients   try later: people must mend the settings
5xx about the mail itself                refused
"""

import re
import ssl

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from connectors.notify.channel import Outcome, Refused, TryLater
from streams.alerts.notice import Reason

#: A server that greylists takes the mail after some minutes; asking earlier begins its wait anew at some of them.
GREYLIST_SECONDS = 120.0
MISCONFIGURED_SECONDS = 60.0
DETAIL_CHARACTERS_MAX = 200
SERVICE_NOT_AVAILABLE = 421

_ADDRESS = re.compile(r"[^\s<>]*@[^\s<>]*")


def outcome_of(error: Exception) -> Outcome:
    """What to do after a mail that nobody took."""
    if isinstance(error, SMTPRecipientsRefused):
        return _nobody_took_it([(each.code, each.message) for each in error.recipients])
    if isinstance(error, SMTPResponseException):
        return _answered(error)
    detail = f"{type(error).__name__}: {_without_addresses(str(error))}"
    # aiosmtplib raises the bare class where a server lacks what we ask for: STARTTLS, a way to log in.
    if type(error) in (SMTPException, SMTPNotSupported) or _is_about_certificates(error):
        return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, detail)
    return TryLater(Reason.UNREACHABLE, None, detail)


def _answered(error: SMTPResponseException) -> Outcome:
    detail = f"{error.code} {_without_addresses(error.message)}"
    if isinstance(error, SMTPAuthenticationError):
        return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, detail)
    if error.code < 500:
        return _for_now(error.code, detail)
    if isinstance(error, SMTPDataError):
        return Refused(detail)
    return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, detail)


def _nobody_took_it(replies: list[tuple[int, str]]) -> Outcome:
    """One recipient that may take it later is enough to try again soon."""
    code, words = min(replies)
    detail = f"no recipient of {len(replies)} taken, first: {code} {_without_addresses(words)}"
    if code < 500:
        return _for_now(code, detail)
    return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, detail)


def _for_now(code: int, detail: str) -> Outcome:
    if code == SERVICE_NOT_AVAILABLE:
        return TryLater(Reason.UNREACHABLE, None, detail)
    return TryLater(Reason.RATE_LIMITED, GREYLIST_SECONDS, detail)


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _without_addresses(words: str) -> str:
    return _ADDRESS.sub("…", " ".join(words.split()))[:DETAIL_CHARACTERS_MAX]
