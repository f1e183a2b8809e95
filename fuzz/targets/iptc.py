"""IPTC: datasets, Photoshop's resources, and what is told of them."""

from __future__ import annotations

import json

from foveola.codecs import iptc
from foveola.info.iptc import iptc as told
from foveola.info.iptc import resolution
from foveola.transform.rights import iptc_rights

TOKENS = (
    iptc.MARK,
    b"8BIM\4\4\0\0",
    b"\x1c\2\x78",
    b"\x1c\1\x5a\0\3\x1b%G",
    b"\x1c\2\x74\x80\4\0\0\0\1",
    b"8BIM\3\xed",
)


def seeds() -> list[bytes]:
    rows = b"".join(
        b"\x1c" + bytes(number) + len(text).to_bytes(2) + text
        for number, text in (((1, 90), b"\x1b%G"), ((2, 120), "ä".encode()))
    )
    long = b"\x1c\2\x69\x80\4\0\0\0\5hello"
    return [
        rows,
        long,
        iptc.wrapped(rows) or b"",
        iptc.MARK + b"8BIM\3\xed\2ab\0\0\0\0\x10" + bytes(range(16)),
        b"x" + rows * 20,
    ]


def target(data: bytes) -> None:
    found = list(iptc.datasets(data))
    assert b"".join(row.data for row in found) in data
    wrapped = iptc.wrapped(data)
    if wrapped and not data.startswith(iptc.MARK):
        assert iptc.bare(wrapped) == data
    rights = iptc_rights(data)
    assert iptc_rights(rights) == rights
    iptc.fitting(data)
    iptc.fourfold(data)
    for number, block in iptc.resources(data).items():
        assert 0 <= number < 1 << 16
        assert block in data
    json.dumps([told(data), resolution(data), told(iptc.bare(data) or b"")]).encode()
