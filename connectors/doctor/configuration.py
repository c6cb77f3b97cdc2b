"""What the configuration alone says: rules switched off, accounts without secrets, parts that are not named."""

from collections.abc import Iterator

from connectors.doctor.line import Line, fail, ok, warn
from streams.configured import disabled_rules
from streams.settings import Settings


def examine_configuration(settings: Settings) -> Iterator[Line]:
    """Lines about `plumbline.toml` and its environment; it has been loaded, so it is well formed."""
    yield ok("configuration", f"loads; mode {settings.source.mode}, {len(settings.accounts)} accounts")
    yield _accounts(settings)
    yield from _secrets(settings)
    yield _rules(settings)


def _accounts(settings: Settings) -> Line:
    if settings.accounts:
        tenants = frozenset[str]().union(*(account.tenants for account in settings.accounts))
        return ok("accounts", f"{len(tenants)} tenants have one")
    return fail("accounts", "none", "add an [[accounts]] with name, tenant and api_key for each Cal.com account")


def _secrets(settings: Settings) -> Iterator[Line]:
    for account in settings.accounts:
        if not account.webhook_secrets:
            yield warn(
                f"account {account.name} secrets",
                "no webhook secret: every webhook is refused, changes are found by the poll alone",
                f"set accounts.webhook_secrets to the secret of the webhook to /webhooks/calcom/{account.name}",
            )


def _rules(settings: Settings) -> Line:
    off = disabled_rules(settings)
    if not off:
        return ok("rules", "all can be judged")
    told = "; ".join(f"{rule} (lacks {', '.join(sorted(columns))})" for rule, columns in sorted(off.items()))
    if not settings.source.has_calls:
        return ok("rules", f"no table of calls, so {len(off)} rules are off: {', '.join(sorted(off))}")
    return warn("rules", f"switched off: {told}", "map these columns in [source.appointments] or [source.calls]")
