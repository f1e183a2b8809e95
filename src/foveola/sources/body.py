"""The bytes of one file, as a descriptor that is handed on.

The bytes of a picture are hostile until a worker has judged them, and the process that fetches them never looks inside:
they go into a memfd as they arrive, and the descriptor is what is handed on. A file of this machine is its own
descriptor. Source: https://man7.org/linux/man-pages/man2/memfd_create.2.html
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os

from foveola.errors import ImageError, OverloadedError

PART = 1 << 20
"""Bytes that are read at a time."""
LARGE = 1 << 18
"""Bytes of a file that are hashed in another thread: half a millisecond."""
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK


class Room:
    """The memory that several bodies may take together.

    Args:
        most: in bytes; 0 for any.
    """

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self.taken = 0

    def take(self, size: int) -> None:
        """Take so many bytes more.

        Raises:
            OverloadedError: they are not to be had.
        """
        if self.most and self.taken + size > self.most:
            raise OverloadedError(f"Downloads under way have {self.taken} bytes, {self.most} may be")
        self.taken += size

    def give(self, size: int) -> None:
        """Give so many bytes back."""
        self.taken -= size


class Body:
    """The bytes of one file, in anonymous memory that ends with this object.

    Args:
        most: the largest size it may grow to, in bytes; 0 for any.
        room: where the memory is taken from, until this object is closed.
    """

    fd = -1
    _room: Room | None = None
    _taken = 0

    def __init__(self, most: int = 0, room: Room | None = None) -> None:
        self.fd = os.memfd_create("foveola", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self.size = 0
        self._most = most
        self._room = room
        self._name = ""

    @classmethod
    def of(cls, descriptor: int, size: int) -> Body:
        """Return the first `size` bytes of an open file, not copied; the descriptor is closed with this object."""
        body = cls.__new__(cls)
        body.fd, body.size, body._most, body._name = descriptor, size, 0, ""
        return body

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`.

        Raises:
            ImageError: the file grows over the limit.
            OverloadedError: others have the memory.
        """
        view = memoryview(data)
        self.expect(self.size + len(view))
        if self._room is not None:
            self._room.take(len(view))
            self._taken += len(view)
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

    async def name(self) -> str:
        """Return the SHA-256 of the bytes, in hexadecimal; they are final from now on."""
        if not self._name:
            large = self.size > LARGE
            self._name = await asyncio.to_thread(self.digest, "sha256") if large else self.digest("sha256")
        return self._name

    def seal(self) -> None:
        """Let nobody change the bytes any more, though they hold the descriptor; a file of this machine is left alone.

        Source: https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html

        Raises:
            OSError: someone has the memory mapped for writing.
        """
        try:
            fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, _SEALS)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EPERM):  # no memfd, or one that is sealed already
                raise

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
            if self._room is not None:
                self._room.give(self._taken)

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def too_large(most: int) -> ImageError:
    """Return the error of a file of more than `most` bytes."""
    return ImageError(f"Source has more than {most} bytes", public="Invalid source image")
