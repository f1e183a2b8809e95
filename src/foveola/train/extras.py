"""What is not installed with foveola itself, asked for by name before hours of work."""

from __future__ import annotations

from importlib.util import find_spec

from foveola.errors import FoveolaError, expected


def needed(module: str, what: str, extra: str = "train") -> None:
    """Refuse to go on without a module of an extra.

    Args:
        module: as it is imported.
        what: what it is needed for.
        extra: that brings it.

    Raises:
        FoveolaError: it is not installed; the message says how to.
    """
    if find_spec(module) is None:
        wish = f"the extra [{extra}], pip install 'foveola[{extra}]',"
        raise FoveolaError(expected(wish, what, f"no {module}"))
