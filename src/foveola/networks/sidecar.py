"""What has to be known of a network and is not in its file: `NAME.pb.json` beside `NAME.pb`.

A network says neither how a picture becomes its input nor what its output means. imgproxy's documentation leaves it at
that; a sidecar says it, and a network without one is taken for what the documentation describes. Every field may be
left out. The table of fields is in docs/networks.md. Source: https://docs.imgproxy.net/features/autoquality
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from foveola.errors import ConfigError, expected, whole
from foveola.goal import DEFAULT_TARGET

Head = Literal["logits", "curve", "scalar"]
Input = Literal["resize", "mosaic"]
Scale = Literal["1", "255", "symmetric"]
Layout = Literal["NHWC", "NCHW"]

LARGEST = 1 << 20
"""Bytes of a sidecar."""
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Sidecar:
    """What is said of a network.

    Args:
        format: of the files whose quality it says; any where it is empty.
        head: `logits`: the greatest of 100 is the quality; `curve`: 100 logits that hold the whole curve; `scalar`: the
            quality as 0..1. Told by the number of outputs where it is None.
        target: the DSSIM, above 0 and below 1, that the quality is for; of a curve the one with the greatest logit.
        sigma: of a curve, by how much log DSSIM is off where the logit is -1/2.
        input: `resize`: the picture is stretched to the input's sides; `mosaic`: 4x4 tiles at full resolution.
        scale: what pixels are as numbers: 0..1, 0..255, or -1..1 (`symmetric`); 0..1 for float32 and 0..255 for uint8
            where it is None.
        layout: `NHWC` or `NCHW`; told by the shape where it is None.
        index_base: the quality of the first logit, 0 or 1.
        settings: of the encoder that it is for.
        sha256: of the network's file, in lower-case hexadecimal; not looked at where it is empty.
        trained_on: which pictures, and under which licences.
        figures: how good it is, numbers by name.

    Raises:
        ConfigError: a value out of its range.
    """

    format: str = ""
    head: Head | None = None
    target: float = DEFAULT_TARGET
    sigma: float = 0.15
    input: Input = "resize"
    scale: Scale | None = None
    layout: Layout | None = None
    index_base: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""
    trained_on: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _word("head", self.head, (None, *get_args(Head)))
        _word("input", self.input, get_args(Input))
        _word("scale", self.scale, (None, *get_args(Scale)))
        _word("layout", self.layout, (None, *get_args(Layout)))
        for name in ("format", "sha256", "trained_on"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(expected("a text", name, getattr(self, name)))
        if not (_number(self.target) and 0 < self.target < 1):
            raise ConfigError(expected("a DSSIM above 0 and below 1", "target", self.target))
        if not (_number(self.sigma) and self.sigma > 0):
            raise ConfigError(expected("a number above 0", "sigma", self.sigma))
        if not (whole(self.index_base) and self.index_base in (0, 1)):
            raise ConfigError(expected("0 or 1", "index_base", self.index_base))
        if self.sha256 and not _SHA256.fullmatch(self.sha256):
            raise ConfigError(expected("64 hexadecimal digits", "sha256", self.sha256))
        if not isinstance(self.settings, Mapping):
            raise ConfigError(expected("an object", "settings", self.settings))
        if not isinstance(self.figures, Mapping) or not all(map(_number, self.figures.values())):
            raise ConfigError(expected("an object of finite numbers", "figures", self.figures))

    def write(self, path: Path) -> None:
        """Write it to `path`."""
        said = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("settings", "figures"):
            said[name] = dict(said[name])
        path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def beside(path: Path) -> Path:
    """Return where the sidecar of a network is."""
    return path.with_name(path.name + ".json")


def read(path: Path) -> Sidecar | None:
    """Return the sidecar of the network at `path`, None where there is none.

    Raises:
        ConfigError: it can't be read; the message names the file, what was expected and what was found.
    """
    file = beside(path)
    try:
        if file.stat().st_size > LARGEST:
            raise ConfigError(f"Expected at most {LARGEST} bytes in {file}, got {file.stat().st_size}")
        said = json.loads(file.read_bytes())
        json.dumps(said, ensure_ascii=False).encode()  # `\ud800` is JSON, and no text that could be shown or written
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"Expected a readable file at {file}, got {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"Expected JSON in {file}, got something else: {error}") from error
    if not isinstance(said, dict):
        raise ConfigError(f"Expected a JSON object in {file}, got {type(said).__name__}")
    known = {f.name for f in fields(Sidecar)}
    if unknown := sorted(set(said) - known):
        raise ConfigError(f"Expected fields of {', '.join(sorted(known))} in {file}, got {', '.join(unknown)}")
    if whole(said.get("scale")):
        said["scale"] = str(said["scale"])
    try:
        return Sidecar(**said)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def _word(name: str, value: object, words: tuple[object, ...]) -> None:
    if not (value is None or isinstance(value, str)) or value not in words:
        raise ConfigError(expected("one of " + ", ".join(str(w) for w in words if w is not None), name, value))


def _number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max  # an integer of JSON may have thousands of digits
