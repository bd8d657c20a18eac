"""The addresses that are never asked where a zone's own NS records lead to them: anyone can publish such records.

Those that the platform names itself (``spec.dns.nameservers``, the resolvers of the system) are not judged here.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

METADATA = tuple(
    map(
        ip_network,
        (
            "169.254.0.0/16",  # AWS, Google Cloud, Azure, and ECS's credentials
            "fd00:ec2::/32",  # AWS by IPv6
            "fd20:ce::/32",  # Google Cloud by IPv6
            "100.100.100.200/32",  # Alibaba Cloud
            "192.0.0.0/24",  # Oracle Cloud, and other special purposes
            "168.63.129.16/32",  # Azure's platform
        ),
    )
)
"""Where clouds give their machines credentials, or other things that are theirs alone."""

NAT64 = ip_network("64:ff9b::/96")
"""IPv4 addresses as gateways write them (RFC 6052)."""


def may_be_asked(address: str) -> bool:
    """Return True for an address at which a name server of the world, or of a private network, can be.

    Loopback, link-local, multicast, unspecified, broadcast and reserved addresses are none, nor is what clouds reserve
    for metadata; in IPv6 also where an IPv4 address is written in it. Source: IANA Special-Purpose Address Registries.
    """
    try:
        return all(_is_plain(each) for each in _forms(ip_address(address.partition("%")[0])))
    except ValueError:
        return False


def _is_plain(address: IPv4Address | IPv6Address) -> bool:
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if isinstance(address, IPv4Address) and (address.is_reserved or address in _THIS_NETWORK):
        return False
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    return not any(_holds(network, address) for network in METADATA)


def _holds(network: IPv4Network | IPv6Network, address: IPv4Address | IPv6Address) -> bool:
    return network.version == address.version and address in network


_THIS_NETWORK = IPv4Network("0.0.0.0/8")


def _forms(address: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """Return the address, and the IPv4 addresses that it stands for."""
    if isinstance(address, IPv4Address):
        return (address,)
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    number = int(address)
    if address in NAT64 or (number >> 32 == 0 and number > 1):  # the second: IPv4-compatible, long deprecated
        inner.append(IPv4Address(number & 0xFFFFFFFF))
    return (address, *(each for each in inner if each is not None))
