"""What goes over the store's channels: a question about one row, and the rows as facts. Bounded, as NOTIFY is."""

from typing import Literal

import msgspec

from streams.model.ids import Instant
from streams.validation_words import Kind, SeenRow

QUESTIONS = "plumbline_validation_questions"
ANSWERS = "plumbline_validation_answers"
#: Postgres refuses a payload of 8000 bytes.
PAYLOAD_BYTES_MAX = 7_900
WHY_CHARACTERS_MAX = 200


class RowsAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A question: this row by its key, and its partners."""

    id: str
    kind: Kind
    key: str


class RowsAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to the question of that id.

    `unavailable`: the database did not answer; `unusable`: it cannot answer this; `busy`: too many ask. `read_at` is
    when the rows were read, by the database's clock. `cut`: not all of them had room.
    """

    id: str
    result: Literal["read", "unavailable", "unusable", "busy"]
    read_at: Instant = Instant(0)
    rows: tuple[SeenRow, ...] = ()
    cut: bool = False
    why: str = ""


_asked = msgspec.json.Decoder(RowsAsked)
_answer = msgspec.json.Decoder(RowsAnswer)


def asked_of(payload: str) -> RowsAsked | None:
    """The question; None for what is none (anybody who may log in to the store may notify)."""
    try:
        return _asked.decode(payload)
    except ValueError:
        return None


def answer_of(payload: str) -> RowsAnswer | None:
    """The answer; None for what is none."""
    try:
        return _answer.decode(payload)
    except ValueError:
        return None


def payload_of(message: RowsAsked) -> str:
    """A question as text. Raises ValueError for one that has no room in a notification."""
    text = msgspec.json.encode(message)
    if len(text) > PAYLOAD_BYTES_MAX:
        raise ValueError(f"a key has at most some {PAYLOAD_BYTES_MAX} bytes")
    return text.decode()


def fitting_payload_of(answer: RowsAnswer) -> str:
    """An answer as text, with as many rows from the front as have room; without its first row it is `unusable`."""
    text = msgspec.json.encode(answer)
    if len(text) <= PAYLOAD_BYTES_MAX:
        return text.decode()
    for count in range(len(answer.rows) - 1, 0, -1):
        text = msgspec.json.encode(msgspec.structs.replace(answer, rows=answer.rows[:count], cut=True))
        if len(text) <= PAYLOAD_BYTES_MAX:
            return text.decode()
    return msgspec.json.encode(RowsAnswer(id=answer.id, result="unusable", why="the row is too long")).decode()
