"""The given settings with everything that `up` starts itself filled in, and their way through the environment.

What the parts must know of one another goes the same way as a person would configure it.
"""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from connectors.stack.ports import HOST
from connectors.stack.stack import StackEndpoints
from connectors.world.config import WorldAccount, WorldConfig, default_accounts
from streams.settings import Settings

#: The simulated world's, where no accounts are configured.
TENANTS = 9
#: For who watches a simulated world, several times a second.
WATCHED_REQUESTS_PER_MINUTE = 100_000


def world_of(
    settings: Settings, home: Path, stack: StackEndpoints, ports: Mapping[str, int], api_url: str
) -> WorldConfig | None:
    """The simulated Cal.com, where no real one is configured; with the configured accounts, or nine of its own."""
    if settings.calcom.base_url is not None:
        return None
    accounts = default_accounts(api_url, tenants=max(TENANTS, len(settings.accounts)))
    if settings.accounts:
        accounts = tuple(
            _like(accounts[n], account.name, account.tenant or "", n, api_url)
            for n, account in enumerate(settings.accounts)
        )
        keys = {account.name: account for account in settings.accounts}
        accounts = tuple(
            msgspec.structs.replace(
                account,
                api_key=keys[account.name].api_key.get_secret_value(),
                secret=keys[account.name].webhook_secrets[0].get_secret_value(),
            )
            for account in accounts
        )
    return WorldConfig(
        accounts=accounts,
        calcom_port=ports["calcom"],
        slack_port=ports["slack"],
        crm_dsn=stack.source_dsn,
        ledger=str(home / "ledger.jsonl"),
    )


def _like(pattern: WorldAccount, name: str, tenant: str, number: int, api_url: str) -> WorldAccount:
    """A simulated account for a configured one, with event types of its own."""
    return msgspec.structs.replace(
        pattern,
        name=name,
        tenant=tenant,
        webhook_url=f"{api_url}/webhooks/calcom/{name}",
        user_id=4200 + number,
        event_type_ids=tuple(89000 + 10 * number + kind for kind in range(len(pattern.event_type_ids))),
    )


def completed(
    settings: Settings, stack: StackEndpoints, ports: Mapping[str, int], world: WorldConfig | None
) -> Settings:
    """The given settings with everything that we start ourselves filled in."""
    given = settings.model_dump(mode="python")
    given["kafka"]["bootstrap_servers"] = stack.kafka_bootstrap
    given["source"]["connect_url"] = given["source"]["connect_url"] or stack.connect_url
    given["source"]["dsn"] = given["source"]["dsn"] or stack.reader_dsn
    given["store"]["dsn"] = given["store"]["dsn"] or stack.store_dsn
    given["api"]["port"] = ports["api"]
    if not any(key["role"] == "admin" and "*" in key["tenants"] for key in given["api_keys"]):
        own = {"name": "local", "key": secrets.token_urlsafe(24), "role": "admin", "tenants": ["*"]}
        given["api_keys"] = [*given["api_keys"], own]
    if world is not None:
        if "requests_per_minute" not in settings.api.model_fields_set:
            given["api"]["requests_per_minute"] = WATCHED_REQUESTS_PER_MINUTE
        given["calcom"]["base_url"] = f"http://{HOST}:{ports['calcom']}"
        if not settings.accounts:
            given["accounts"] = [_account(account) for account in world.accounts]
        if settings.slack.webhook_url is None and settings.slack.bot_token is None:
            given["slack"]["webhook_url"] = f"http://{HOST}:{ports['slack']}/services/T000/B000/plumbline"
    return Settings.model_validate(given)


def _account(account: WorldAccount) -> dict[str, object]:
    return {
        "name": account.name,
        "tenant": account.tenant,
        "api_key": account.api_key,
        "webhook_secrets": [account.secret],
    }


def variables_of(settings: Settings, stack: StackEndpoints) -> dict[str, str]:
    """The environment of our processes: what `completed` filled in, over the same configuration file."""
    key_list = [
        {"name": k.name, "key": k.key.get_secret_value(), "role": k.role, "tenants": list(k.tenants)}
        for k in settings.api_keys
    ]
    accounts = [
        {
            "name": a.name,
            "tenant": a.tenant,
            "api_key": a.api_key.get_secret_value(),
            "webhook_secrets": [secret.get_secret_value() for secret in a.webhook_secrets],
            "event_types": dict(a.event_types),
        }
        for a in settings.accounts
    ]
    values = {
        "KAFKA__BOOTSTRAP_SERVERS": stack.kafka_bootstrap,
        "SOURCE__CONNECT_URL": settings.source.connect_url,
        "SOURCE__DSN": settings.source.dsn and settings.source.dsn.get_secret_value(),
        "STORE__DSN": settings.store.dsn and settings.store.dsn.get_secret_value(),
        "CALCOM__BASE_URL": settings.calcom.base_url,
        "API__PORT": str(settings.api.port),
        "API__REQUESTS_PER_MINUTE": str(settings.api.requests_per_minute),
        "DETECTION__GRACE_SECONDS": json.dumps({rule.value: s for rule, s in settings.detection.grace_seconds.items()}),
        "SCOPE__SYNCED_SOURCES": ",".join(settings.scope.synced_sources),
        "SLACK__WEBHOOK_URL": settings.slack.webhook_url and settings.slack.webhook_url.get_secret_value(),
        "API_KEYS": json.dumps(key_list),
        "ACCOUNTS": json.dumps(accounts),
    }
    return {f"PLUMBLINE_{name}": str(value) for name, value in values.items() if value}
