"""A bot in its channel: one message an alert or group, edited as it changes, with its history in the thread.

The name of a message is `<channel>/<ts>`, of a group `<channel>/<ts>/<alerts>`: what tells of a part of a group only
goes to its thread, since an edit would hide the others.

An edit comes before the reply that goes with it, and a post last: after a wait all of it is done again, and only what
comes last can be told twice.
"""

import re

import msgspec
from slack_sdk.web.async_client import AsyncWebClient

from connectors.notify.audience import Audience
from connectors.notify.channel import Delivered, Outcome, Pace, Refused, Telling, TryLater
from connectors.notify.slack.blocks import Said, message
from connectors.notify.slack.clock import now
from connectors.notify.slack.errors import Gone, edit_outcome_of, outcome_of, unreachable
from connectors.notify.slack.sending import NoAnswer, Session, call, web_client
from connectors.notify.slack.thread import is_loud, reply
from streams.alerts.notice import NoticeKind

#: Messages of single alerts that are edited when their alerts are told together; Slack takes some 50 edits a minute.
EDITS_MAX = 20
_NAME = re.compile(r"([A-Z0-9]{2,30})/([0-9]{1,15}\.[0-9]{1,10})(?:/([0-9]{1,9}))?")


class MessageName(msgspec.Struct, frozen=True, kw_only=True):
    """A message of ours: Slack's channel id and timestamp, and how many alerts it told."""

    channel: str
    ts: str
    alerts: int = 1

    def __str__(self) -> str:
        return f"{self.channel}/{self.ts}" + (f"/{self.alerts}" if self.alerts > 1 else "")


def message_name(text: str | None) -> MessageName | None:
    """A name as the notification log keeps it; None for no name, or none of ours."""
    found = _NAME.fullmatch(text or "")
    return MessageName(channel=found[1], ts=found[2], alerts=int(found[3] or 1)) if found else None


class SlackBot:
    """One channel of Slack, by a bot's token; `place` is its name (`#ops`) or id."""

    pace: Pace = "grouped"
    kinds = frozenset(NoticeKind)

    def __init__(
        self, name: str, token: str, place: str, audience: Audience, api_url: str, *, buttons: bool = False
    ) -> None:
        self.name = name
        self._token = token
        self._place = place
        self._audience = audience
        self._api_url = api_url
        self._buttons = buttons
        self._session = Session()

    async def tell(self, telling: Telling) -> Outcome:
        """Post a beginning; edit the message that told it, and reply to it, for what comes after."""
        try:
            told_in = message_name(telling.message)
            if told_in is None:
                return await self._tell_anew(telling)
            if _is_all_of(told_in, telling):
                edited = await self._edit(told_in, self._said(telling))
                if isinstance(edited, Gone):
                    return await self._tell_after(edited, telling)
                if not isinstance(edited, Delivered):
                    return edited
            return await self._reply(told_in, telling)
        except NoAnswer as error:
            return unreachable(error)

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    async def _tell_anew(self, telling: Telling) -> Outcome:
        """There is no one message about all of it: edit what single ones there are, and say the news once."""
        for alert in telling.alerts[:EDITS_MAX]:
            told_in = message_name(telling.messages.get(alert.id))
            if told_in is not None and told_in.alerts == 1:
                alone = msgspec.structs.replace(telling, alerts=(alert,), total=1, standing=None)
                edited = await self._edit(told_in, self._said(alone))
                if isinstance(edited, TryLater):
                    return edited
        if telling.kind is NoticeKind.CHANGED:
            return Delivered() if telling.messages else Refused("there is no message to edit")
        return await self._post(telling)

    async def _tell_after(self, gone: Gone, telling: Telling) -> Outcome:
        """The message was deleted. A mere edit has no place any more; news is told in a message of its own."""
        if telling.kind is NoticeKind.CHANGED:
            return Refused(gone.detail)
        return await self._post(telling)

    async def _post(self, telling: Telling) -> Outcome:
        said = self._said(telling)
        body = {"channel": self._place, "unfurl_links": False, "unfurl_media": False}
        client = self._client()
        answer, posted = await call(client, "chat.postMessage", body | _content(said))
        if answer.is_about_blocks:
            answer, posted = await call(client, "chat.postMessage", body | _content(Said(text=said.text)))
        outcome = outcome_of(answer)
        channel, ts = posted.get("channel"), posted.get("ts")
        if isinstance(outcome, Delivered) and channel and ts:
            return Delivered(str(MessageName(channel=channel, ts=ts, alerts=telling.total)))
        return outcome

    async def _edit(self, told_in: MessageName, said: Said) -> Outcome | Gone:
        body = {"channel": told_in.channel, "ts": told_in.ts}
        client = self._client()
        answer, _ = await call(client, "chat.update", body | _content(said))
        if answer.is_about_blocks:
            answer, _ = await call(client, "chat.update", body | _content(Said(text=said.text)))
        return edit_outcome_of(answer)

    async def _reply(self, told_in: MessageName, telling: Telling) -> Outcome:
        said = reply(telling, self._audience, of=told_in.alerts)
        if said is not None:
            body = {"channel": told_in.channel, "thread_ts": told_in.ts, "reply_broadcast": is_loud(telling)}
            answer, _ = await call(self._client(), "chat.postMessage", body | _content(said))
            outcome = edit_outcome_of(answer)
            if isinstance(outcome, Gone):
                return await self._tell_after(outcome, telling)
            if not isinstance(outcome, Delivered):
                return outcome
        return Delivered(str(told_in))

    def _said(self, telling: Telling) -> Said:
        return message(telling, self._audience, now(), buttons=self._buttons)

    def _client(self) -> AsyncWebClient:
        return web_client(self._token, self._api_url, self._session)


def _is_all_of(told_in: MessageName, telling: Telling) -> bool:
    """Whether an edit would say all that the message told; a changed group is told as a whole, also when it shrank."""
    return told_in.alerts == telling.total or (telling.kind is NoticeKind.CHANGED and telling.total > 1)


def _content(said: Said) -> dict[str, object]:
    # An edit without blocks would keep the old ones.
    return {"text": said.text, "blocks": list(said.blocks)}
