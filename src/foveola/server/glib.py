"""What GLib and the libraries over it warn of becomes lines of our log; by themselves they write it to stderr as it is.

Texts in a hostile drawing stand in such warnings, and one drawing can cause thousands. Here each is one record, cut
and escaped like all others, and `logs.Few` lets a few of them through for each picture.
Source: https://docs.gtk.org/glib/func.log_set_writer_func.html
"""

from __future__ import annotations

import ctypes
import logging
from importlib import import_module

NAME = "foveola.libraries"
"""The logger of these lines."""
LONGEST = 300
"""Characters that are kept of a warning."""
_HANDLED = 1
_TOLD = 4 | 8 | 16
"""The levels that are written: errors, criticals and warnings."""
_log = logging.getLogger(NAME)


class _Field(ctypes.Structure):
    _fields_ = (("key", ctypes.c_char_p), ("value", ctypes.c_void_p), ("length", ctypes.c_ssize_t))


_Writer = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(_Field), ctypes.c_size_t, ctypes.c_void_p)


def catch() -> bool:
    """Have all that GLib would write to stderr written as records; once in a process, that is all GLib allows.

    Returns:
        Whether it can be: not where pyvips has no extension of its own.
    """
    try:
        library = ctypes.CDLL(import_module("_libvips").__file__)
        library.g_log_set_writer_func(_WRITER, None, None)
    except (ImportError, OSError, AttributeError):
        return False
    return True


def _written(level: int, fields: ctypes._Pointer[_Field], count: int, _data: int | None) -> int:
    if level & _TOLD:
        found = {fields[at].key: _text(fields[at]) for at in range(count)}
        _log.warning("%s: %s", found.get(b"GLIB_DOMAIN", "GLib"), found.get(b"MESSAGE", ""))
    return _HANDLED


def _text(field: _Field) -> str:
    if not field.value:
        return ""
    raw = ctypes.string_at(field.value, field.length) if field.length >= 0 else ctypes.string_at(field.value)
    return raw.decode("utf-8", "replace")[:LONGEST]


_WRITER = _Writer(_written)
