"""Under which tenant a webhook travels."""

from pathlib import Path

import pytest

from api.door.tenancy import event_type_of, tenant_of_body
from streams.settings import Settings

SAMPLES = Path(__file__).parents[1] / "fixtures" / "calcom"
SETTINGS = Settings.model_validate(
    {
        "accounts": [
            {"name": "harbor", "tenant": "1", "api_key": "k"},
            {"name": "shared", "api_key": "k", "event_types": {"88213": "15"}},
        ]
    }
)


def tenant(account: str, body: bytes) -> str:
    found = SETTINGS.account(account)
    assert found is not None
    return tenant_of_body(SETTINGS, found, body)


@pytest.mark.parametrize(
    ("body", "event_type"),
    [
        ((SAMPLES / "webhook-booking_created-plain.json").read_bytes(), "88213"),
        (b'{"triggerEvent": "MEETING_ENDED", "eventTypeId": 7}', "7"),
        (b'{"payload": {"eventType": {"id": 9}}}', "9"),
        (b'{"payload": {"eventTypeId": null}}', None),
        (b'{"payload": {"eventTypeId": {"no": 1}}}', None),
        (b'{"payload": "text"}', None),
        (b"false", None),
        (b"name=Ewan&start=9", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
        (b"", None),
    ],
)
def test_the_event_type_is_found_where_it_stands_and_nothing_else_breaks(body: bytes, event_type: str | None) -> None:
    assert event_type_of(body) == event_type


def test_an_accounts_webhook_is_its_tenants() -> None:
    assert tenant("harbor", b"not even JSON") == "1"


def test_a_shared_accounts_webhook_is_its_event_types_tenants() -> None:
    assert tenant("shared", b'{"payload": {"eventTypeId": 88213}}') == "15"


def test_an_unmapped_webhook_travels_under_the_account() -> None:
    assert tenant("shared", b'{"payload": {"eventTypeId": 5}}') == "~shared"
    assert tenant("shared", b"not JSON") == "~shared"
