"""For whom a message is written: how a tenant is called, and what its clock shows."""

from collections.abc import Callable
from datetime import tzinfo
from zoneinfo import ZoneInfo

import msgspec

from streams.model.source_records import EVERY_TENANT
from streams.settings import Settings


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """How a tenant is called and what its clock shows."""

    name_of: Callable[[str], str]
    zone_of: Callable[[str], tzinfo]


def audience_of(settings: Settings) -> Audience:
    """As the tenants are configured."""
    names = {EVERY_TENANT: "all companies"} | {tenant.id: tenant.name for tenant in settings.tenants if tenant.name}
    return Audience(
        name_of=lambda tenant: names.get(tenant) or f"company {tenant}",
        zone_of=lambda tenant: ZoneInfo(settings.timezone_of(tenant)),
    )
