"""What jobs are estimated to cost, and what they cost: memory and CPU of a worker's work, each in a fresh process.

    python -m bench.cost
    python -m bench.cost --megapixels 8 --only avif

The sources are made by code in all formats that are written. For each case a process is forked as the server's workers
are, its peak counter is reset (`/proc/self/clear_refs`), and one job is done; its growth is held against the estimate.
The table of `foveola.pipeline.cost` is fitted to these figures by hand.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from foveola.options import ProcessingOptions
from foveola.picture import Limits
from foveola.pipeline import Accepted, Defaults, plan
from foveola.pipeline.cost import cost
from foveola.server.forkserver import SET
from foveola.server.jobs import Job, read_reply
from foveola.server.worker import answer, preload
from foveola.transform.load import header_of
from foveola.urls import parse

SOURCES = (
    *("jpeg", "jpeg-progressive", "png", "png-interlaced", "png-alpha", "png-16", "webp", "avif", "jxl", "tiff"),
    *("gif", "bmp", "gif-frames", "webp-frames"),
)
"""What is read: a format, and how it is written."""
SEARCH = "aq:dssim:0.02:40:90:0.001"
PLACES = {
    "small webp": "w:400/plain/x@webp",
    "small webp, searched": f"w:400/{SEARCH}/plain/x@webp",
    "half jpeg": "w:HALF/plain/x@jpeg",
    "trimmed jpeg": "t:10/w:400/plain/x@jpeg",
}
"""What is made of each source; `HALF` is 0.6 of its width."""
WRITTEN = {
    **{name: f"plain/x@{name}" for name in ("jpeg", "webp", "avif", "jxl", "png", "tiff", "gif", "bmp")},
    "png palette": "pngo:0:1:256/plain/x@png",
    "jpeg best": "aq:ml:0.02:70:90:0.001/plain/x@jpeg",
    **{f"{name}, searched": f"{SEARCH}/plain/x@{name}" for name in ("jpeg", "webp", "avif", "jxl")},
}
"""What a plain JPEG is made into, without a change of its size."""
FRAMES = 12
LIMIT = 600_000_000
"""Pixels a source may have here."""


@dataclass(frozen=True)
class Case:
    """One job: the name of a source, its megapixels, and what is asked as in a URL."""

    source: str
    megapixels: float
    what: str
    url: str


@dataclass(frozen=True)
class Found:
    """What one job took, and what it was estimated to take: bytes and seconds of CPU."""

    memory: int
    seconds: float
    estimated_memory: int
    estimated_seconds: float


def cases(megapixels: float) -> Iterator[Case]:
    """Yield what is measured at one size of source."""
    half = f"{round(0.6 * width(megapixels))}"
    for source in SOURCES:
        for what, url in PLACES.items():
            yield Case(source, megapixels, what, url.replace("HALF", half))
    for what, url in WRITTEN.items():
        yield Case("jpeg", megapixels, what, url)
    for source in ("gif-frames", "webp-frames"):
        yield Case(source, megapixels, "animated webp", "plain/x@webp")
        yield Case(source, megapixels, "animated gif", "w:400/plain/x@gif")


def width(megapixels: float) -> int:
    """Return the width of a source of four to three."""
    return round(math.sqrt(megapixels * 1e6 * 4 / 3))


def make(source: str, megapixels: float) -> bytes:
    """Return a file of slopes and grain; the megapixels of an animation are those of all frames together."""
    import numpy as np
    import pyvips

    from bench.memory import noisy

    format, _, how = source.partition("-")
    count = FRAMES if how == "frames" else 1
    frame = noisy(megapixels / count).frames
    if how == "frames":
        frame = np.concatenate([np.roll(frame, 9 * number, axis=2) for number in range(count)])
    if how == "alpha":
        frame = np.concatenate([frame, frame[..., :1]], axis=3)
    if how == "16":
        frame = frame.astype(np.uint16) * 257
    if format in ("avif", "jxl", "bmp"):
        from foveola.codecs import codec
        from foveola.picture import Picture
        from foveola.settings import SETTINGS

        return codec(format).encode(Picture(frame), 80, SETTINGS[format]())
    image = pyvips.Image.new_from_array(frame.reshape(-1, *frame.shape[2:]))
    image = image.copy(interpretation="rgb16" if how == "16" else "srgb")
    if count > 1:
        image.set_type(pyvips.GValue.gint_type, "page-height", frame.shape[1])
    options = {"jpeg": {"Q": 85, "interlace": how == "progressive"}, "webp": {"Q": 80, "effort": 1}}
    options |= {"png": {"interlace": how == "interlaced", "compression": 1}, "gif": {"effort": 1}}
    return bytes(getattr(image, f"{format}save_buffer")(**options.get(format, {})))


def asked(case: Case) -> ProcessingOptions:
    """Return the options of a case."""
    return parse("/" + case.url).options


def defaults() -> Defaults:
    """Return what is done where nothing is said, with room for all cases."""
    return replace(Defaults(), limits=Limits(pixels=LIMIT, frames=FRAMES))


def done(path: Path, case: Case) -> Found:
    """Do one job in a process that is forked as workers are; return its growth and its CPU.

    This process holds no picture, since a child would fill the memory that was freed here before it grows.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.write(theirs, json.dumps(astuple(_measured(path, case))).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as told:
        text = told.read()
    os.waitpid(child, 0)
    return Found(*json.loads(text))


def _measured(path: Path, case: Case) -> Found:
    source, result = os.open(path, os.O_RDONLY), os.memfd_create("result")
    job = Job(path.stat().st_size, asked(case), Accepted(), time.monotonic() + 600)
    Path("/proc/self/clear_refs").write_text("5")
    before, began = status("VmRSS"), cpu()
    read_reply(answer(job, defaults(), source, result))
    memory, seconds = status("VmHWM") - before, cpu() - began
    estimate = cost(plan(header_of(path.read_bytes()), asked(case), defaults()), job.size)
    return Found(memory, seconds, estimate.memory, estimate.seconds)


def status(field: str) -> int:
    """Return a field of this process's status, in bytes."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) * 1024


def cpu() -> float:
    """Return the seconds that this process has computed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def written(source: str, megapixels: float, folder: Path) -> Path:
    """Write a source in a process of its own, and return its path."""
    path = folder / f"{source}-{megapixels:g}"
    code = f"from bench.cost import make; open({str(path)!r}, 'wb').write(make({source!r}, {megapixels}))"
    subprocess.run([sys.executable, "-c", code], check=True)
    return path


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 8, 24])
    parser.add_argument("--only", default="", help="cases in whose words this is")
    options = parser.parse_args()
    os.environ.update(SET)
    if "MALLOC_ARENA_MAX" not in ARENAS:  # it counts from the start of a process
        os.execv(sys.executable, [sys.executable, "-m", "bench.cost", *sys.argv[1:]])  # ourselves
    preload()
    print(f"{'source':17}{'MP':>4}  {'made':24}{'MB':>7}{'estimate':>9}{'ratio':>7}{'s':>8}{'estimate':>9}{'ratio':>7}")
    with TemporaryDirectory() as folder:
        for megapixels in options.megapixels:
            paths: dict[str, Path] = {}
            for case in cases(megapixels):
                if options.only not in f"{case.source} {case.what}":
                    continue
                if case.source not in paths:
                    paths[case.source] = written(case.source, megapixels, Path(folder))
                print(line(case, done(paths[case.source], case)), flush=True)


def line(case: Case, found: Found) -> str:
    """Return what is printed of a case."""
    memory, seconds = found.estimated_memory / found.memory, found.estimated_seconds / found.seconds
    return (
        f"{case.source:17}{case.megapixels:4g}  {case.what:24}"
        f"{found.memory / 1e6:7.0f}{found.estimated_memory / 1e6:9.0f}{memory:7.2f}"
        f"{found.seconds:8.2f}{found.estimated_seconds:9.2f}{seconds:7.2f}"
    )


ARENAS = os.environ.copy()
"""What this process was started with."""

if __name__ == "__main__":
    main()
