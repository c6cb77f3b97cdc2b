"""What people send to `POST /v1/alerts/bulk`: an action as the single one takes it, and on which alerts."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from api.bodies import AssignBody, Body, NoteBody, RemarkBody, ResolveBody, SnoozeBody, Time, Word
from connectors.store.bulk import ALERTS_MAX
from streams.alerts import actions
from streams.model.ids import Instant
from streams.model.rule import AlertStatus, Resolution, Rule, Severity

FILTER_VALUES_MAX = 100


class BulkFilter(Body):
    """The filters of `GET /v1/alerts`, at least one of them."""

    status: list[AlertStatus] = Field(default=[], max_length=FILTER_VALUES_MAX)
    rule: list[Rule] = Field(default=[], max_length=FILTER_VALUES_MAX)
    severity: list[Severity] = Field(default=[], max_length=FILTER_VALUES_MAX)
    tenant: list[Word] = Field(default=[], max_length=FILTER_VALUES_MAX)
    subject: Word | None = Field(default=None, description="kind:id")
    since: Time | None = Field(default=None, description="changed at or after")

    @model_validator(mode="after")
    def _not_everything(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError("allowed is at least one of status, rule, severity, tenant, subject, since")
        return self


class _Bulk(Body):
    ids: list[UUID] | None = Field(default=None, min_length=1, max_length=ALERTS_MAX)
    filter: BulkFilter | None = None
    preview: bool = Field(default=False, description="Only say what would happen.")

    @model_validator(mode="after")
    def _one_way_to_say_which(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("allowed is exactly one of ids, filter")
        return self


class BulkPlain(_Bulk):
    """Actions that need no more than perhaps a remark."""

    action: Literal["acknowledge", "unacknowledge", "reopen", "recheck"]
    params: NoteBody = NoteBody()


class BulkSnooze(_Bulk):
    """Be silent for a while."""

    action: Literal["snooze"]
    params: SnoozeBody


class BulkResolve(_Bulk):
    """Close them, and say why."""

    action: Literal["resolve"]
    params: ResolveBody


class BulkAssign(_Bulk):
    """Say whose they are."""

    action: Literal["assign"]
    params: AssignBody


class BulkNote(_Bulk):
    """Write a line into each one's history."""

    action: Literal["notes"]
    params: RemarkBody


AnyBulk = BulkPlain | BulkSnooze | BulkResolve | BulkAssign | BulkNote
BulkBody = Annotated[AnyBulk, Field(discriminator="action")]

_PLAIN: dict[str, type[actions.Acknowledge | actions.Unacknowledge | actions.Reopen | actions.Recheck]] = {
    "acknowledge": actions.Acknowledge,
    "unacknowledge": actions.Unacknowledge,
    "reopen": actions.Reopen,
    "recheck": actions.Recheck,
}


def action_of(body: AnyBulk, now: Instant) -> actions.PersonsAction:
    """What a body asks for."""
    match body:
        case BulkPlain(action=name, params=params):
            return _PLAIN[name](note=params.note)
        case BulkSnooze(params=params):
            return params.action(now)
        case BulkResolve(params=params):
            return actions.Resolve(resolution=Resolution(params.resolution), note=params.note)
        case BulkAssign(params=params):
            return actions.Assign(assignee=params.assignee, note=params.note)
        case BulkNote(params=params):
            return actions.Remark(note=params.text)
