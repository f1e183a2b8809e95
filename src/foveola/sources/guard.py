"""Which addresses may be dialled: a URL from a stranger must not reach what only this machine can reach.

The address that is about to be dialled is judged, not the name in the URL: that covers literals in every spelling,
names that resolve to something else the second time, and each redirect, in one place. Python's `is_global` says yes to
`::127.0.0.1`, to NAT64 and to 6to4 forms of private addresses, so the table is our own, and an address inside an
address is judged as well. Source: https://www.iana.org/assignments/iana-ipv6-special-registry; RFC 3056, 4380, 5214,
6052
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Literal

from foveola.sources.base import Reach

Kind = Literal["public", "private", "link_local", "loopback", "reserved"]
AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]

_TABLE: tuple[tuple[Kind, str], ...] = (
    ("loopback", "0.0.0.0/8 127.0.0.0/8 ::/128 ::1/128"),
    ("link_local", "169.254.0.0/16 224.0.0.0/24 fe80::/10"),
    # where Alibaba, Oracle, Azure, AWS and Google (IPv6) keep the credentials of a machine, and what it is told
    ("link_local", "100.100.100.200/32 192.0.0.192/32 168.63.129.16/32 fd00:ec2::254/128 fd20:ce::254/128"),
    ("private", "10.0.0.0/8 100.64.0.0/10 172.16.0.0/12 192.168.0.0/16 192.0.0.0/24 198.18.0.0/15 fc00::/7 fec0::/10"),
    ("reserved", "192.0.2.0/24 192.88.99.0/24 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 2001:db8::/32 3fff::/20"),
    ("public", "2001::/32"),
    ("reserved", "2001::/23"),
    ("public", "0.0.0.0/0 2000::/3 ::ffff:0:0/96 ::ffff:0:0:0/96 ::/96 64:ff9b::/96 64:ff9b:1::/48"),
    ("reserved", "::/0"),
)
_NETWORKS = [(kind, ip_network(text)) for kind, texts in _TABLE for text in texts.split()]
_LOW_32_BITS = [IPv6Network(n) for n in ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48")]
_NAT64_LOCAL, _SIX_TO_FOUR, _TEREDO = (IPv6Network(n) for n in ("64:ff9b:1::/48", "2002::/16", "2001::/32"))


class ForbiddenAddressError(OSError):
    """The address may not be dialled; an OSError, because that is what aiohttp translates."""


def kinds(address: str) -> set[Kind]:
    """Return what an address is, and what the addresses inside it are.

    Args:
        address: an IPv4 or IPv6 literal, perhaps with a zone: `10.0.0.1`, `fe80::1%eth0`.
    """
    outer = ip_address(address.partition("%")[0])
    inner = _embedded(outer) if isinstance(outer, IPv6Address) else []
    return {_kind(a) for a in (outer, *inner)}


def may_dial(address: str, reach: Reach) -> bool:
    """Return whether `reach` lets an address be dialled."""
    allowed: dict[Kind, bool] = {
        "public": True,
        "private": reach.private,
        "link_local": reach.link_local,
        "loopback": reach.loopback,
        "reserved": False,
    }
    return all(allowed[kind] for kind in kinds(address))


def socket_factory(reach: Reach) -> Callable[[AddressInfo], socket.socket]:
    """Return what makes the sockets of an aiohttp connector: it is shown each address before it is dialled."""

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_dial(address[0], reach):
            raise ForbiddenAddressError(errno.EACCES, f"Address {address[0]} may not be dialled")
        return socket.socket(family, kind, protocol)

    return make


def _kind(address: IPv4Address | IPv6Address) -> Kind:
    return next(kind for kind, network in _NETWORKS if address in network)


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that are written into an IPv6 address."""
    value = int(address)
    found = []
    if address in _NAT64_LOCAL and not value & 0xFF_FFFF:
        found += _around_zero(value)
    elif any(address in network for network in _LOW_32_BITS):
        found.append(value)
    if address in _SIX_TO_FOUR:
        found.append(value >> 80)
    if address in _TEREDO:
        found.append(~value)
    if value >> 32 & 0xFCFF_FFFF == 0x5EFE:  # ISATAP; the bits left out say whether it is globally unique and a group
        found.append(value)
    return [IPv4Address(v & 0xFFFF_FFFF) for v in found]


def _around_zero(value: int) -> list[int]:
    """Return what may be embedded behind a prefix of 48, 56 or 64 bits, around the zero octet (RFC 6052, 2.2).

    Nobody says how long the prefix is, so each length counts whose rest is empty, and all of them have to be allowed.
    What begins with a zero is a prefix that was taken for an address, unless there is nothing else.
    """
    after = value & 0xFF_FFFF_FFFF_FFFF  # the 56 bits behind the zero octet
    joined = (value >> 64 & 0xFFFF) << 56 | after
    found = [joined >> shift & 0xFFFF_FFFF for shift in (40, 32, 24) if not value & (1 << shift) - 1]
    return [inner for inner in found if inner >> 24] or found
