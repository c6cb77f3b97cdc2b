"""What is sent to `POST /v1/validate` and to the review queue."""

from typing import Self

from pydantic import ConfigDict, model_validator

from api.bodies import Body, Name, NoteBody, Text
from streams.alerts.review import Decision
from streams.validation_words import Kind


class ValidateBody(Body):
    """One call or one appointment, by its primary key. `tenant` is for keys that see several."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"call_id": "812"}, {"appointment_id": "17"}]})

    call_id: Name | None = None
    appointment_id: Name | None = None
    tenant: Name | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.call_id is None) == (self.appointment_id is None):
            raise ValueError("allowed is exactly one of call_id, appointment_id")
        return self

    def asked(self) -> tuple[Kind, str]:
        """What is asked about: its kind and key."""
        if self.call_id is not None:
            return "call", self.call_id
        assert self.appointment_id is not None
        return "appointment", self.appointment_id


class DecideBody(NoteBody):
    """What a person decided, and perhaps why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"decision": "mended", "note": "Booked by hand, ring back at nine"}]}
    )

    decision: Decision
    note: Text | None = None
