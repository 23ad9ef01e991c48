"""Which network addresses are everybody's, and which lead into somebody's own network.

Python's `is_global` is only the beginning: in 3.11 it holds multicast, translation prefixes that
embed private addresses and more for global, and later versions differ.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All IPv6 addresses that are given out. The translation of IPv4 (`64:ff9b::/96`), site-local and
IPv4-compatible ones lie outside."""

_NOBODYS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments; a metadata service of one cloud is there
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # a cloud's own services for its machines
        "2001::/23",  # protocol assignments, Teredo among them, which embeds IPv4 addresses
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which embeds IPv4 addresses
        "3fff::/20",  # documentation
    )
)


def read_address(text: str) -> Address | None:
    """The address of a text, an IPv4 one where IPv6 only wraps it; None where it is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """Whether an address is one of the open Internet."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST:
        return False
    return not any(address in network for network in _NOBODYS)
