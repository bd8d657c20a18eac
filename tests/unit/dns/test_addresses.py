"""Addresses to which anyone's NS records can lead, and which are never asked."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.dns.lookup.addresses import may_be_asked

NEVER = (
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2", "169.254.1.1", "224.0.0.251",  # noqa: S104
    "239.255.255.250", "255.255.255.255", "240.0.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff05::2", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "::ffff:0.0.0.0", "::ffff:224.0.0.1",
    "", "localhost", "1", "127.1", "0x7f000001", "2130706433", "1.2.3.4.5",
)  # fmt: skip


@pytest.mark.parametrize("address", NEVER)
def test_it_is_never_asked(address: str) -> None:
    assert not may_be_asked(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "205.251.196.1",
        "10.0.0.2",
        "172.16.0.2",
        "192.168.1.1",
        "100.64.0.1",
        "2600:9000::1",
        "fd12:3456::53",
    ],
)
def test_servers_of_the_world_and_of_private_networks_are_asked(address: str) -> None:
    assert may_be_asked(address)


@given(st.ip_addresses(v=4).filter(lambda address: not may_be_asked(str(address))))
def test_no_form_of_an_address_that_is_not_asked_is_asked(address: IPv4Address) -> None:
    number = int(address)
    mapped, gateway, six = (0xFFFF << 32) | number, (0x64FF9B << 96) | number, (0x2002 << 112) | (number << 80)
    for form in (mapped, gateway, six):
        assert not may_be_asked(str(IPv6Address(form)))
