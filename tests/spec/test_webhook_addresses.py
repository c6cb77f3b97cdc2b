"""Where webhooks go: to addresses that anybody on the internet could be at, and nowhere inside."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.notify.ssrf import METADATA, Address, NotAllowed, checked_address, port_refusal, refusal

#: IANA's registries of special addresses, less what is given out to the public.
SPECIAL_4 = """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.2.0/24 192.168.0.0/16
198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"""
SPECIAL_6 = """::/8 100::/64 64:ff9b::/96 64:ff9b:1::/48 2001::/32 2001:db8::/32 2002::/16 fc00::/7 fe80::/10 fec0::/10
ff00::/8"""
PUBLIC = ("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:831::200e")
INSIDE = ("10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "::1", "fd12::1", "::ffff:10.1.2.3")


def within(networks: str) -> st.SearchStrategy[Address]:
    return st.sampled_from(networks.split()).flatmap(lambda network: st.ip_addresses(network=ip_network(network)))


@given(within(SPECIAL_4))
def test_no_special_ipv4_address_passes_in_any_clothes(address: IPv4Address) -> None:
    mapped = IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)
    compatible = IPv6Address(b"\0" * 12 + address.packed)
    six_to_four = IPv6Address(b"\x20\x02" + address.packed + b"\0" * 10)
    translated = IPv6Address(b"\0\x64\xff\x9b" + b"\0" * 8 + address.packed)
    for one in (address, mapped, compatible, six_to_four, translated):
        assert refusal(one) is not None, one


@given(within(SPECIAL_6))
def test_no_special_ipv6_address_passes(address: IPv6Address) -> None:
    assert refusal(address) is not None


@given(st.ip_addresses())
def test_what_passes_is_global_and_what_is_allowed_besides_is_inside(address: Address) -> None:
    if refusal(address) is None:
        assert address.is_global
        assert not address.is_multicast
    elif refusal(address, allow_private=True) is None:
        inner = (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
        assert inner.is_private or inner in ip_network("100.64.0.0/10")
        assert not inner.is_link_local


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert refusal(ip_address(address)) is None


@pytest.mark.parametrize("address", INSIDE)
def test_inside_addresses_pass_where_they_are_allowed_and_nowhere_else(address: str) -> None:
    assert refusal(ip_address(address)) == "no public address"
    assert refusal(ip_address(address), allow_private=True) is None


@pytest.mark.parametrize(
    "address",
    [*METADATA, *map(ip_address, ("::ffff:169.254.169.254", "169.254.1.1", "fe80::1", "224.0.0.1", "0.0.0.0"))],
)
def test_metadata_and_what_is_nobodys_address_never_pass(address: Address) -> None:
    assert refusal(address, allow_private=True) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080/",
        "http://127.1:8080/",
        "http://2130706433:8080/",
        "http://0x7f000001:8080/",
        "http://[::1]:8080/",
        "http://[::ffff:127.0.0.1]:8080/",
        "http://0:8080/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "ftp://93.184.216.34/",
        "http://user:secret@93.184.216.34/",
        "http://93.184.216.34:25/",
        "http://93.184.216.34:22/",
    ],
)
async def test_an_address_in_any_spelling_is_judged_by_where_it_leads(url: str) -> None:
    with pytest.raises(NotAllowed):
        await checked_address(httpx.URL(url), allow_private=False)


async def test_the_address_to_connect_to_is_the_one_that_was_judged() -> None:
    assert str(await checked_address(httpx.URL("https://93.184.216.34/hook"), allow_private=False)) == "93.184.216.34"
    assert (await checked_address(httpx.URL("http://localhost:8080"), allow_private=True)).is_loopback


async def test_a_name_that_nobody_has_is_no_address() -> None:
    with pytest.raises(OSError):
        await checked_address(httpx.URL("https://receiver.invalid/hook"), allow_private=False)


@pytest.mark.parametrize(("port", "allowed"), [(80, True), (443, True), (1024, True), (65535, True), (25, False)])
def test_of_the_low_ports_only_those_of_the_web_are_asked(port: int, allowed: bool) -> None:
    assert (port_refusal(port) is None) is allowed
