"""Where a webhook may go: an address that anybody on the internet could be at, and nothing inside (SSRF).

A receiver's name is resolved once, every address of it is judged, and the connection goes to the very address that
was judged; a name that answers otherwise the next time (DNS rebinding) gains nothing. An allow list decides: what is
not known to be public is refused.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

RESOLVE_SECONDS_MAX = 5.0
#: Below it only the web's own ports: no mail, no shells.
UNPRIVILEGED_PORT_MIN = 1024
WEB_PORTS = frozenset({80, 443})

Address = IPv4Address | IPv6Address

#: Who asks these gets a cloud's secrets; refused even where private addresses are allowed.
METADATA: frozenset[Address] = frozenset(
    {
        ip_address("169.254.169.254"),
        ip_address("fd00:ec2::254"),
        ip_address("100.100.100.200"),
        ip_address("168.63.129.16"),
        ip_address("192.0.0.192"),
    }
)
#: Of IPv6 only these are given out; the rest is local, multicast or carries an IPv4 address in disguise.
_GIVEN_OUT = IPv6Network("2000::/3")
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
_UNIQUE_LOCAL = IPv6Network("fc00::/7")
_INSIDE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8")))


class NotAllowed(Exception):
    """The receiver's address is one that webhooks do not go to."""


def refusal(address: Address, *, allow_private: bool = False) -> str | None:
    """Why nothing is sent to this address; None where it may be. `allow_private` is for receivers inside."""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    judged: Address = inner or address
    if judged in METADATA:
        return "a cloud's metadata service"
    if allow_private and _is_inside(judged):
        return None
    return None if _is_public(judged) else "no public address"


def port_refusal(port: int) -> str | None:
    """Why nothing is sent to this port; None where it may be."""
    if port in WEB_PORTS or port >= UNPRIVILEGED_PORT_MIN:
        return None
    return f"port {port}; allowed are 80, 443 and those from {UNPRIVILEGED_PORT_MIN}"


async def checked_address(url: httpx.URL, *, allow_private: bool) -> Address:
    """The address to connect to. Raises NotAllowed, and OSError or TimeoutError where the name cannot be resolved.

    One bad address among several is enough to refuse: which of them a later connection takes is not ours to say.
    """
    port = url.port or (443 if url.scheme == "https" else 80)
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise NotAllowed("allowed is http or https with a host and without a login")
    if (why := port_refusal(port)) is not None:
        raise NotAllowed(why)
    async with asyncio.timeout(RESOLVE_SECONDS_MAX):
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [ip_address(str(each[4][0])) for each in found]
    for address in addresses:
        if (why := refusal(address, allow_private=allow_private)) is not None:
            raise NotAllowed(f"{why}; inside receivers need allow_private")
    return addresses[0]


def _is_public(address: Address) -> bool:
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv6Address):
        return address in _GIVEN_OUT and not any(address in tunnel for tunnel in _TUNNELS)
    return True


def _is_inside(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return address in _UNIQUE_LOCAL or address.is_loopback
    return any(address in network for network in _INSIDE)
