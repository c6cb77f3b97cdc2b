"""What the world is made of: accounts with their keys, event types and webhooks; ports; the ledger's place."""

import random
from pathlib import Path
from typing import Literal

import msgspec

from connectors.world.knobs import Knobs

Generation = Literal["legacy", "pipeline", "mixed"]
#: What an account's event types are for, in the order of `event_type_ids`.
EventKind = Literal["plain", "confirmed", "seated", "paid", "series", "course"]
EVENT_KINDS: tuple[EventKind, ...] = ("plain", "confirmed", "seated", "paid", "series", "course")

HOSTS = (
    "Ines Okafor", "Marta Lindqvist", "Joao Vilar", "Ewan Birrell", "Aiko Brandt",
    "Lena Sorel", "Tomas Reyes", "Nora Falk", "Pavel Dietz",
)  # fmt: skip


class WorldAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Cal.com account and the application's tenant that books with it."""

    name: str
    tenant: str
    #: Plumbline's key. It is limited to 120 requests a minute, as in life.
    api_key: str
    #: The application's own key.
    app_key: str
    webhook_url: str | None = None
    secret: str
    #: One id for each of EVENT_KINDS.
    event_type_ids: tuple[int, ...]
    generation: Generation = "mixed"
    user_id: int = 4127
    host: str = HOSTS[0]
    #: This tenant's rows hold Cal.com's numeric id instead of the uid.
    numeric_ids: bool = False


class WorldConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that `connectors.world.run` needs. Port 0 takes a free one; a slack_port of None starts no Slack."""

    accounts: tuple[WorldAccount, ...]
    calcom_port: int = 0
    slack_port: int | None = None
    #: The writing role of the example CRM; without it there is no traffic.
    crm_dsn: str | None = None
    #: JSON lines; without it there is no traffic.
    ledger: str | None = None
    seed: int = 1
    knobs: Knobs = Knobs()
    api_key_requests_per_minute: int = 120
    app_key_requests_per_minute: int = 1200


def read_config(path: Path) -> WorldConfig:
    """Raises OSError, or msgspec.ValidationError with the place of the fault."""
    return msgspec.json.decode(path.read_bytes(), type=WorldConfig)


def default_accounts(api_url: str | None, *, tenants: int = 9, seed: int = 1) -> tuple[WorldAccount, ...]:
    """Tenants "1", "2" … with an account `acct-<tenant>` each, delivering to the door at `api_url`.

    Every third tenant keeps numeric ids; the payload generations take turns.
    """
    generations: tuple[Generation, ...] = ("legacy", "pipeline", "mixed")
    return tuple(
        WorldAccount(
            name=f"acct-{n}",
            tenant=str(n),
            api_key=f"cal_test_{_token(seed, n, 'plumbline')}",
            app_key=f"cal_test_{_token(seed, n, 'app')}",
            secret=_token(seed, n, "webhook"),
            webhook_url=f"{api_url}/webhooks/calcom/acct-{n}" if api_url else None,
            event_type_ids=tuple(88000 + 10 * n + kind for kind in range(len(EVENT_KINDS))),
            generation=generations[n % 3],
            user_id=4100 + n,
            host=HOSTS[(n - 1) % len(HOSTS)],
            numeric_ids=n % 3 == 0,
        )
        for n in range(1, tenants + 1)
    )


def _token(seed: int, n: int, purpose: str) -> str:
    # Not a secret worth guarding: it opens a simulation on this machine.
    return f"{random.Random(f'{seed}|{n}|{purpose}').getrandbits(128):032x}"
