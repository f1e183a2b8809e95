"""The sidecar of a network: JSON that is refused with its reason, or says what it says again when it is written."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path

from foveola.errors import FoveolaError
from foveola.networks import sidecar

TOKENS = (
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b":",
        b",",
        b"null",
        b"true",
        b"NaN",
        b"Infinity",
        b"-0",
        b"1e999",
        b"\\ud800",
        b"1" * 400,
        b"\xff\xfe",
    ),
    *(f'"{name}":'.encode() for name in sidecar.Sidecar.__dataclass_fields__),
)


def seeds() -> list[bytes]:
    full = {
        "format": "webp",
        "head": "curve",
        "target": 0.02,
        "sigma": 0.1,
        "input": "mosaic",
        "scale": 255,
        "layout": "NCHW",
        "index_base": 0,
    }
    more = {"settings": {"effort": 4}, "sha256": "ab" * 32, "trained_on": "ä", "figures": {"a": 1.5}}
    return [b"{}", json.dumps(full).encode(), json.dumps(more).encode(), json.dumps(full | more).encode("utf-16")]


def target(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, suppress(FoveolaError):
        network = Path(folder, "net.pb")
        sidecar.beside(network).write_bytes(data)
        found = sidecar.read(network)
        assert found is not None
        found.write(sidecar.beside(network))
        assert sidecar.read(network) == found
