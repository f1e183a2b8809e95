"""Labels made: every picture of a folder is encoded at several qualities, decoded and measured.

That takes hours for many pictures, so it may be stopped at any time: each picture is written to a journal beside the
label file as soon as it is done, and the next call goes on from there. The label file appears, whole, at the end.
Pictures are read as the server reads them: upright, sRGB, the first frame; transparency is laid on white.
"""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foveola import __version__, doctor
from foveola.codecs import Codec, codec
from foveola.errors import ArgumentError, FoveolaError, ImageError, expected
from foveola.metrics import VERSION, Reference
from foveola.picture import FORMATS, Limits, Picture, sniff
from foveola.train import crew
from foveola.train.labels import VARIED, Labels, Recipe
from foveola.transform.load import read

QUALITIES = (3, 8, 14, 19, 26, 34, 42, 50, 58, 66, 75, 80, 86, 90, 94, 98, 100)
"""Where curves are measured: closer together where they bend."""
SMALLEST = 64
"""Pixels that a side has at least when it goes into the encoder; smaller pictures teach nothing about others."""
SMALLER = (0.5, 1.0)
"""By how much a varied picture is scaled besides."""
SUFFIXES = frozenset(f".{word}" for f in FORMATS.values() for word in (f.name, f.extension[1:], *f.aliases))
"""File names that are taken for pictures."""
LIMITS = Limits(pixels=500_000_000)
_ENCODERS = {
    "jpeg": ("mozjpeg", "libjpeg-turbo"),
    "webp": ("libwebp",),
    "avif": ("libavif", "av1"),
    "jxl": ("libjxl", "pillow-jxl-plugin"),
}
"""The libraries that write and read each format."""
Report = Callable[[int, int, str, str | None], None]
"""Is told how many pictures are done, of how many, the last one's name, and why it was left out if it was."""


@dataclass(frozen=True)
class Row:
    """What was measured of one picture."""

    name: str
    size: tuple[int, int]
    dssim: tuple[float, ...]
    bytes: tuple[int, ...]


@dataclass(frozen=True)
class Labelled:
    """What a call of `label` came to.

    Args:
        labels: of all pictures of the folder that could be measured.
        measured: how many of them are new.
        skipped: why a picture was left out, by name.
    """

    labels: Labels
    measured: int
    skipped: Mapping[str, str]


def pictures(folder: Path) -> list[str]:
    """Return the names of the pictures below a folder, as paths with slashes from there, sorted."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))


def distinct(found: Codec, settings: Any, qualities: Sequence[int] = range(1, 101)) -> list[int]:
    """Return the lowest quality of each distinct setting, rising."""
    first: dict[Any, int] = {}
    for quality in qualities:
        first.setdefault(found.setting(quality, settings), quality)
    return list(first.values())


def qualities(recipe: Recipe) -> tuple[int, ...]:
    """Return the qualities to measure: those of `QUALITIES`, each as the lowest that gives the same file."""
    found = codec(recipe.format)
    wanted = {found.setting(quality, recipe.settings) for quality in QUALITIES}
    lowest = distinct(found, recipe.settings)
    return tuple(quality for quality in lowest if found.setting(quality, recipe.settings) in wanted)


def open_picture(path: Path, recipe: Recipe) -> Picture:
    """Return a picture as it goes into the encoder: opaque, scaled with Lanczos; varied if its name says so.

    Raises:
        ImageError: it can't be read, or is too small.
        OSError: the file can't be read.
    """
    name = path.name.removesuffix(VARIED)
    data = path.with_name(name).read_bytes()
    picture = read(data, limits=LIMITS)
    pixels = _opaque(picture.frames[0])
    scale = 1.0 if recipe.keep_lossless and lossless(data) else recipe.scale
    dice = np.random.default_rng([zlib.crc32(os.fsencode(name)), round(1000 * scale)])
    if name != path.name:
        scale *= dice.uniform(*SMALLER)
    sides = [max(1, round(side * scale)) for side in (picture.width, picture.height)]
    if recipe.longest and max(sides) > recipe.longest:
        sides = [max(1, round(side * recipe.longest / max(sides))) for side in sides]
    if min(sides) < SMALLEST:
        least = f"at least {SMALLEST}x{SMALLEST} pixels after scaling"
        raise ImageError(f"Expected {least}, got {sides[0]}x{sides[1]}")
    if sides != [picture.width, picture.height]:
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        scaled = np.asarray(image.resize((sides[0], sides[1]), Image.Resampling.LANCZOS))
        pixels = scaled.reshape(*scaled.shape[:2], -1)
    return Picture(np.ascontiguousarray(pixels if name == path.name else recoloured(pixels, dice))[None])


def recoloured(pixels: NDArray[np.uint8], dice: np.random.Generator) -> NDArray[np.uint8]:
    """Return pixels whose channels have changed places, of another saturation and brightness."""
    moved = pixels[..., dice.permutation(3) if pixels.shape[2] == 3 else [0]] / 255
    grey = (moved @ np.array([0.299, 0.587, 0.114]))[..., None] if pixels.shape[2] == 3 else moved
    moved = np.clip(grey + 2 ** dice.uniform(-0.5, 1.0) * (moved - grey), 0, 1) ** 2 ** dice.uniform(-0.6, 0.6)
    return np.rint(moved * 255).astype(np.uint8)


def _opaque(frame: Any) -> Any:
    """Return (H, W, 1 | 3) of a frame, laid on white."""
    if frame.shape[2] != 4:
        return frame
    colour, alpha = frame[..., :3].astype(np.uint32), frame[..., 3:].astype(np.uint32)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def lossless(data: bytes) -> bool:
    """Return whether a file keeps its pixels as they were: PNG, GIF, TIFF and WebP of that kind."""
    format = sniff(data)
    return format in ("png", "gif", "tiff") or (format == "webp" and b"VP8L" in data[12:64])


def measure(name: str, folder: Path, recipe: Recipe) -> Row:
    """Encode one picture at all qualities and measure what a decoder shows.

    Raises:
        ImageError: it can't be read, or is too small.
        CodecError: the encoder failed.
    """
    picture, found = open_picture(folder / name, recipe), codec(recipe.format)
    reference, losses, counts = Reference(picture, whole=True), [], []
    for quality in qualities(recipe):
        data = found.encode(picture, quality, recipe.settings)
        losses.append(reference.full(found.decode(data)).dssim)
        counts.append(len(data))
    return Row(name, (picture.width, picture.height), tuple(losses), tuple(counts))


def label(
    folder: Path, out: Path, recipe: Recipe, *, every: int = 1, processes: int = 1, report: Report | None = None
) -> Labelled:
    """Label the pictures of a folder, but those that are in `out` or its journal already.

    Args:
        folder: with pictures, in folders too.
        out: the label file; what is in it stays in it.
        recipe: how pictures are prepared and encoded.
        every: take every n-th picture only.
        processes: pictures measured at a time.
        report: is told of each picture.

    Returns:
        The labels of the pictures that were asked for, and what was left out.

    Raises:
        ArgumentError: there is no picture, or what is there was made in another way.
        FoveolaError: no picture could be measured.
        OSError: a file can't be written.
    """
    names = pictures(folder)[::every]
    if recipe.varied:
        names += [name + VARIED for name in names]
    if not names:
        raise ArgumentError(f"Expected a folder with pictures ({', '.join(sorted(SUFFIXES))}), got none in {folder}")
    versions = libraries(recipe)
    rows, skipped, before = _known(out, recipe, versions), {}, 0
    with Journal(out.with_name(out.name + ".partial"), recipe, versions) as journal:
        written = len(rows)
        rows |= dict(journal.rows)
        missing = [name for name in names if name not in rows]
        before = len(names) - len(missing)
        work = partial(measure, folder=folder, recipe=recipe)
        for done, (index, outcome) in enumerate(crew.run(work, missing, processes), 1):
            if isinstance(outcome, Row):
                journal.add(outcome)
                rows[outcome.name] = outcome
            else:
                skipped[missing[index]] = outcome.reason
            if report is not None:
                report(before + done, len(names), missing[index], skipped.get(missing[index]))
        if len(skipped) == len(names):
            why = f"{names[0]}: {skipped[names[0]]}"
            raise FoveolaError(f"Expected a picture that can be labelled in {folder}, got none of {len(names)} ({why})")
        labels = collect(recipe, list(rows.values()), versions)
        if len(rows) > written:
            labels.write(out)
        journal.remove()
    asked = set(names)
    chosen = labels.only([index for index, name in enumerate(labels.names) if name in asked])
    return Labelled(chosen, len(names) - before - len(skipped), skipped)


def libraries(recipe: Recipe) -> dict[str, str]:
    """Return the versions of all that labels depend on."""
    found = doctor.libraries()
    encoders = {name: found[name] or "missing" for name in _ENCODERS[recipe.format]}
    return {"foveola": __version__, "metric": str(VERSION), **encoders}


def collect(recipe: Recipe, rows: Sequence[Row], versions: Mapping[str, str]) -> Labels:
    """Return rows as labels, sorted by name."""
    rows = sorted(rows, key=lambda row: row.name)
    return Labels(
        recipe,
        tuple(row.name for row in rows),
        np.array([row.size for row in rows], np.int64).reshape(-1, 2),
        qualities(recipe),
        np.array([row.dssim for row in rows], np.float64),
        np.array([row.bytes for row in rows], np.int64),
        versions,
        date.today().isoformat(),
    )


def _known(out: Path, recipe: Recipe, versions: Mapping[str, str]) -> dict[str, Row]:
    """Return what is in a label file, nothing where there is no file."""
    if not out.parent.is_dir():
        raise ArgumentError(expected("a file in a folder that exists", "--out", str(out)))
    if not out.exists():
        return {}
    found = Labels.read(out)
    check(out, found.recipe, found.versions, recipe, versions)
    if found.qualities != qualities(recipe):
        raise ArgumentError(f"Expected other qualities in {out}: move it away to label anew")
    columns = (found.names, found.sizes.tolist(), found.dssim.tolist(), found.bytes.tolist())
    return {name: Row(name, (w, h), tuple(d), tuple(b)) for name, (w, h), d, b in zip(*columns, strict=True)}


def check(path: Path, was: Recipe, had: Mapping[str, str], recipe: Recipe, versions: Mapping[str, str]) -> None:
    """Refuse to go on with a file that was made in another way, or with other encoders."""
    old, new = was.as_dict(), recipe.as_dict()
    if other := next((name for name in new if old[name] != new[name]), None):
        what = f"{other} {old[other]}"
        raise ArgumentError(f"Expected {what}, as {path} was made with, got {new[other]}: move it to label anew")
    # Another version of ours measures alike as long as the metric has its number.
    if other := next((name for name in versions if name != "foveola" and had.get(name) != versions[name]), None):
        what = f"{other} {had.get(other, 'unknown')}"
        raise ArgumentError(f"Expected {what}, as {path} was made with, got {versions[other]}: move it to label anew")


class Journal:
    """Rows as lines of JSON, each written as soon as it is known; the first line says how they are made.

    A last line that was not finished is dropped. While it is open nobody else can open it.

    Args:
        path: of the file; it is made if it is not there.
        recipe: how the rows are made.
        versions: of the libraries.

    Raises:
        ArgumentError: it is somebody else's, was made in another way, or another process writes to it.
    """

    def __init__(self, path: Path, recipe: Recipe, versions: Mapping[str, str]) -> None:
        self.path, self._recipe, self._versions = path, recipe, dict(versions)
        self.rows: dict[str, Row] = {}

    def __enter__(self) -> Journal:
        self._file = self.path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read()
        except BlockingIOError as error:
            self._file.close()
            raise ArgumentError(f"Expected one process that writes to {self.path}, got another") from error
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.rows:
            self.remove()
        self._file.close()

    def add(self, row: Row) -> None:
        """Write a row."""
        self._line(asdict(row))
        self.rows[row.name] = row

    def remove(self) -> None:
        """Delete the file: all that is in it is elsewhere."""
        self.path.unlink(missing_ok=True)

    def _line(self, values: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(values).encode() + b"\n")
        self._file.flush()

    def _read(self) -> None:
        self._file.seek(0)
        lines = self._file.read().split(b"\n")
        try:
            read = [json.loads(line) for line in lines[:-1]]
            if len(read) > 1:
                recipe, versions = Recipe.read(read[0]["recipe"]), read[0]["versions"]
                check(self.path, recipe, versions, self._recipe, self._versions)
                self.rows = {row.name: row for row in map(_row, read[1:])}
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, ArgumentError):
                raise
            raise ArgumentError(f"Expected a journal of foveola at {self.path}: remove it to label anew") from error
        self._file.truncate(sum(len(line) + 1 for line in lines[:-1]) if self.rows else 0)
        if not self.rows:
            self._line({"recipe": self._recipe.as_dict(), "versions": self._versions})


def _row(values: Any) -> Row:
    width, height = map(int, values["size"])
    dssim, counts = tuple(map(float, values["dssim"])), tuple(map(int, values["bytes"]))
    if len(dssim) != len(counts):
        raise ValueError("dssim and bytes")
    return Row(str(values["name"]), (width, height), dssim, counts)
