"""Whether a source is the one that its URL was made for.

Source: https://docs.imgproxy.net/usage/processing#hashsum
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os

from foveola.errors import ImageError
from foveola.sources.base import Body
from foveola.sources.body import PART


async def check(body: Body, hashsum: tuple[str, str]) -> None:
    """Compare the digest of a source with the one that its URL says.

    Args:
        body: its bytes.
        hashsum: `md5`, `sha1`, `sha256` or `sha512`, and the digest in hexadecimal; nothing is compared when empty.

    Raises:
        ImageError: they differ.
    """
    kind, wanted = hashsum
    if kind:
        got = await asyncio.to_thread(digest, body, kind)
        if not hmac.compare_digest(got, wanted.lower()):
            raise ImageError(f"Expected a source of {kind} {wanted}, got {got}", public="Invalid source image")


def digest(body: Body, kind: str) -> str:
    """Return the digest of a file in hexadecimal.

    Args:
        body: its bytes.
        kind: the name of the algorithm.
    """
    found = hashlib.new(kind, usedforsecurity=False)
    done = 0
    while part := os.pread(body.fd, min(PART, body.size - done), done):
        found.update(part)
        done += len(part)
    return found.hexdigest()
