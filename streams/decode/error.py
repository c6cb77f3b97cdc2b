"""Why a record could not be understood; it goes to the dead letters with this reason."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


class DecodeError(ValueError):
    """A record of another shape than its topic promises. `reason` is one of `REASONS`."""

    def __init__(self, reason: str, detail: str) -> None:
        assert reason in REASONS, reason
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


REASONS = frozenset(
    {
        "invalid_json",  # the bytes are no JSON
        "wrong_shape",  # JSON, but a field is missing or of another type
        "bad_instant",  # a time that is none
        "bad_value",  # a flag or a count that is none
        "bad_key",  # a key that is no UTF-8 text
    }
)


class BadValue(ValueError):
    """A column holds what its meaning does not allow: text where yes or no is meant, say."""


def undecodable(error: Exception) -> DecodeError:
    """The dead letter's reason for an error met while a row was read."""
    return DecodeError("bad_value" if isinstance(error, BadValue) else "bad_instant", str(error))


def from_json(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """The bytes of one record. Raises DecodeError (invalid_json, wrong_shape)."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise DecodeError("wrong_shape", str(error)) from None
    except msgspec.DecodeError as error:
        raise DecodeError("invalid_json", str(error)) from None
