"""What people send: bodies of the alert actions, strict about every field."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from streams.model.ids import Instant, parse_iso

TEXT_CHARACTERS_MAX = 4_000
NAME_CHARACTERS_MAX = 200
SNOOZE_SECONDS_MAX = 90 * 86_400
#: Beyond it a time can no longer be computed with.
_YEAR_9999_MS = 253_370_764_800_000


def _plain(text: str) -> str:
    if "\x00" in text:
        raise ValueError("allowed is text without NUL characters")
    return text


def _instant(text: str) -> str:
    try:
        at = parse_iso(text)
    except (ValueError, OverflowError):
        at = None
    if at is None or not 0 <= at < _YEAR_9999_MS:
        raise ValueError("allowed is ISO 8601 with an offset, such as 2026-11-21T10:00:00.000Z")
    return text


Text = Annotated[str, Field(min_length=1, max_length=TEXT_CHARACTERS_MAX), AfterValidator(_plain)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS_MAX), AfterValidator(_plain)]
Word = Annotated[str, Field(max_length=NAME_CHARACTERS_MAX), AfterValidator(_plain)]
Time = Annotated[str, Field(max_length=40), AfterValidator(_instant)]


class Body(BaseModel):
    """Base: an unknown field is an error, not a wish unheard."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoteBody(Body):
    """Nothing but perhaps a remark."""

    note: Text | None = None


class SnoozeBody(NoteBody):
    """Until when: an instant, or so many seconds from now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"for_seconds": 3600}]})

    until: Time | None = None
    for_seconds: Annotated[int, Field(ge=1, le=SNOOZE_SECONDS_MAX)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.until is None) == (self.for_seconds is None):
            raise ValueError("allowed is exactly one of until, for_seconds")
        return self

    def ends(self, now: Instant) -> Instant:
        """When the snooze ends."""
        if self.for_seconds is not None:
            return Instant(now + self.for_seconds * 1000)
        until = parse_iso(self.until)
        assert until is not None
        return until


class ResolveBody(NoteBody):
    """Why a person closes it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"resolution": "manual", "note": "Row written by hand"}]})

    resolution: Literal["manual", "expected", "false_positive"]


class AssignBody(NoteBody):
    """Whose it is; null gives it back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"assignee": "rota-1"}]})

    assignee: Name | None


class RemarkBody(Body):
    """A line for the history."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Called the branch"}]})

    text: Text
