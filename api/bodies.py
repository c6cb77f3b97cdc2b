"""What people send: bodies of the alert actions, strict about every field."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from streams.alerts.actions import SNOOZE_DAYS_MAX, PersonsAction, Snooze, SnoozeUntilChanged, SnoozeUntilResolved
from streams.model.ids import Instant, parse_iso

TEXT_CHARACTERS_MAX = 4_000
NAME_CHARACTERS_MAX = 200
SNOOZE_SECONDS_MAX = SNOOZE_DAYS_MAX * 86_400
#: Beyond it a time can no longer be computed with.
YEAR_9999_MS = 253_370_764_800_000


def _plain(text: str) -> str:
    if "\x00" in text:
        raise ValueError("allowed is text without NUL characters")
    return text


def _instant(text: str) -> str:
    try:
        at = parse_iso(text)
    except (ValueError, OverflowError):
        at = None
    if at is None or not 0 <= at < YEAR_9999_MS:
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

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "I am looking at it"}]})

    note: Text | None = None


class SnoozeBody(NoteBody):
    """Until when: an instant, so many seconds from now, until the facts change, or for the rest of the episode.

    Every snooze ends after 90 days at the latest, and when the fault comes back after it was over.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"for_seconds": 3600}, {"until": "2026-11-27T08:00:00Z"}, {"until_changed": True}]
        }
    )

    until: Time | None = None
    for_seconds: Annotated[int, Field(ge=1, le=SNOOZE_SECONDS_MAX)] | None = None
    until_changed: Literal[True] | None = None
    until_resolved: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        given = [self.until, self.for_seconds, self.until_changed, self.until_resolved]
        if sum(one is not None for one in given) != 1:
            raise ValueError("allowed is exactly one of until, for_seconds, until_changed, until_resolved")
        return self

    def action(self, now: Instant) -> PersonsAction:
        """What it asks for."""
        if self.until_changed:
            return SnoozeUntilChanged(note=self.note)
        if self.until_resolved:
            return SnoozeUntilResolved(note=self.note)
        if self.for_seconds is not None:
            return Snooze(until=Instant(now + self.for_seconds * 1000), note=self.note)
        until = parse_iso(self.until)
        assert until is not None
        return Snooze(until=until, note=self.note)


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
