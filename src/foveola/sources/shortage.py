"""What this machine lacks is nobody else's fault: a source that can't be opened for want of descriptors is there.

Said as a source's own failure it would be a 404, which caches keep and people believe.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from foveola.errors import OverloadedError

_LACKING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})


@contextmanager
def told() -> Iterator[None]:
    """Say that the server is overloaded where the system has no more descriptors or memory.

    Raises:
        OverloadedError: it has not; with status 503.
    """
    try:
        yield
    except Exception as error:
        if lack := _lack(error):
            raise OverloadedError(f"The system has no more to give: {lack}", status=503) from error
        raise


def _lack(error: BaseException | None) -> OSError | None:
    """Return what the system has said, of all that has led to an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _LACKING:
            return error
        error = error.__cause__ or error.__context__
    return None
