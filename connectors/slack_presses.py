"""A press of a button in Slack becomes an action on alerts, and who pressed hears of what could not be done.

What was done is seen in the message itself, which the notifier edits as it does after every change: one writer alone,
so no older state can overwrite a newer one. Slack's workspace is trusted with every alert that is told there.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import Counter

from connectors.notify.slack.blocks import Said
from connectors.notify.slack.buttons import SNOOZE_HOURS
from connectors.notify.slack.markup import escaped, person
from connectors.notify.slack.press import Press, press_of
from connectors.notify.slack.sending import NoAnswer, post_to
from connectors.store.alerts import AlertNotFound, AlertStore, wall_clock
from connectors.store.audit import AuditLine, write_audit, write_audit_alone
from connectors.store.bulk import ALERTS_MAX, BulkAction
from connectors.store.bulk import act as act_on_many
from connectors.store.database import Database, StoreUnavailable
from connectors.store.told import alerts_told_in
from streams.alerts.actions import Acknowledge, ActionRefused, PersonsAction, Resolve, Snooze
from streams.alerts.alert import Alert
from streams.model.ids import Instant
from streams.model.rule import AlertStatus

logger = logging.getLogger(__name__)

#: Slack gives 3 s; what takes longer goes on behind the answer.
ANSWER_SECONDS_MAX = 2.0
#: Presses at once; people press no faster, and the store is for others too.
AT_ONCE_MAX = 20
SLACKS_HOST = "hooks.slack.com"

PRESSES = Counter("plumbline_slack_presses_total", "Buttons pressed in Slack, by what became of it.", ["outcome"])
_AWAY = "Plumbline's store cannot be reached. It is not known whether this was done; try again in a minute."
_FAILED = "Something went wrong here. It is in Plumbline's log."
_BUSY = "Plumbline is busy with other buttons. Nothing was done; try again."


class Presses:
    """Carries out what is pressed. `channels` are the names of Slack's channels; `api_url` Slack's own address."""

    def __init__(self, database: Database, store: AlertStore, *, channels: Sequence[str], api_url: str) -> None:
        self._database = database
        self._store = store
        self._channels = tuple(channels)
        self._hosts = {SLACKS_HOST, urlsplit(api_url).netloc}
        self._under_way: set[asyncio.Task[None]] = set()

    async def hear(self, payload: Any) -> None:
        """Take one payload. Returns when it is done, or after ANSWER_SECONDS_MAX while it goes on. Never raises."""
        press = press_of(payload)
        if press is None:
            PRESSES.labels("not_ours").inc()
            return
        work = self._take if len(self._under_way) < AT_ONCE_MAX else self._turn_away
        task = asyncio.create_task(work(press), name="slack-press")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.wait({task}, timeout=ANSWER_SECONDS_MAX)

    async def _take(self, press: Press) -> None:
        try:
            news, outcome = await self._carry_out(press), "done"
        except AlertNotFound:
            news, outcome = "This alert is not known any more.", "refused"
            await write_audit_alone(self._database, _line(press, 404))
        except ActionRefused as refused:
            news, outcome = f"Not done: {escaped(str(refused))}.", "refused"
            await write_audit_alone(self._database, _line(press, 409))
        except StoreUnavailable as away:
            logger.warning("a button in Slack: %s", away)
            news, outcome = _AWAY, "unavailable"
        except Exception:
            logger.exception("a button in Slack")
            news, outcome = _FAILED, "failed"
        PRESSES.labels(outcome).inc()
        if news is not None:
            await self._tell(press, news)

    async def _turn_away(self, press: Press) -> None:
        PRESSES.labels("busy").inc()
        await self._tell(press, _BUSY)

    async def _carry_out(self, press: Press) -> str | None:
        """Act, all of it in one transaction with its line in the audit; what who pressed must hear of it."""
        async with self._database.one_transaction() as connection:
            if press.alert_id is None:
                news = await self._act_on_all(press)
                await write_audit(connection, _line(press, 200))
                return news
            alert = await self._store.act(
                press.alert_id,
                _action(press),
                actor=press.actor,
                tenants=None,
                versions=None,
                through="slack",
            )
            await write_audit(connection, _line(press, 200, alert.tenant))
        return _not_yours(press, alert)

    async def _act_on_all(self, press: Press) -> str:
        """Act on all alerts of a message, which shows it little by little: who pressed hears the sum."""
        ids = await alerts_told_in(self._database, self._channels, str(press.message), limit=ALERTS_MAX)
        bulk = BulkAction(action=_action(press), actor=press.actor, tenants=None, now=wall_clock(), through="slack")
        done = await act_on_many(self._database, ids, bulk)
        counts = {"done": done.changed, "as they were": done.unchanged, "not done, they are over": done.refused}
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"{len(ids)} alerts: {told or 'none is known any more'}."

    async def _tell(self, press: Press, news: str) -> None:
        """Tell who pressed, and nobody else. What does not reach them is lost: they see that nothing changed."""
        url = press.response_url
        if url is None or urlsplit(url).netloc not in self._hosts:
            return
        try:
            answer = await post_to(url, None, Said(text=news), response_type="ephemeral", replace_original=False)
        except NoAnswer as error:
            logger.warning("who pressed a button in Slack could not be told: %s", type(error).__name__)
            return
        if answer.word != "ok":
            logger.warning("who pressed a button in Slack could not be told: %d %s", answer.status, answer.word[:100])


def _action(press: Press) -> PersonsAction:
    match press.what:
        case "acknowledge" | "acknowledge_all":
            return Acknowledge()
        case "snooze" | "snooze_all":
            # From the press on, not from now: the same press heard twice is one snooze.
            return Snooze(until=Instant(press.at + SNOOZE_HOURS * 3_600_000))
        case "resolve":
            assert press.resolution is not None
            return Resolve(resolution=press.resolution)


def _not_yours(press: Press, alert: Alert) -> str | None:
    """Acknowledging what somebody else looks after changes nothing, and is no error."""
    theirs = alert.acknowledged_by
    if press.what != "acknowledge" or theirs in (None, press.actor) or alert.status is not AlertStatus.ACKNOWLEDGED:
        return None
    return f"{person(str(theirs))} looks after it already."


def _line(press: Press, status: int, tenant: str | None = None) -> AuditLine:
    return AuditLine(
        through="slack",
        actor=press.actor,
        route=f"slack {press.what}",
        status=status,
        object_id=press.alert_id or str(press.message),
        tenant=tenant,
        concerns=None if tenant is None else (tenant,),
    )
