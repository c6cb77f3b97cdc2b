"""Statistics and the daily report as tasks of the connectors process."""

from collections.abc import Awaitable, Callable
from functools import partial

from connectors.leadership import lead
from connectors.notify.audience import audience_of
from connectors.notify.mail.mailer import Mailer
from connectors.parts import Parts
from connectors.reports.daily import DailyMail
from connectors.reports.keeping import keep_statistics
from connectors.reports.material import Reporter
from connectors.store.alerts import wall_clock
from connectors.store.report_mails import ReportMails


def report_tasks(parts: Parts) -> dict[str, Callable[[], Awaitable[object]]]:
    """One of a kind each. The report goes out where there is a mail server and a time for it."""
    settings, mail = parts.settings, parts.settings.mail
    tasks: dict[str, Callable[[], Awaitable[object]]] = {
        "statistics": partial(lead, parts.store_dsn, "statistics", partial(keep_statistics, parts.database)),
    }
    if mail.host is not None and mail.report_at is not None:
        daily = DailyMail(
            report_at=mail.report_at,
            reporter=Reporter(settings, parts.database, wall_clock),
            mails=ReportMails(parts.database),
            send=Mailer(mail).send,
            audience=audience_of(settings),
        )
        tasks["daily-report"] = partial(lead, parts.store_dsn, "daily report", daily.run)
    return tasks
