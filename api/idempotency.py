"""`Idempotency-Key`: a write that is sent again with the same key is answered again, and not done again.

A person's second try is a new key; the same key is for a program that does not know whether its first try arrived.
How it is made sure that nothing happens twice stands in `connectors/store/idempotency.py`.
"""

from hashlib import sha256

import msgspec
from starlette.datastructures import Headers
from starlette.types import Scope

from api.keys import Caller
from api.problems import Problem, bad_input
from connectors.store.idempotency import KEPT_HOURS, Ticket

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY_CHARACTERS_MAX = 200
ALLOWED = f"allowed is one header of 1 to {KEY_CHARACTERS_MAX} printable ASCII characters"
DESCRIPTION = (
    f"Of the sender's choice, new for each write. The same request with the same key within {KEPT_HOURS} h is answered "
    f"as the first was, with `{REPLAYED}: true`, and done once; 422 if it says something else, 409 while the first is "
    "under way. Answers of 500 and above are not kept."
)

UNDER_WAY = Problem(
    409,
    "request-under-way",
    f"The first request with this {HEADER} has not been answered yet. Send it again in a moment.",
    headers={"Retry-After": "1"},
)
SENT_DIFFERENTLY = Problem(
    422,
    "idempotency-key-reused",
    f"This {HEADER} was used for a request with another body. A new request needs a new key.",
)


def key_of(headers: Headers) -> str | None:
    """The request's key; None if it has none. Raises Problem (422)."""
    given = headers.getlist(HEADER)
    if not given:
        return None
    key = given[0]
    if len(given) > 1 or not 0 < len(key) <= KEY_CHARACTERS_MAX or not (key.isascii() and key.isprintable()):
        raise bad_input(HEADER, ", ".join(given), ALLOWED)
    return key


def ticket_of(scope: Scope, caller: Caller, key: str, body: bytes) -> Ticket:
    """What the key stands for. A caller whose rights have changed is another one: it must not read old answers."""
    headers = Headers(scope=scope)
    who = (caller.name, caller.role, caller.tenants)
    return Ticket(
        id=_digest(who, key, scope["method"], scope["path"]),
        request=_digest(scope["query_string"], headers.get("if-match"), body),
    )


def _digest(*parts: object) -> bytes:
    return sha256(msgspec.json.encode(parts)).digest()
