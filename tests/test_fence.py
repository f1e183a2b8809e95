"""What a worker's libraries may open and say: our formats from memory, and lines of our log."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

OPENING = """
import io, sys
from pathlib import Path
import pyvips
from PIL import Image
from foveola.codecs import NAMES, codec
from foveola.errors import FoveolaError
from foveola.server import worker
from foveola.settings import SETTINGS
from foveola.transform.load import header_of, read
from tests.drawn import picture

folder = Path(sys.argv[1])
pixels = pyvips.Image.black(8, 8)
for name in ("x.png", "x.v", "x.csv", "x.mat", "x.raw", "x.jpg", "x.tif"):
    pixels.write_to_file(str(folder / name))
worker.preload()
ways = {
    "new_from_file": lambda: pyvips.Image.new_from_file(str(folder / "x.png")),
    "rawload": lambda: pyvips.Image.rawload(str(folder / "x.raw"), 8, 8, 1),
    "write_to_file": lambda: pixels.write_to_file(str(folder / "y.png")),
    "pngsave": lambda: pixels.pngsave(str(folder / "y.png")),
    "rawsave": lambda: pixels.rawsave(str(folder / "y.raw")),
    "system": lambda: pyvips.Operation.call("system", f"touch {folder}/y"),
    "Image.open": lambda: Image.open(str(folder / "x.png")),
    "an EPS": lambda: Image.open(io.BytesIO(b"%!PS-Adobe-3.0 EPSF-3.0\\n%%BoundingBox: 0 0 9 9\\n%%EndComments\\n")),
}
loads = {"csv": "csv", "matrix": "mat", "vips": "v", "jpeg": "jpg", "png": "png", "tiff": "tif", "svg": "png"}
for name in ("ppm", "openexr", "fits", "analyze", "magick", "pdf", "nifti", "heif", "webp", "gif", "uhdr", *loads):
    ways[name] = lambda name=name: getattr(pyvips.Image, f"{name}load")(str(folder / f"x.{loads.get(name, 'png')}"))
done = []
for name, way in ways.items():
    try:
        way()
        done.append(name)
    except (pyvips.Error, AttributeError, OSError):
        pass
print("done:", done, "left:", sorted(path.name for path in folder.glob("y*")))
for name in NAMES:
    data = codec(name).encode(picture(16, 16), 80, SETTINGS[name]())
    assert read(data).width == header_of(data).width == 16, name
print("formats:", len(NAMES), pyvips.cache_get_max(), pyvips.concurrency_get(), sorted(Image.OPEN))
"""
TALKING = """
import logging, sys
from foveola.server import logs, words, worker
from foveola.transform.load import load
words.inherit({})
worker.preload()
few = logs.Few(10)
logging.getLogger("foveola.libraries").addFilter(few)
text = "<text y='20' font-family='x&#10;time=&quot;2030&quot; level=ERROR' font-size='1e6'>abc</text>" * 90
load(f"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='48'>{text}</svg>".encode()).avg()
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)


def test_a_worker_opens_and_writes_no_file_and_reads_our_formats(tmp_path: Path) -> None:
    said = run(OPENING, str(tmp_path)).stdout.splitlines()

    assert said[0] == "done: [] left: []"
    assert said[1].startswith("formats: 9 0 1 ['AVIF', 'BMP', 'JPEG', 'WEBP']")


def test_what_libraries_warn_of_is_a_few_lines_of_the_log() -> None:
    said = run(TALKING)
    lines = [json.loads(line) for line in said.stdout.splitlines()]

    assert said.stderr == ""
    assert 1 <= len(lines) <= 10
    assert all(len(line) == 4 and line[0] == "WARNING" for line in lines)


@pytest.mark.parametrize("bands", [17, 100, 255])
def test_a_tiff_of_many_bands_is_refused_by_its_header(bands: int) -> None:
    from foveola.errors import ImageError
    from foveola.picture import Header, Limits

    with pytest.raises(ImageError, match=f"Expected at most 16 bands, got {bands}"):
        Limits().check(Header("tiff", 7000, 7000, bands, False, bits=64))
    Limits(pixels=0).check(Header("tiff", 7000, 7000, bands, False, bits=64))
