"""The messages that Slack keeps, by channel and timestamp."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec

from connectors.world.instants import now

Body = dict[str, Any]
_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{1,20}")


class SlackMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived, as it stands after `edits`. `ts` is the name that Slack gives a message, for edits and threads."""

    at: int
    path: str
    ts: str
    channel: str | None
    body: Body
    edits: int = 0


class Kept:
    """All messages in the order of their coming."""

    def __init__(self) -> None:
        self.messages: list[SlackMessage] = []
        self._count = 0

    def add(self, path: str, body: Body, channel: str | None = None) -> SlackMessage:
        """Keep one; its name is never given again."""
        at = now()
        self._count += 1
        message = SlackMessage(at=at, path=path, ts=f"{at // 1000}.{self._count:06d}", channel=channel, body=body)
        self.messages.append(message)
        return message

    def find(self, ts: str, channel: str | None = None) -> SlackMessage | None:
        """The message of that name, in that channel where one is given."""
        found = (message for message in self.messages if message.ts == ts)
        return next((message for message in found if channel in (None, message.channel)), None)

    def edit(self, message: SlackMessage, body: Body) -> SlackMessage:
        """Text and blocks as given; blocks that are not given stay, as at Slack."""
        content = {name: body[name] for name in ("text", "blocks") if name in body}
        edited = msgspec.structs.replace(message, body=message.body | content, edits=message.edits + 1)
        self.messages[self.messages.index(message)] = edited
        return edited

    def delete(self, ts: str) -> bool:
        """Somebody deletes a message; False where there is none."""
        message = self.find(ts)
        if message is not None:
            self.messages.remove(message)
        return message is not None


def channel_id(name: str) -> str:
    """The id of a channel: the name itself where it is one, else one that is made from it."""
    return name if _CHANNEL_ID.fullmatch(name) else "C" + sha256(name.encode()).hexdigest()[:10].upper()


def element_of(message: SlackMessage, action_id: str) -> Body | None:
    """What can be pressed under that name in a message as it stands."""
    return next((one for one in _elements(message) if one.get("action_id") == action_id), None)


def _elements(message: SlackMessage) -> Iterator[Body]:
    for block in message.body.get("blocks") or []:
        if block.get("type") == "actions":
            yield from block.get("elements", [])
