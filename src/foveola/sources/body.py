"""The bytes of one file, as a descriptor that is handed on.

The bytes of a picture are hostile until a worker has judged them, and the process that fetches them never looks inside:
they go into a memfd as they arrive, and the descriptor is what is handed on. A file of this machine is its own
descriptor. Source: https://man7.org/linux/man-pages/man2/memfd_create.2.html
"""

from __future__ import annotations

import hashlib
import os

from foveola.errors import ImageError

PART = 1 << 20
"""Bytes that are read at a time."""


class Body:
    """The bytes of one file, in anonymous memory that ends with this object.

    Args:
        most: the largest size it may grow to, in bytes; 0 for any.
    """

    fd = -1

    def __init__(self, most: int = 0) -> None:
        self.fd = os.memfd_create("foveola", os.MFD_CLOEXEC)
        self.size = 0
        self._most = most

    @classmethod
    def of(cls, descriptor: int, size: int) -> Body:
        """Return the first `size` bytes of an open file, not copied; the descriptor is closed with this object."""
        body = cls.__new__(cls)
        body.fd, body.size, body._most = descriptor, size, 0
        return body

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`.

        Raises:
            ImageError: the file grows over the limit.
        """
        view = memoryview(data)
        self.expect(self.size + len(view))
        while view:
            done = os.write(self.fd, view)
            view = view[done:]
            self.size += done

    def expect(self, size: int) -> None:
        """Refuse a file of `size` bytes if that is over the limit.

        Raises:
            ImageError: it is.
        """
        if self._most and size > self._most:
            raise too_large(self._most)

    def digest(self, kind: str) -> str:
        """Return the digest of the bytes in hexadecimal.

        Args:
            kind: a name that `hashlib` knows, such as `sha256`.
        """
        found = hashlib.new(kind, usedforsecurity=False)
        done = 0
        while part := os.pread(self.fd, min(PART, self.size - done), done):
            found.update(part)
            done += len(part)
        return found.hexdigest()

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def too_large(most: int) -> ImageError:
    """Return the error of a file of more than `most` bytes."""
    return ImageError(f"Source has more than {most} bytes", public="Invalid source image")
