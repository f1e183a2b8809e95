"""What this installation can do, found out by trying: kernels, libraries, formats in and out, and networks.

Wheels differ in what was built in, and a missing codec or the slow kernels should be seen before the first request,
not after. A format counts only when a small picture went through its codec; a failure is a row, not a traceback.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import numpy as np

from foveola import __version__, codecs, kernels, networks, oldest, sandbox
from foveola.foresight.fitted import numbers
from foveola.picture import FORMATS, Picture
from foveola.settings import make_settings
from foveola.transform import load

UNKNOWN = "unknown"
ENCODERS = ("mozjpeg", "libjpeg-turbo", "libwebp", "libavif", "av1", "libjxl")
"""Libraries whose files the predictions are about."""


@dataclass(frozen=True)
class Report:
    """What `foveola doctor --json` prints.

    Args:
        foveola: version of foveola.
        python: version of Python and its implementation.
        kernels: `c`, or `numpy` where the C kernels are switched off or could not be loaded.
        kernels_detail: the level of SIMD for `c`, the reason for `numpy`.
        libraries: version of each library by name; `unknown` where it can't be told, None where it is missing.
        formats_in: formats that are read.
        formats_out: formats that are written.
        networks: digest of each network that came with foveola, by format; `no_ml_extra` or `network_damaged` without.
        sandbox: whether this machine has each layer that a server keeps its workers in.
        problems: why a format, a library or a network is missing, by name.
        misfits: versions that the predictions were fitted for, of encoders that are here in others; costs speed only.
        outdated: libraries with known holes, what they should be, and why; whoever reads strangers' files updates them.
    """

    foveola: str
    python: str
    kernels: str
    kernels_detail: str
    libraries: dict[str, str | None]
    formats_in: tuple[str, ...]
    formats_out: tuple[str, ...]
    networks: dict[str, str]
    sandbox: dict[str, str]
    problems: dict[str, str]
    misfits: dict[str, str]
    outdated: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        return asdict(self)


def examine() -> Report:
    """Try every codec and ask every library for its version.

    Returns:
        The report; nothing that is missing raises.
    """
    problems: dict[str, str] = {}
    found = libraries(problems)
    written = {f.name: _tried(f.name, partial(_write, f.name), problems) for f in FORMATS.values() if f.written}
    files = written | {name: file() for name, file in _FILES.items()}
    read = {name: data and _tried(name, partial(_read, data), problems) for name, data in files.items()}
    active = kernels.status()
    return Report(
        __version__,
        f"{platform.python_version()} ({platform.python_implementation()}, {platform.system()} {platform.machine()})",
        active.name,
        active.detail,
        found,
        tuple(name for name, picture in read.items() if picture),
        tuple(name for name, data in written.items() if data),
        {format: _network(format, problems) for format in networks.FORMATS},
        sandbox.examine(),
        problems,
        _misfits(found),
        {floor.name: oldest.told(floor, has) for floor, has in oldest.outdated(found).items()},
    )


def libraries(problems: dict[str, str] | None = None) -> dict[str, str | None]:
    """Return the version of each library, None where it can't be told; `problems` is told why."""
    kept = {} if problems is None else problems
    return {name: _tried(name, ask, kept) for name, ask in LIBRARIES.items()}


def _network(format: str, problems: dict[str, str]) -> str:
    """Return the digest of our network for a format, or the note that results have without it."""
    if not networks.available():
        return "no_ml_extra"
    network: networks.Network | None = _tried(
        f"network {format}", lambda: networks.Network.load(networks.intact(format), format, own=False), problems
    )
    return network.model.sha256 if network else "network_damaged"


def _misfits(libraries: Mapping[str, str | None]) -> dict[str, str]:
    """Return the encoders that the predictions were not fitted for, with the versions that they were."""
    fitted = numbers()["versions"]
    return {name: fitted[name] for name in ENCODERS if name in fitted and libraries[name] not in (None, fitted[name])}


def _tried(name: str, what: Callable[[], Any], problems: dict[str, str]) -> Any:
    """Return the outcome of `what`, or None and a line in `problems`."""
    try:
        return what()
    except Exception as error:
        problems[name] = f"{type(error).__name__}: {error}".split("\n")[0]
        return None


def _write(name: str) -> bytes:
    return codecs.codec(name).encode(_card(3), 75, make_settings(name, {}))


def _read(data: bytes) -> Picture:
    return load.decode(data)


def _card(channels: int) -> Picture:
    """Return a small picture of noise, with something in it for every part of an encoder."""
    return Picture(np.random.default_rng(1).integers(0, 256, (1, 64, 64, channels), np.uint8))


def _libvips() -> str:
    import pyvips

    return ".".join(str(pyvips.version(part)) for part in range(3))


def _mozjpeg() -> str | None:
    """Return where mozjpeg is: libvips does not tell, but only mozjpeg's trellis changes the file."""
    plain, trellis = (
        codecs.codec("jpeg").encode(_card(3), 75, make_settings("jpeg", {"progressive": True, **more}))
        for more in ({"overshoot_deringing": True}, {"overshoot_deringing": True, "trellis_quant": True})
    )
    return None if plain == trellis else _in_libvips()


def _in_libvips() -> str:
    """Return where a library is that keeps its functions and its version to itself."""
    return f"in libvips {_libvips()}"


def _pillow(feature: str) -> str | None:
    from PIL import features

    found: str | None = features.version(feature)
    return found


def _told_by(package: str, part: str, pattern: bytes) -> str:
    """Return the one version that the libraries of a wheel have in their text, as some tell it in no other way.

    Args:
        package: the distribution, as `pyvips-binary`.
        part: what is in the names of the libraries.
        pattern: of the version, a group.
    """
    try:
        files = [file for file in distribution(package).files or () if part in file.name and ".so" in file.name]
    except PackageNotFoundError:  # built against the system's libraries
        return UNKNOWN
    found = {version for file in files for version in re.findall(pattern, Path(str(file.locate())).read_bytes())}
    return found.pop().decode() if len(found) == 1 else UNKNOWN


def _pi_heif(part: str) -> str:
    import pi_heif

    return str(pi_heif.libheif_info()[part])


def _openvino() -> str | None:
    """Return the version of what runs networks, None without the extra `[ml]`, which is no problem."""
    return version("openvino") if networks.available() else None


def _avif_codecs() -> str:
    from PIL import _avif

    return str(_avif.codec_versions())


_FILES: dict[str, Callable[[], bytes]] = {
    "heic": lambda: (Path(codecs.__file__).parent / "card.heic").read_bytes(),
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h8v8z"/></svg>',
}
"""Pictures in the formats that we only read."""

LIBRARIES: dict[str, Callable[[], str | None]] = {
    "libvips": _libvips,
    "mozjpeg": _mozjpeg,
    "pyvips": lambda: version("pyvips"),
    "pillow": lambda: version("pillow"),
    "libjpeg-turbo": lambda: _pillow("libjpeg_turbo"),
    "libwebp": lambda: _pillow("webp"),
    "libavif": lambda: _pillow("avif"),
    "av1": _avif_codecs,
    "libtiff": _in_libvips,
    "libpng": lambda: _told_by("pyvips-binary", "libvips", rb"\0(1\.6\.\d+)\0"),
    "libheif": _in_libvips,
    "pi-heif": lambda: version("pi-heif"),
    "libheif of pi-heif": lambda: _pi_heif("libheif"),
    "libjxl": lambda: _told_by("pillow-jxl-plugin", "pillow_jxl", rb"\+libjxl-(\d+\.\d+\.\d+)"),
    "pillow-jxl-plugin": lambda: version("pillow-jxl-plugin"),
    "numpy": lambda: version("numpy"),
    "openvino": _openvino,
    **{name: partial(version, name) for name in ("aiohttp", "cryptography", "defusedxml", "httptools", "uvicorn")},
}
