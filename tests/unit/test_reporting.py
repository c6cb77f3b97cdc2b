"""Which of the report's tasks a connectors process has."""

from typing import Any

from connectors.parts import Parts
from connectors.reporting import report_tasks
from streams.settings import Settings


def tasks(**mail: Any) -> set[str]:
    settings = Settings.model_validate({"mail": mail})
    nothing: Any = None
    others = dict.fromkeys(set(Parts.__struct_fields__) - {"settings"}, nothing)
    return set(report_tasks(Parts(settings=settings, **others)))


def test_figures_are_kept_whether_or_not_anybody_gets_mail() -> None:
    assert tasks() == {"statistics"}


def test_the_report_goes_out_where_there_is_a_server_and_a_time() -> None:
    server = {"host": "mail.example", "recipients": ["ops@example.com"]}
    assert tasks(**server) == {"statistics", "daily-report"}
    assert tasks(**server, report_at=None) == {"statistics"}
