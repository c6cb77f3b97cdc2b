"""The monitored tables in `plumbline.toml`: how the database names what is judged."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from streams.model.words import APPOINTMENT_WORDS, CALL_WORDS
from streams.settings_sources import Section
from streams.settings_types import TimeZone

#: Ours → theirs. Only what is judged: whatever is not here never leaves the monitored database.
APPOINTMENT_COLUMNS: dict[str, str] = {
    name: name
    for name in (
        "id", "company_id", "customer_id", "service_id", "call_id", "calcom_v2_booking_id", "source",
        "status", "starts_at", "ends_at", "idempotency_key", "sync_origin", "calcom_sync_status",
        "last_sync_attempt_at", "sync_attempt_count", "requires_manual_review", "created_at", "updated_at",
        "deleted_at",
    )
}  # fmt: skip
CALL_COLUMNS: dict[str, str] = {
    name: name
    for name in (
        "id", "company_id", "direction", "session_outcome", "appointment_made", "appointment_link_status",
        "booking_id", "created_at", "updated_at", "deleted_at",
    )
}  # fmt: skip
#: Without these nothing can be keyed: no record without its row and tenant.
REQUIRED_COLUMNS = ("id", "company_id")


def _columns(defaults: dict[str, str]) -> BeforeValidator:
    """Entries replace the default of their name; an empty name says that the database has no such column."""

    def merged(given: object) -> object:
        if not isinstance(given, dict):
            return given
        unknown = [name for name in given if name not in defaults]
        if unknown:
            raise ValueError(f"unknown column {', '.join(unknown)}; allowed are {', '.join(defaults)}")
        mapping = {ours: theirs for ours, theirs in (defaults | given).items() if theirs != ""}
        if missing := [name for name in REQUIRED_COLUMNS if name not in mapping]:
            raise ValueError(f"{', '.join(missing)} cannot be left out; allowed is a column's name")
        return mapping

    return BeforeValidator(merged)


def _words(ours: Mapping[str, tuple[str, ...]]) -> AfterValidator:
    """By column of ours, their words and what each means; an empty meaning says that the word says nothing."""

    def checked(given: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        if unknown := [column for column in given if column not in ours]:
            raise ValueError(f"{', '.join(unknown)} has no words; allowed are {', '.join(ours)}")
        for column, words in given.items():
            wrong = [word for word in words.values() if word and ours[column] and word not in ours[column]]
            if wrong:
                raise ValueError(f"{column} cannot mean {', '.join(wrong)}; allowed are {', '.join(ours[column])}")
        return given

    return AfterValidator(checked)


class AppointmentsTable(Section):
    """The table of appointments.

    `columns` holds those that the database has, ours → theirs; `words`, by column of ours, their words → ours. A row
    whose `deleted_at` is set is deleted.
    """

    table: str = Field(default="public.appointments", min_length=1)
    columns: Annotated[dict[str, str], _columns(APPOINTMENT_COLUMNS)] = APPOINTMENT_COLUMNS
    words: Annotated[dict[str, dict[str, str]], _words(APPOINTMENT_WORDS)] = Field(default_factory=dict)
    timezone: TimeZone | None = None


class CallsTable(Section):
    """The table of calls, as `AppointmentsTable`; an empty name says that there is none."""

    table: str = "public.calls"
    columns: Annotated[dict[str, str], _columns(CALL_COLUMNS)] = CALL_COLUMNS
    words: Annotated[dict[str, dict[str, str]], _words(CALL_WORDS)] = Field(default_factory=dict)
    timezone: TimeZone | None = None
