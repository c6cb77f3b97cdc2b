"""What a demo asks the world for, and the settings that it brings."""

from pathlib import Path

from api.demo_order import DemoOrder, settings_for
from api.installation_settings import world_of
from connectors.stack.stack import StackEndpoints
from connectors.world.config import EVENT_KINDS
from connectors.world.ledger import GRACE_SECONDS, SHORTENED
from connectors.world.traffic import TrafficOrder
from streams.model.rule import Rule
from streams.settings import Settings


def test_a_demo_without_options_plants_a_dozen_of_the_main_rules_and_half_as_many_of_the_others() -> None:
    asked = TrafficOrder(**DemoOrder().traffic())
    assert (asked.seconds, asked.seed, asked.bookings) == (240, 1, None)
    assert (asked.faults_per_rule, asked.faults_per_further_rule) == (12, 6)


def test_a_score_plants_as_many_of_each() -> None:
    asked = TrafficOrder(**DemoOrder(seconds=1300, bookings=10_000, faults_per_rule=100).traffic())
    assert (asked.bookings, asked.faults_per_rule, asked.faults_per_further_rule) == (10_000, 100, 100)


def test_graces_of_minutes_are_shortened_to_what_the_ledger_says() -> None:
    settings = settings_for(DemoOrder(), Settings())
    for rule in SHORTENED:
        assert settings.grace_ms(Rule(rule), "1") == GRACE_SECONDS[rule] * 1000 < Settings().grace_ms(Rule(rule), "1")
    assert settings.grace_ms(Rule.STATUS_DRIFT, "1") == Settings().grace_ms(Rule.STATUS_DRIFT, "1")


def test_walk_ins_are_out_of_scope_unless_the_scope_is_set() -> None:
    assert "walk_in" not in settings_for(DemoOrder(), Settings()).scope.synced_sources
    own = Settings.model_validate({"scope": {"synced_sources": ["website"]}})
    assert settings_for(DemoOrder(), own).scope.synced_sources == ("website",)


def test_more_tenants_have_an_account_each_and_configured_ones_stay() -> None:
    many = settings_for(DemoOrder(tenants=24), Settings())
    assert [account.tenant for account in many.accounts] == [str(n) for n in range(1, 25)]
    assert len({account.api_key.get_secret_value() for account in many.accounts}) == 24
    own = Settings.model_validate({"accounts": [{"name": "a", "tenant": "7", "api_key": "k"}]})
    assert settings_for(DemoOrder(tenants=24), own).accounts == own.accounts


def test_the_world_keeps_the_accounts_apart_however_many_there_are(tmp_path: Path) -> None:
    settings = settings_for(DemoOrder(tenants=40), Settings())
    stack = StackEndpoints(
        kafka_bootstrap="",
        kafka_extra_bootstrap=None,
        connect_url=None,
        admin_dsn=None,
        source_dsn=None,
        reader_dsn=None,
        store_dsn=None,
    )
    world = world_of(settings, tmp_path, stack, {"calcom": 1, "slack": 2}, "http://127.0.0.1:3")
    assert world is not None
    keys = [key for account in world.accounts for key in (account.api_key, account.app_key)]
    assert len(set(keys)) == 80
    assert len({number for account in world.accounts for number in account.event_type_ids}) == 40 * len(EVENT_KINDS)
    assert [account.api_key for account in world.accounts] == [
        account.api_key.get_secret_value() for account in settings.accounts
    ]
