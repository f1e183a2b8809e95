"""Where pictures go: every output is decided before any work, and written whole or not at all.

A source is never overwritten by accident, two inputs never meet in one output, and a reader never sees half a file:
it is written under a name of its own beside its place and moved there by one `rename`.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foveola.errors import ArgumentError, FoveolaError, expected
from foveola.picture import FALLBACK, FORMATS, WRITTEN, format_of

_HEAD = 65536  # bytes that tell a format
UNFINISHED: set[Path] = set()
"""Files that are being written: what a process that ends at once has to remove."""


@dataclass(frozen=True)
class Job:
    """One input and its place.

    Args:
        source: path as given.
        output: path to write; None for stdout, and where there is an error.
        format: a name of `FORMATS`.
        error: why the source is no picture that can be read.
        data: what came out of a pipe, which gives it once; None where `source` is still to be read.
    """

    source: Path
    output: Path | None = None
    format: str | None = None
    error: OSError | FoveolaError | None = None
    data: bytes | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """Return the bytes of the source."""
        return self.source.read_bytes() if self.data is None else self.data


def plan(sources: Sequence[Path], out: str | None, format: str | None) -> list[Job]:
    """Decide the format and the place of every output, without touching a file; what a pipe gives is kept.

    Args:
        sources: paths of the inputs.
        out: a file, a folder, `-` for stdout, or None to write each in its source's place.
        format: format of the outputs; None for the extension of a file `out`, else for each source's own.

    Raises:
        ArgumentError: two sources have one output, a source would be overwritten, a pipe would be, `out` is empty or,
            for several sources, `-` or the name of a file, or the extension of a file `out` names no format and there
            is no `format`.
    """
    if out == "":
        raise ArgumentError(expected("a file, a folder or -", "-o", out))
    if out is not None and len(sources) > 1 and (out == "-" or Path(out).is_file() or _named_as_file(out)):
        raise ArgumentError(f'Expected a folder for -o with {len(sources)} pictures, got "{out}"')
    if format is None and _single(out, len(sources)) and Path(out or "").suffix.lower() not in ("", *_BY_SUFFIX):
        raise ArgumentError(expected(f"--format, or an extension of {', '.join(sorted(_BY_SUFFIX))}", "-o", out))
    if out is None and (pipe := next((source for source in sources if source.is_fifo()), None)):
        raise ArgumentError(f"Expected -o for {pipe}: a pipe can't be overwritten")
    jobs = [_job(source, out, format, len(sources)) for source in sources]
    _refuse_clashes(jobs)
    if out is not None:
        _refuse_sources(jobs)
    return jobs


def write(path: Path, data: bytes) -> None:
    """Put `data` at `path`, whole or not at all; an existing file keeps its mode and a link its name.

    What is there and no file, a device or a pipe, is written to as it is: a rename would put a file in its place.

    Raises:
        OSError: the file could not be written; it names `path`, and nothing is left behind.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path.resolve(), data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".foveola-{secrets.token_hex(8)}.part")
    UNFINISHED.add(temporary)
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        UNFINISHED.discard(temporary)


def _job(source: Path, out: str | None, format: str | None, count: int) -> Job:
    try:
        with source.open("rb") as file:
            data = file.read() if source.is_fifo() else None
            own = format_of(file.read(_HEAD) if data is None else data)
    except (OSError, FoveolaError) as error:
        return Job(source, error=error)
    if out is None:
        if format not in (None, own) or own not in WRITTEN:
            raise ArgumentError(f"Expected -o for {source}: {own} can't become {format or own} in place")
        return Job(source, source, own)
    single = _single(out, count)
    named = _BY_SUFFIX.get(Path(out).suffix.lower()) if single else None
    chosen = format or named or (own if own in WRITTEN else FALLBACK)
    if out == "-":
        return Job(source, None, chosen, data=data)
    return Job(source, Path(out) if single else Path(out) / _name(source, chosen), chosen, data=data)


def _single(out: str | None, count: int) -> bool:
    """Return whether `out` is the name of one file."""
    return out is not None and out != "-" and count == 1 and not out.endswith("/") and not Path(out).is_dir()


def _named_as_file(out: str) -> bool:
    """Return whether `out`, which is no folder yet, has the extension of a format and no slash behind it."""
    return Path(out).suffix.lower() in _BY_SUFFIX and not out.endswith("/") and not Path(out).is_dir()


def _name(source: Path, format: str) -> str:
    """Return the file name of `source` with an extension of `format`; its own stays where it is one (`.jpeg`)."""
    suffix = source.suffix if _BY_SUFFIX.get(source.suffix.lower()) == format else FORMATS[format].extension
    return source.stem + suffix


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    taken: dict[Path, Path] = {}
    for job in jobs:
        if job.output is None:
            continue
        place = job.output.resolve()
        if place in taken:
            raise ArgumentError(
                f"Expected an output for each picture, got {job.output} for {taken[place]} and {job.source}"
            )
        taken[place] = job.source


def _refuse_sources(jobs: Sequence[Job]) -> None:
    sources = {_identity(job.source): job.source for job in jobs if job.source.exists()}
    for job in jobs:
        if job.output is not None and job.output.exists() and _identity(job.output) in sources:
            raise ArgumentError(f"Expected --in-place to overwrite the source {sources[_identity(job.output)]}")


def _identity(path: Path) -> tuple[int, int]:
    """Return what two names of one file have in common."""
    found = path.stat()
    return found.st_dev, found.st_ino


_BY_SUFFIX = {
    f".{word}": f.name for f in map(FORMATS.__getitem__, WRITTEN) for word in (f.name, f.extension[1:], *f.aliases)
}
