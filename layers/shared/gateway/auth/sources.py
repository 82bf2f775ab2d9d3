"""Shortens the address that a request comes from to what is kept of it."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address


def source_of(address: str) -> str:
    """The source that an address counts as: itself, or its network of 64 bits in IPv6, which is one customer's."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    mapped = getattr(found, "ipv4_mapped", None) or found
    return str(mapped) if isinstance(mapped, IPv4Address) else f"{mapped.exploded[:19]}::/64"
