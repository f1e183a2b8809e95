"""What the server writes down, in imgproxy's four formats, so that whatever reads its log can read this one.

A line is one record, always: paths, sources and errors carry what strangers have sent, so that characters which could
begin a line, move a terminal's cursor or turn text around are escaped in every place. Fields come through
`extra={"fields": {...}}`; an exception is one field, `stack`. Lines go to stdout, as imgproxy's do.
Source: https://docs.imgproxy.net/configuration/options (`IMGPROXY_LOG_FORMAT`)
"""

from __future__ import annotations

import io
import json
import logging
import math
import os
import re
import time
import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol

from foveola.server import outlet
from foveola.server.outlet import Stream
from foveola.sources.masks import masked_text

Fields = Mapping[str, Any]

FORMATS = ("pretty", "structured", "json", "gcp")
NOISY = ("pyvips", "PIL", "asyncio")
"""Libraries that say at `info` and `debug` what they do, many times a picture."""
_NONE: Fields = MappingProxyType({})
_SHORT = {"DEBUG": "DBG", "INFO": "INF", "WARNING": "WRN", "ERROR": "ERR", "CRITICAL": "CRT"}
_COLOURS = {"DEBUG": 35, "INFO": 36, "WARNING": 33, "ERROR": 31, "CRITICAL": 31}
_PLAIN = re.compile(r"[A-Za-z0-9._/@^+-]+")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_ESCAPED = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in map(ord, _UNSAFE.findall("".join(map(chr, range(0x10000)))))
} | {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
_log = logging.getLogger("foveola.server")


class Log(Protocol):
    """The settings of logs: `settings.log`."""

    @property
    def log_format(self) -> str:
        """One of `FORMATS`; empty for `pretty` on a terminal, else `structured`."""
        ...

    @property
    def log_level(self) -> str:
        """`debug`, `info`, `warn` or `error`."""
        ...


def setup(log: Log, stream: Stream | None = None) -> None:
    """Write all logs of this process in the format and from the level on that the settings say.

    Args:
        log: the settings.
        stream: where lines go; stdout, without waiting for whoever reads it, when None.
    """
    out = outlet.stdout() if stream is None else stream
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")
    terminal = out.isatty()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Lines(log.log_format or ("pretty" if terminal else "structured"), colour=terminal))
    logging.basicConfig(handlers=[handler], level=log.log_level.upper(), force=True)
    logging.captureWarnings(True)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, seldom in _SELDOM.items():
        logging.getLogger(name).addFilter(seldom)


def started(path: str, fields: Fields) -> None:
    """Write down that a request has come.

    Args:
        path: as it came.
        fields: `request_id`, `method`, `client_ip`.
    """
    if _log.isEnabledFor(logging.INFO):
        _log.info("Started %s", path, extra={"fields": fields})


def completed(path: str, seconds: float, status: int, fields: Fields) -> None:
    """Write down that a request was answered; what failed is an error from 500 on, a warning from 400 on.

    Args:
        path: as it came.
        seconds: since then.
        status: of the answer.
        fields: those of `started`, and `image_url`, `processing_options`, `error` where there are any.
    """
    level = logging.ERROR if status >= 500 else logging.WARNING if status >= 400 else logging.INFO
    if _log.isEnabledFor(level):
        extra = {"fields": {**fields, "status": status}}
        _log.log(level, "Completed in %s %s", duration(seconds), path, extra=extra)


def duration(seconds: float) -> str:
    """Return a duration in Go's way of writing it: `812.5µs`, `14.062ms`, `1.5s`, `1m1.5s`."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.6g}µs"
    if seconds < 1:
        return f"{seconds * 1e3:.6g}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:.4g}s" if minutes else f"{rest:.6g}s"


class Few:
    """A filter that lets a few records through for each picture: a small file can have libvips warn by the thousand.

    Args:
        most: how many.
        what: what more may be said of.
    """

    def __init__(self, most: int, what: str = "this picture") -> None:
        self._most = most
        self._what = what
        self._count = 0

    def begin(self) -> None:
        """Count from 0 again: another picture."""
        self._count = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written; the last one says that it is."""
        self._count += 1
        if self._count == self._most:
            record.msg = f"{record.msg} (and whatever more is said of {self._what})"
        return self._count <= self._most


class Seldom(Few):
    """A filter that lets a few records through in each second: a URL can have its options warn by the thousand.

    Args:
        most: how many.
        what: what more may be said of.
        clock: seconds.
    """

    def __init__(self, most: int, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(most, what)
        self._clock = clock
        self._second = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written; the last one of a second says that it is."""
        if (second := int(self._clock())) != self._second:
            self._second = second
            self.begin()
        return super().filter(record)


_SELDOM = {name: Seldom(10, "options within this second") for name in ("foveola.options", "foveola.presets")}
"""What a URL can have said many times."""


class Lines(logging.Formatter):
    """A formatter that makes one line of a record.

    Args:
        format: one of `FORMATS`.
        colour: whether a `pretty` line has colours.
    """

    def __init__(self, format: str, *, colour: bool = False) -> None:
        super().__init__()
        writers: dict[str, Callable[[logging.LogRecord, Fields], str]] = {
            "pretty": _coloured if colour and not os.environ.get("NO_COLOR") else _pretty,
            "structured": _structured,
            "json": lambda record, fields: _json(record, fields, "level", "msg"),
            "gcp": lambda record, fields: _json(record, fields, "severity", "message"),
        }
        self._write = writers[format]

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return self._write(record, _fields(record))


def _fields(record: logging.LogRecord) -> Fields:
    """Return the fields of a record, `error` and `stack` at the end."""
    fields: Fields = getattr(record, "fields", _NONE)
    if not (record.exc_info or record.stack_info or "error" in fields):
        return fields
    found = dict(fields)
    last = {"error": found.pop("error", None), "stack": found.pop("stack", None)}
    if record.exc_info and record.exc_info[1] is not None:
        last["error"] = last["error"] or f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        last["stack"] = "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    elif record.stack_info:
        last["stack"] = record.stack_info
    return found | {name: masked_text(str(value)) for name, value in last.items() if value not in (None, "")}


def _pretty(record: logging.LogRecord, fields: Fields) -> str:
    level = _SHORT.get(record.levelname, record.levelname[:3])
    pairs = "".join(f" {_word(name)}={_shown(value)}" for name, value in fields.items())
    return f"{_local(int(record.created))} [{level}] {_safe(record.getMessage())}{pairs}"


def _coloured(record: logging.LogRecord, fields: Fields) -> str:
    colour = _COLOURS.get(record.levelname, 36)
    level = _SHORT.get(record.levelname, record.levelname[:3])
    pairs = "".join(f" \x1b[{colour}m{_word(name)}=\x1b[0m{_shown(value)}" for name, value in fields.items())
    return f"{_local(int(record.created))} \x1b[{colour}m[{level}]\x1b[0m {_safe(record.getMessage())}{pairs}"


def _structured(record: logging.LogRecord, fields: Fields) -> str:
    head = f'time="{_local(int(record.created))}" level="{record.levelname}" msg={_quote(record.getMessage())}'
    return head + "".join(f" {_word(name)}={_shown(value, always=True)}" for name, value in fields.items())


def _json(record: logging.LogRecord, fields: Fields, level: str, message: str) -> str:
    head = {"time": _zoned(int(record.created)), level: record.levelname, message: record.getMessage()}
    return json.dumps(head | {name: _plain(value) for name, value in fields.items()}, default=str)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what it has not, as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _shown(value: Any, *, always: bool = False) -> str:
    """Return a value: a number and a truth value bare, a text between quotes where it needs them or `always`."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    pairs = value.items() if isinstance(value, Mapping) else ()
    text = ", ".join(f"{name}={_shown(part)}" for name, part in pairs) if pairs else str(value)
    return _quote(text) if always or not _PLAIN.fullmatch(text) else text


def _word(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _quote(name)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_safe(escaped)}"'


def _safe(text: str) -> str:
    return text.translate(_ESCAPED) if _UNSAFE.search(text) else text


@lru_cache(2)
def _local(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


@lru_cache(2)
def _zoned(seconds: int) -> str:
    """Return a time as RFC 3339 has it."""
    zone = time.strftime("%z", time.localtime(seconds))
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(seconds))
    return text + ("Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}")
