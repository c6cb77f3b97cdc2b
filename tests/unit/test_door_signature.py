"""A webhook is Cal.com's if, and only if, one of the account's secrets signed exactly these bytes."""

import hmac
import json
from hashlib import sha256
from pathlib import Path

import pytest

from api.door.signature import is_signed

SAMPLES = Path(__file__).parents[1] / "fixtures" / "calcom"
SECRET = "tidemill-webhook-secret-01"
SIGNED = "17083d562dce75cf22ce5b0ed02d9d4bb629dbca4313e6d144afa53db3392d3f"
BODY = (SAMPLES / "webhook-booking_created-plain.json").read_bytes()


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def test_a_sample_of_calcom_fits_its_signature() -> None:
    assert is_signed(BODY, SIGNED, [SECRET])


def test_any_of_several_secrets_will_do_while_they_rotate() -> None:
    assert is_signed(BODY, SIGNED, ["the-next-secret", SECRET])
    assert is_signed(BODY, SIGNED, [SECRET, "the-old-secret"])


@pytest.mark.parametrize(
    ("body", "given", "secrets"),
    [
        (BODY[:-1] + b" ", SIGNED, [SECRET]),  # one byte changed
        (json.dumps(json.loads(BODY)).encode(), SIGNED, [SECRET]),  # the same JSON, other bytes
        (BODY, None, [SECRET]),
        (BODY, "", [SECRET]),
        (BODY, "no-secret-provided", [SECRET]),
        (BODY, "no-secret-provided", ["no-secret-provided"]),
        (BODY, f"sha256={SIGNED}", [SECRET]),
        (BODY, SIGNED[:-1], [SECRET]),
        (BODY, "ü" * 64, [SECRET]),
        (BODY, SIGNED, ["another-secret"]),
        (BODY, SIGNED, []),
        (BODY, signature(BODY, ""), [""]),  # an empty secret is nobody's
    ],
)
def test_anything_else_is_refused(body: bytes, given: str | None, secrets: list[str]) -> None:
    assert not is_signed(body, given, secrets)
