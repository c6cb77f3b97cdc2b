"""Settings of channels: what cannot work is named where it is written, before anything is sent."""

from base64 import b64encode

import pytest
from pydantic import ValidationError

from streams.settings_notices import AlertmanagerSettings, MailSettings, WebhookSettings


@pytest.mark.parametrize("address", ["ops@example.com", "plumbline@localhost", "a.b+c@example.co.uk"])
def test_a_plain_mail_address_is_taken(address: str) -> None:
    assert MailSettings(sender=address).sender == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ops",
        "@example.com",
        "ops@",
        "ops@example.com\r\nBcc: eve@evil.example",
        "Ops <ops@example.com>",
        "ops@example.com, eve@evil.example",
        "a b@example.com",
        "ops@example.com (there)",
        "ü@example.com",
        f"{'a' * 250}@example.com",
    ],
)
def test_what_is_no_plain_mail_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="allowed is one mail address"):
        MailSettings(sender=address)


@pytest.mark.parametrize(
    "secret", ["plain words", "whsec_short", "whsec_not base64", f"whsec_{b64encode(b'k' * 65).decode()}"]
)
def test_a_signing_secret_that_is_too_weak_or_no_base64_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ValidationError, match="24 to 64 random bytes") as refused:
        WebhookSettings.model_validate({"name": "crm", "url": "https://crm.example", "secret": secret})
    assert secret not in str(refused.value.errors(include_input=False))


@pytest.mark.parametrize("url", ["http://", "https://:443/hook", "http://host:99999/", "http://a b/", "ftp://host/"])
def test_an_address_without_a_host_or_with_a_port_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="allowed is an address"):
        AlertmanagerSettings(url=url)
