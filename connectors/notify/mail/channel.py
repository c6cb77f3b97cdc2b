"""Mail as a channel: the digest of what stands and what is over, and what is critical at once."""

import time

from connectors.notify.audience import Audience, audience_of
from connectors.notify.channel import Channel, Outcome, Telling
from connectors.notify.mail.mailer import Mailer
from connectors.notify.mail.page import page_of
from connectors.notify.mail.rendering import html_of, text_of
from streams.alerts.notice import NoticeKind, Pace
from streams.model.ids import Instant
from streams.settings import Settings
from streams.settings_notices import MailSettings

DIGEST = "mail"
AT_ONCE = "mail-now"
#: A mail cannot be edited: what only edits is no mail.
_TOLD = frozenset(NoticeKind) - {NoticeKind.CHANGED}


def mail_channels(settings: Settings) -> tuple[Channel, ...]:
    """`mail`, the digest, and `mail-now` where mails at once are wanted; without a server none."""
    mail, audience = settings.mail, audience_of(settings)
    channels: list[Channel] = []
    if mail.host and mail.digest_hours:
        channels.append(MailChannel(DIGEST, "digest", _TOLD, mail, audience))
    if mail.host and mail.immediate:
        # What is older than the installation is in the digest; at once it would be of no use.
        kinds = _TOLD - {NoticeKind.BASELINE} if mail.digest_hours else _TOLD
        channels.append(MailChannel(AT_ONCE, "grouped", kinds, mail, audience))
    return tuple(channels)


class MailChannel:
    """Mails to the recipients of `[mail]`."""

    def __init__(
        self, name: str, pace: Pace, kinds: frozenset[NoticeKind], settings: MailSettings, audience: Audience
    ) -> None:
        self.name = name
        self.pace = pace
        self.kinds = kinds
        self._mailer = Mailer(settings)
        self._audience = audience

    async def tell(self, telling: Telling) -> Outcome:
        """One mail, whatever it tells of."""
        page = page_of(telling, self._audience, Instant(int(time.time() * 1000)))
        return await self._mailer.send(
            subject=page.subject, text=text_of(page), html=html_of(page), key=f"{self.name}:{telling.key}"
        )

    async def close(self) -> None:
        """Nothing is kept open between mails."""
