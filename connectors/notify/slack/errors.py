"""What Slack's answers mean: told, again later, never in this form, or the message to edit is gone."""

from collections.abc import Mapping

import msgspec

from connectors.notify.channel import Delivered, Outcome, Refused, TryLater
from streams.alerts.notice import Reason

#: Where Slack says 429 without how long.
RATE_LIMIT_SECONDS = 30.0
#: A longer wait than this is not believed: a notice must not wait for a day because of one header.
RATE_LIMIT_SECONDS_MAX = 600.0
#: A wrong token or address: people must mend it, so asking often is of no use.
MISCONFIGURED_SECONDS = 60.0

#: Slack's errors about the form of one message; the same words without blocks may pass.
ABOUT_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
#: ... about one message; every other one is about us or about Slack, and passes.
_ABOUT_THE_MESSAGE = ABOUT_BLOCKS | {
    "invalid_payload",
    "msg_too_long",
    "no_text",
    "too_many_attachments",
    "invalid_arguments",
}
_ABOUT_SLACK = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "rollup_error"})
#: Somebody deleted the message, or Slack no longer lets us edit it.
_GONE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found", "thread_not_found"}
)


class Gone(msgspec.Struct, frozen=True):
    """There is no message to edit any more."""

    detail: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What Slack answered: `word` is `ok` or its error's."""

    status: int
    word: str
    headers: Mapping[str, str]

    @property
    def is_about_blocks(self) -> bool:
        """Whether only the blocks were wrong."""
        return self.word in ABOUT_BLOCKS


def outcome_of(answer: Answer) -> Outcome:
    """What became of a message that was to be posted."""
    if answer.status == 200 and answer.word == "ok":
        return Delivered()
    detail = f"{answer.status} {answer.word[:200]}"
    if answer.status == 429 or answer.word in ("ratelimited", "rate_limited"):
        return TryLater(Reason.RATE_LIMITED, _retry_after(answer.headers), detail)
    if answer.status >= 500 or answer.word in _ABOUT_SLACK:
        return TryLater(Reason.UNREACHABLE, None, detail)
    if answer.status == 413 or answer.word in _ABOUT_THE_MESSAGE:
        return Refused(detail)
    return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, detail)


def edit_outcome_of(answer: Answer) -> Outcome | Gone:
    """What became of an edit, or of a reply."""
    return Gone(f"{answer.status} {answer.word}") if answer.word in _GONE else outcome_of(answer)


def unreachable(error: Exception) -> TryLater:
    """No answer: the type of the error alone, since its text may hold the address, which is a webhook's secret."""
    return TryLater(Reason.UNREACHABLE, None, type(error).__name__)


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return min(max(0.0, float(headers.get("retry-after", ""))), RATE_LIMIT_SECONDS_MAX)
    except ValueError:
        return RATE_LIMIT_SECONDS
