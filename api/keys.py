"""Who asks: bearer keys, each with a role and bound to tenants."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import msgspec
from fastapi import Request

from api.problems import Problem
from streams.settings_sections import ApiKeySettings

Role = Literal["viewer", "operator", "admin"]
_RANK: dict[Role, int] = {"viewer": 0, "operator": 1, "admin": 2}
ALL_TENANTS = "*"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A key's bearer. `tenants` None is all of them."""

    name: str
    role: Role
    tenants: tuple[str, ...] | None


Asking = Callable[[Request], Awaitable[Caller]]


class Keys:
    """The configured keys. Comparing takes the same time for every wrong key."""

    def __init__(self, keys: Sequence[ApiKeySettings]) -> None:
        self._keys = [(key.key.get_secret_value().encode(), _caller(key)) for key in keys]

    def known(self, authorization: str | None) -> Caller | None:
        """Whose key it is; None for a stranger's."""
        scheme, _, given = (authorization or "").partition(" ")
        found = None
        if scheme.lower() == "bearer":
            for key, caller in self._keys:
                if hmac.compare_digest(key, given.strip().encode("utf-8", "replace")):
                    found = caller
        return found

    def bearer(self, authorization: str | None) -> Caller:
        """Whose key it is. Raises Problem (401)."""
        found = self.known(authorization)
        if found is None:
            raise Problem(
                401,
                "unauthorized",
                "Authorization: Bearer <key> is missing, or the key is not known.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return found

    def at_least(self, role: Role) -> Asking:
        """A FastAPI dependency: the caller, if the role suffices. Raises Problem (401, 403)."""

        async def asking(request: Request) -> Caller:
            caller = self.bearer(request.headers.get("authorization"))
            if _RANK[caller.role] < _RANK[role]:
                raise Problem(403, "forbidden", f"This needs a key of role {role}; yours is {caller.role}.")
            return caller

        return asking


def _caller(key: ApiKeySettings) -> Caller:
    tenants = None if ALL_TENANTS in key.tenants else tuple(key.tenants)
    return Caller(name=key.name, role=key.role, tenants=tenants)
