"""Kinds of values that settings have: each knows its bounds and says what is allowed."""

from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

GIB = 1024**3


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("allowed is a time zone of the IANA list, such as Europe/Berlin") from error
    return name


def _url(address: str) -> str:
    if not address.startswith(("http://", "https://")) or not _has_host(address):
        raise ValueError("allowed is an address that begins with http:// or https://")
    return address.rstrip("/")


def _has_host(address: str) -> bool:
    """Whether it names a host, and no port that is none."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port or 1) > 0 and address.isprintable() and " " not in address
    except ValueError:
        return False


def _without_version(address: str) -> str:
    if address.endswith("/v2"):
        raise ValueError("allowed is the address without /v2, such as https://api.cal.com")
    return address


def _bytes(given: object) -> object:
    """A number of bytes, or text such as 512MB or 10GB."""
    if not isinstance(given, str):
        return given
    units = {"KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
    text = given.strip().upper()
    number, factor = (text[:-2], units[text[-2:]]) if text[-2:] in units else (text, 1)
    if not number.strip().isdigit():
        raise ValueError("allowed is a number of bytes, or one with KB, MB, GB or TB, such as 10GB")
    return int(number) * factor


TimeZone = Annotated[str, AfterValidator(_zone)]
Url = Annotated[str, AfterValidator(_url)]
#: An API's address, to which the version's path is added by us.
UnversionedUrl = Annotated[Url, AfterValidator(_without_version)]
Seconds = Annotated[float, Field(ge=0, le=3600)]
LagSeconds = Annotated[float, Field(ge=0, le=15)]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Id = Annotated[str, Field(min_length=1, max_length=100)]
#: A size, at least one mebibyte.
Bytes = Annotated[int, BeforeValidator(_bytes), Field(ge=1024**2)]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="a time of day such as 03:30")]
