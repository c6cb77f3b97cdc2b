"""An incoming webhook: it says, and never edits; nobody hears its buttons, so there are none."""

from connectors.notify.audience import Audience
from connectors.notify.channel import Outcome, Pace, Telling
from connectors.notify.slack.blocks import Said, message
from connectors.notify.slack.clock import now
from connectors.notify.slack.errors import outcome_of, unreachable
from connectors.notify.slack.sending import NoAnswer, Session, post_to
from streams.alerts.notice import NoticeKind


class SlackWebhook:
    """The channel `slack` where only a webhook is configured."""

    name = "slack"
    pace: Pace = "grouped"
    kinds = frozenset(NoticeKind) - {NoticeKind.CHANGED}

    def __init__(self, url: str, audience: Audience) -> None:
        self._url = url
        self._audience = audience
        self._session = Session()

    async def tell(self, telling: Telling) -> Outcome:
        """Post one message; what Slack does not take as blocks is told as text."""
        said = message(telling, self._audience, now(), buttons=False)
        try:
            answer = await post_to(self._url, self._session, said)
            if answer.is_about_blocks:
                answer = await post_to(self._url, self._session, Said(text=said.text))
        except NoAnswer as error:
            return unreachable(error)
        return outcome_of(answer)

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()
