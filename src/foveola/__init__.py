"""Find the encoder quality at which a picture just meets a DSSIM or a byte target.

The public names, and no others. Each is imported when it is first asked for (PEP 562), so that `import foveola` costs
a millisecond and the command line answers `--help` without loading a codec. Source: https://peps.python.org/pep-0562/
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foveola.autoquality import Result, find
    from foveola.errors import FoveolaError
    from foveola.goal import Autoquality
    from foveola.library import compare, curve, decode, encode
    from foveola.metrics import Score
    from foveola.picture import Picture
    from foveola.search import Search

__version__ = "0.1.0"

__all__ = [
    "Autoquality",
    "FoveolaError",
    "Picture",
    "Result",
    "Score",
    "Search",
    "__version__",
    "compare",
    "curve",
    "decode",
    "encode",
    "find",
]

_HOMES = {
    "Autoquality": "goal",
    "FoveolaError": "errors",
    "Picture": "picture",
    "Result": "autoquality",
    "Score": "metrics",
    "Search": "search",
    "compare": "library",
    "curve": "library",
    "decode": "library",
    "encode": "library",
    "find": "autoquality",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'foveola' has no attribute '{name}'")
    value = getattr(import_module(f"foveola.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
