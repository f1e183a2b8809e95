"""Addresses: what may be dialled, against the table of Python's own `ipaddress`; and literals in every spelling."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from foveola.sources.base import Reach
from foveola.sources.guard import kinds, may_dial

TOKENS = (
    *(b"\xff\xff", b"\0\0\xff\xff", b"\0\x64\xff\x9b", b"\x20\x02", b"\x20\x01\0\0", b"\0\0\x5e\xfe", b"\xfe\x80"),
    *(b"\x7f\0\0\1", b"\x0a\0\0\1", b"\xc0\xa8\0\1", b"\xa9\xfe\xa9\xfe", b"\x80\xff\xff\xfe", b"\x64\x40\0\1"),
    *(b"\xfd\0\x0e\xc2", b"\xff\x02", b"\xe0\0\0\1", b"\x08\x08\x08\x08", b"\0\x64\xff\x9b\0\1"),
)
CLOSED = Reach(private=False)
OPEN = Reach(loopback=True, link_local=True, private=True)
_SCOPED = "%eth0"


def seeds() -> list[bytes]:
    literals = "127.0.0.1 8.8.8.8 10.0.0.1 169.254.169.254 ::1 fe80::1 2606:4700::1111 ::ffff:10.0.0.1 64:ff9b::a00:1"
    more = (
        "2002:a00:1:: 2001:0:808:808::f5ff:fffe 64:ff9b:1:a00:0:100:: fe80::5efe:a00:1 ff02::1 2001:db8::1 100.64.0.1"
    )
    return [ip_address(text).packed for text in f"{literals} {more}".split()]


def target(data: bytes) -> None:
    address = IPv6Address(data[:16]) if len(data) >= 16 else IPv4Address(data[:4].rjust(4, b"\0"))
    text = str(address)
    said = kinds(text)
    assert said, text
    assert may_dial(text, CLOSED) == (said == {"public"}), text
    if not may_dial(text, OPEN):
        assert not may_dial(text, CLOSED), text
    if isinstance(address, IPv6Address):
        assert kinds(address.exploded) == said, text
        assert kinds(text.partition("%")[0] + _SCOPED) == said, text
        _check_inside(address)
    elif may_dial(text, CLOSED):
        assert address.is_global, text
        assert not address.is_multicast, text


def _check_inside(address: IPv6Address) -> None:
    """Check that an address that may be dialled is public as Python knows it, and so is what it holds, if it does."""
    text = str(address)
    if not may_dial(text, CLOSED):
        return
    assert not address.is_multicast, text
    assert not address.is_link_local, text
    assert not address.is_loopback, text
    assert not address.is_site_local, text
    held = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if not any(held) and int(address) >> 96 and int(address) >> 80 != 0x64FF9B0001:
        assert address.is_global, text
    for inner in held:
        assert inner is None or (inner.is_global and not inner.is_multicast) or inner == (address.teredo or [0])[0], (
            text
        )
