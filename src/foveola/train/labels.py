"""What a network learns from: what every picture loses and weighs at several qualities, in one small file.

A label file is an npz archive: the numbers as arrays, and as one text of JSON all that has to be known to use them
(how the pictures were prepared, with which encoder, in which version). It holds no pictures. They are made by
`foveola.train.labelling`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.errors import ArgumentError, expected, whole
from foveola.settings import BEST_JPEG, PREDICTED, Predicted, make_settings
from foveola.train.place import place

SCALE, LONGEST = 0.8, 1024
VARIED = "~varied"
"""What stands behind the name of a picture that was varied."""
KIND = "foveola labels 1"
"""What a label file says of itself; the number rises with what old readers would misread."""
_ARRAYS = {"names": "U", "sizes": "iu", "qualities": "iu", "dssim": "f", "bytes": "iu"}
"""The arrays of a file and the kinds that NumPy may say of them."""


@dataclass(frozen=True)
class Recipe:
    """How pictures are prepared and encoded; labels of one recipe belong together.

    Args:
        format: of the files that are measured.
        settings: of its encoder.
        scale: by how much pictures are scaled, 0..1; under 1 the blocks of a JPEG are blurred away.
        longest: pixels that a side may have at most after that; 0 for no limit.
        keep_lossless: whether pictures from files without loss are not scaled by `scale`.
        varied: whether each picture is measured a second time, smaller and of other colours, so that colours which
            few pictures have are learned too.

    Raises:
        ArgumentError: a value out of its range.
    """

    format: Predicted
    settings: Any
    scale: float = SCALE
    longest: int = LONGEST
    keep_lossless: bool = False
    varied: bool = False

    def __post_init__(self) -> None:
        if self.format not in PREDICTED:
            raise ArgumentError(expected("one of " + ", ".join(PREDICTED), "format", self.format))
        if isinstance(self.scale, bool) or not isinstance(self.scale, float | int) or not 0 < self.scale <= 1:
            raise ArgumentError(expected("a number above 0, at most 1", "scale", self.scale))
        if not whole(self.longest) or self.longest < 0:
            raise ArgumentError(expected("a number of pixels, or 0", "longest", self.longest))

    @classmethod
    def of(cls, format: str, values: Mapping[str, object], **how: Any) -> Recipe:
        """Return the recipe for what method `ml` writes, with `values` laid over its settings.

        Raises:
            ArgumentError: no network can foresee this format, or a value can't be used.
        """
        if format not in PREDICTED:
            raise ArgumentError(expected("one of " + ", ".join(PREDICTED), "format", format))
        best = asdict(BEST_JPEG) if format == "jpeg" else {}
        return cls(format, make_settings(format, best | dict(values)), **how)

    @property
    def usual(self) -> bool:
        """Whether method `ml` can write with these settings: of JPEG it knows only one."""
        return self.format != "jpeg" or self.settings == BEST_JPEG

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON can hold it."""
        return {**asdict(self), "settings": asdict(self.settings)}

    @classmethod
    def read(cls, data: Any) -> Recipe:
        """Return the recipe that `as_dict` has written; an ArgumentError where it is none."""
        if not isinstance(data, dict) or set(data) != {field.name for field in fields(cls)}:
            raise ArgumentError(expected("a recipe", "recipe", data))
        if data["format"] not in PREDICTED or not isinstance(data["settings"], dict):
            raise ArgumentError(expected("a format and its settings", "recipe", data))
        settings = make_settings(data["format"], data["settings"])
        return cls(
            data["format"], settings, data["scale"], data["longest"], bool(data["keep_lossless"]), bool(data["varied"])
        )


@dataclass(frozen=True, eq=False)
class Labels:
    """What n pictures lose and weigh at m qualities.

    Args:
        recipe: how the pictures were prepared and encoded.
        names: (n) paths below the folder, with slashes, each once.
        sizes: (n, 2) width and height in pixels, as they went into the encoder.
        qualities: (m) rising, 1..100; of equal settings the lowest.
        dssim: (n, m) 0..1, by the whole map.
        bytes: (n, m) of the files.
        versions: of the libraries that wrote and read the files, by name.
        date: the day on which the file was made, as 2026-01-31.

    Raises:
        ArgumentError: shapes that don't fit together, or values out of their range.
    """

    recipe: Recipe
    names: tuple[str, ...]
    sizes: NDArray[np.int64]
    qualities: tuple[int, ...]
    dssim: NDArray[np.float64]
    bytes: NDArray[np.int64]
    versions: Mapping[str, str] = field(default_factory=dict)
    date: str = ""

    def __post_init__(self) -> None:
        n, m = len(self.names), len(self.qualities)
        shapes = {"sizes": (n, 2), "dssim": (n, m), "bytes": (n, m)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ArgumentError(expected(f"an array {shape}", name, getattr(self, name).shape))
        rising = all(a < b for a, b in zip(self.qualities, self.qualities[1:], strict=False))
        facts = (
            ("names", "paths, each once", len(set(self.names)) == n and all(self.names)),
            ("sizes", "pixels", bool((self.sizes > 0).all())),
            ("qualities", "rising integers 1..100", m > 1 and rising and 0 < self.qualities[0] <= 101 - m),
            ("qualities", "rising integers 1..100", m > 1 and self.qualities[-1] <= 100),
            ("dssim", "finite numbers 0..1", bool(((self.dssim >= 0) & (self.dssim <= 1)).all())),
            ("bytes", "positive numbers", bool((self.bytes > 0).all())),
        )
        for name, what, right in facts:
            if not right:
                raise ArgumentError(f"Expected {what} for {name}, got other values")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def format(self) -> Predicted:
        """The format of the files."""
        return self.recipe.format

    @property
    def settings(self) -> Any:
        """The settings of the encoder."""
        return self.recipe.settings

    @property
    def scale(self) -> float:
        """By how much the pictures were scaled."""
        return self.recipe.scale

    @property
    def sources(self) -> tuple[str, ...]:
        """(n) the first folder of each name; `.` where there is none."""
        return tuple(name.partition("/")[0] if "/" in name else "." for name in self.names)

    @property
    def varied(self) -> NDArray[np.bool_]:
        """(n) which are varied pictures: good to learn from, but nobody serves them."""
        return np.array([name.endswith(VARIED) for name in self.names], np.bool_)

    def only(self, indices: Sequence[int] | NDArray[Any]) -> Labels:
        """Return the labels of some pictures, in the order of `indices`."""
        some = np.asarray(indices, np.intp)
        names = tuple(self.names[index] for index in some)
        return replace(self, names=names, sizes=self.sizes[some], dssim=self.dssim[some], bytes=self.bytes[some])

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        about = {"kind": KIND, "recipe": self.recipe.as_dict(), "versions": dict(self.versions), "date": self.date}
        archive = io.BytesIO()
        np.savez_compressed(
            archive,
            about=np.array(json.dumps(about)),
            names=np.array(self.names, np.str_),
            sizes=self.sizes.astype(np.int32),
            qualities=np.array(self.qualities, np.int32),
            dssim=self.dssim.astype(np.float64),
            bytes=self.bytes.astype(np.int64),
        )
        place(path, archive.getvalue())

    @classmethod
    def read(cls, path: Path) -> Labels:
        """Read a file that `write` has written.

        Raises:
            ArgumentError: it is none, or what it holds is not right; the message names the file.
            OSError: it can't be read.
        """
        try:
            return cls._read(path)
        except ArgumentError as error:
            raise ArgumentError(f"{path}: {error}") from error
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
            raise ArgumentError(f"Expected a label file of foveola for {path}, got something else") from error

    @classmethod
    def _read(cls, path: Path) -> Labels:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if not isinstance(found, np.lib.npyio.NpzFile):
                raise ArgumentError("Expected an npz archive, got one array")
            about = json.loads(str(found["about"]))
            arrays = {name: found[name] for name in _ARRAYS}
        if not isinstance(about, dict) or about.get("kind") != KIND:
            raise ArgumentError(expected(KIND, "kind", about.get("kind") if isinstance(about, dict) else about))
        for name, kinds in _ARRAYS.items():
            if arrays[name].dtype.kind not in kinds:
                raise ArgumentError(expected("an array of another kind", name, str(arrays[name].dtype)))
        return cls(
            Recipe.read(about["recipe"]),
            tuple(map(str, arrays["names"].ravel())),
            arrays["sizes"].astype(np.int64),
            tuple(map(int, arrays["qualities"].ravel())),
            arrays["dssim"].astype(np.float64),
            arrays["bytes"].astype(np.int64),
            {str(name): str(version) for name, version in dict(about["versions"]).items()},
            str(about["date"]),
        )
