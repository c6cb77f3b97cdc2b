"""Whether a webhook body was signed by Cal.com with one of an account's secrets."""

import hmac
from collections.abc import Iterable
from hashlib import sha256

#: What Cal.com sends in place of a signature where a webhook has no secret: proof of nothing.
UNSIGNED = "no-secret-provided"


def is_signed(body: bytes, signature: str | None, secrets: Iterable[str]) -> bool:
    """Whether `signature` is the hex HMAC-SHA256 of exactly these bytes under any of `secrets`.

    All secrets are tried, each in constant time, so that the time taken tells nothing about which of them
    fits. An empty secret never fits: anybody could sign with it.
    """
    if not signature or signature == UNSIGNED or not signature.isascii():
        return False
    given = signature.strip().lower()
    fits = False
    for secret in secrets:
        if not secret:
            continue
        expected = hmac.new(secret.encode(), body, sha256).hexdigest()
        fits = hmac.compare_digest(expected, given) or fits
    return fits
