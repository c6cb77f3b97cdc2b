"""Which rules a database without some columns switches off, and for want of what."""

from pathlib import Path

import pytest

from streams.alerts.pages import Pages
from streams.configured import alert_pages, disabled_rules
from streams.model.rule import Rule
from streams.settings import load_settings


def without(folder: Path, table: str, *columns: str) -> dict[Rule, frozenset[str]]:
    """The rules that are off in a database whose `table` lacks these columns."""
    file = folder / "plumbline.toml"
    lacking = "\n".join(f'{column} = ""' for column in columns)
    file.write_text(f"[source.{table}.columns]\n{lacking}\n", encoding="utf-8")
    return disabled_rules(load_settings(file, {}))


def test_the_default_columns_switch_no_rule_off(tmp_path: Path) -> None:
    assert without(tmp_path, "calls") == {}


@pytest.mark.parametrize(
    ("table", "column", "rules"),
    [
        ("appointments", "calcom_sync_status", {Rule.STUCK_PENDING, Rule.SYNC_FAILED}),
        ("appointments", "sync_attempt_count", set()),
        ("appointments", "idempotency_key", set()),
        ("calls", "booking_id", {Rule.CALL_LINK_MISMATCH}),
        ("calls", "appointment_link_status", set()),
    ],
)
def test_a_rule_that_needs_a_column_is_off_without_it(
    tmp_path: Path, table: str, column: str, rules: set[Rule]
) -> None:
    assert without(tmp_path, table, column) == {rule: frozenset({column}) for rule in rules}


def test_either_of_two_columns_is_enough_for_a_recent_failure(tmp_path: Path) -> None:
    assert Rule.RECENT_FAILURE not in without(tmp_path, "calls", "session_outcome")
    both = ("session_outcome", "appointment_link_status")
    assert without(tmp_path, "calls", *both)[Rule.RECENT_FAILURE] == frozenset(both)


def test_alerts_point_to_where_the_settings_say(tmp_path: Path) -> None:
    file = tmp_path / "plumbline.toml"
    file.write_text(
        '[links]\nrunbooks = "https://wiki.example/runbooks/"\napp = "https://app.example"\n', encoding="utf-8"
    )
    expected = Pages(runbooks="https://wiki.example/runbooks", calcom="https://app.cal.com", app="https://app.example")
    assert alert_pages(load_settings(file, {})) == expected
