"""Tells whether an IP address is on the public internet, so that a user's request may connect to it. Pure.

The table is our own, because `ipaddress.is_global` has changed between Python's versions. IPv6 is public only in the
block that IANA hands out, so addresses that contain an IPv4 address (mapped, compatible, NAT64) are not.

https://www.iana.org/assignments/iana-ipv4-special-registry/
https://www.iana.org/assignments/iana-ipv6-special-registry/
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_IPV4_REFUSED = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network, RFC 791
        "10.0.0.0/8",  # private, RFC 1918
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598; Alibaba Cloud's metadata
        "127.0.0.0/8",  # loopback, RFC 1122
        "168.63.129.16/32",  # Azure's platform: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
        "169.254.0.0/16",  # link-local, RFC 3927; metadata of EC2 (169.254.169.254) and of ECS (169.254.170.2)
        "172.16.0.0/12",  # private, RFC 1918
        "192.0.0.0/24",  # protocol assignments, RFC 6890; Oracle Cloud's metadata
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",  # private, RFC 1918
        "198.18.0.0/15",  # benchmarking, RFC 2544
        "198.51.100.0/24",  # documentation, RFC 5737
        "203.0.113.0/24",  # documentation, RFC 5737
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved, RFC 1112, and broadcast, RFC 919
    )
)
# Outside this block: unspecified, loopback, IPv4-mapped and -compatible, NAT64 (64:ff9b::/96, 64:ff9b:1::/48),
# discard-only, SRv6, unique-local (fc00::/7, with EC2's metadata fd00:ec2::254), link-local, site-local, multicast.
_IPV6_GLOBAL_UNICAST = IPv6Network("2000::/3")
_IPV6_REFUSED = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, RFC 2928: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation, RFC 3849
        "2002::/16",  # 6to4, RFC 3056: carries an IPv4 address
        "3fff::/20",  # documentation, RFC 9637
    )
)
_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def is_public(address: str) -> bool:
    """Tells whether the text is an address of the public internet; false for text without an
    address, or with a zone.
    """
    match _parsed(address):
        case IPv4Address() as found:
            return not any(found in block for block in _IPV4_REFUSED)
        case IPv6Address() as found:
            return found in _IPV6_GLOBAL_UNICAST and not any(found in block for block in _IPV6_REFUSED)
        case None:
            return False


def is_loopback(address: str) -> bool:
    """Tells whether the text is an address of this machine."""
    found = _parsed(address)
    return found is not None and any(found in block for block in _LOOPBACK)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return None if "%" in address else ip_address(address)
    except ValueError:
        return None
