"""Files of every format that hold too much are refused by their headers, in milliseconds and without their memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import pyvips

from foveola.codecs import icc
from foveola.codecs.vips import from_picture, to_picture
from foveola.errors import ImageError
from foveola.options import ProcessingOptions
from foveola.picture import Limits, Picture
from foveola.pipeline import Defaults, plan, render
from foveola.torture import gif, tiff
from foveola.torture.headers import huge_jxl
from foveola.torture.jpeg import segment, sized
from foveola.torture.kind import zeros
from foveola.torture.metadata import in_pillow, in_webp
from foveola.torture.pages import frames_of_webp, pages_of_tiff
from foveola.torture.png import chunk, head, small
from foveola.torture.profiles import profile, steps
from foveola.torture.seeds import sound
from foveola.torture.svg import LAUGHS, drawing
from foveola.transform.colour import to_srgb
from foveola.transform.load import header_of, load, read
from tests.clock import spent
from tests.drawn import drawn

MOST_CPU, MOST_MEMORY = 0.1, 30_000_000
"""Seconds and bytes that a refusal may cost."""
MB = 1_000_000


def png_of(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return head((width, height), depth, colour) + chunk(b"IDAT", zeros(1000)) + chunk(b"IEND", b"")


def texts(kind: bytes, before: bytes, count: int = 30) -> bytes:
    """Return a PNG with packed texts of 7 MB each, just what libpng reads."""
    return small(b"".join(chunk(kind, b"k%d" % number + before + zeros(7 << 20)) for number in range(count)))


def icon(inner: bytes) -> bytes:
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(inner), 22) + inner


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIIIII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(99)


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data) + 8, kind) + data


def heif_of(suffix: str, side: int) -> bytes:
    data = bytearray(sound(suffix))
    at = data.find(b"ispe")
    while at >= 0:
        struct.pack_into(">II", data, at + 8, side, side)
        at = data.find(b"ispe", at + 4)
    return bytes(data)


def tables(suffix: str) -> bytes:
    """Return a file whose tables are nine megabytes."""
    data = sound(suffix)
    at = data.index(b"meta") - 4
    size = int.from_bytes(data[at : at + 4])
    meta = data[at + 8 : at + size] + box(b"free", bytes(9 * MB))
    return data[:at] + box(b"meta", meta) + data[at + size :]


def sequence(frames: int) -> bytes:
    """Return an AVIF whose tracks say that they have so many frames, all of one size."""
    data = bytearray(sound("avif", frames=4))
    for name, said in ((b"stsz", (0, 100, frames)), (b"stts", (0, 1, frames, 1)), (b"stsc", (0, 1, 1, frames, 1))):
        struct.pack_into(f">{len(said)}I", data, data.index(name) + 4, *said)
    return bytes(data)


def jxl_with(*inner: bytes) -> bytes:
    return (
        b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ") + b"".join(inner) + box(b"jxlc", sound("jxl"))
    )


def tiff_of(side: int, **said: int) -> bytes:
    return tiff.file(tiff.page(side, side, 134, 800, **said), bytes(800))


ALL = Limits(frames=0)
ONE = Limits()
SIDES = "Expected at most 50000000 pixels, got"
REFUSED: dict[str, tuple[Callable[[], bytes], Limits, str]] = {
    "jpeg sides": (lambda: sized(sound("jpg"), 65_500, 65_500), ONE, SIDES),
    "jpeg segments": (lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 2_500_000, ONE, "at most 10000 segments"),
    "png sides": (lambda: png_of(30_000, 30_000), ONE, SIDES),
    "png of a bit": (lambda: png_of(30_000, 30_000, 1, 0), ONE, SIDES),
    "png row": (lambda: png_of(10 * MB, 1, 1, 0), ONE, "sides of at most 500000 pixels"),
    "png texts": (lambda: texts(b"zTXt", b"\0\0"), ONE, "packed texts of at most"),
    "png international texts": (lambda: texts(b"iTXt", b"\0\1\0\0\0"), ONE, "packed texts of at most"),
    "png profiles": (lambda: texts(b"iCCP", b"\0\0"), ONE, "packed texts of at most"),
    "png text of a GB": (lambda: small(chunk(b"zTXt", b"k\0\0" + zeros(1 << 30))), ONE, "packed texts of at most"),
    "webp sides": (lambda: webp_of(16_383), ONE, SIDES),
    "webp frames": (lambda: frames_of_webp(100_000), ONE, "at most 10000 frames or pages"),
    "webp frames x area": (lambda: frames_of_webp(3000, 150), ALL, f"{SIDES} 150x150x3000"),
    "gif sides": (lambda: gif.screen(9, 9) + gif.frame(0, 0, 65_535, 65_535) + b";", ONE, SIDES),
    "gif frames": (lambda: gif.many(2 * MB, 20), ONE, "at most 10000 frames or pages"),
    "gif frames x area": (lambda: gif.many(9000, 100), ALL, f"{SIDES} 100x100x9000"),
    "tiff sides": (lambda: tiff_of(30_000), ONE, SIDES),
    "tiff bands": (lambda: tiff_of(10, samples=100), ONE, "at most 16 bands, got 100"),
    "tiff of 64 bit": (lambda: tiff_of(10, bits=64, format=3), ONE, "samples out of range"),
    "tiff of complex numbers": (lambda: tiff_of(10, bits=128, format=6), ONE, "samples out of range"),
    "tiff pages": (lambda: pages_of_tiff(200_000), ONE, "at most 10000 frames or pages"),
    "avif sides": (lambda: heif_of("avif", 60_000), ONE, "Expected"),
    "avif tables": (lambda: tables("avif"), ONE, "tables of at most 8000000 bytes"),
    "avif profile": (lambda: in_pillow("avif", icc_profile=bytes(20 * MB)), ONE, "tables of at most 8000000 bytes"),
    "avif frames": (lambda: sequence(2_000_000), ONE, "at most 10000 frames"),
    "avif boxes": (lambda: sound("avif") + box(b"free", b"") * 100_000, ONE, "less than 1000 boxes"),
    "heic sides": (lambda: heif_of("heic", 60_000), ONE, "Expected"),
    "heic tables": (lambda: tables("heic"), ONE, "tables of at most 8000000 bytes"),
    "jxl sides": (lambda: huge_jxl(1 << 30, 1 << 30), ONE, SIDES),
    "jxl packed boxes": (lambda: jxl_with(box(b"brob", b"xml \0") * 5), ONE, "at most 4 packed boxes"),
    "jxl boxes": (lambda: jxl_with(box(b"xml ", b"") * 100_000), ONE, "less than 1000 boxes"),
    "bmp sides": (lambda: bmp(30_000, 30_000), ONE, SIDES),
    "bmp row": (lambda: bmp(10 * MB, 1), ONE, "sides of at most 500000 pixels"),
    "ico sides": (lambda: icon(png_of(30_000, 30_000)), ONE, SIDES),
    "ico bitmap": (lambda: icon(bmp(30_000, 60_000)[14:]), ONE, SIDES),
    "ico texts": (lambda: icon(texts(b"zTXt", b"\0\0")), ONE, "packed texts of at most"),
    "svg nesting": (lambda: drawing("<g>" * 100_000 + "</g>" * 100_000), ONE, "Expected"),
    "svg entities": (lambda: LAUGHS + drawing("<text>&l9;</text>"), ONE, "Expected"),
    "svg sides": (lambda: drawing("<g/>", "width='1e9' height='30000'"), ONE, "Expected"),
}
"""How a file is made, what holds for it, and what is said of it."""


def webp_of(side: int) -> bytes:
    data = bytearray(sound("webp"))
    struct.pack_into("<HH", data, data.index(b"\x9d\1\x2a") + 3, side, side)
    return bytes(data)


def measure(folder: str) -> None:
    """Print what reading the header of each file costs: seconds, bytes above what was held before, what is said."""
    for suffix in ("jpg", "png", "webp", "gif", "tiff", "avif", "heic", "jxl", "bmp", "ico"):
        header_of(sound(suffix))  # libraries are loaded
    for path in sorted(Path(folder).iterdir()):
        data, limits = path.read_bytes(), REFUSED[path.name][1]
        Path("/proc/self/clear_refs").write_text("5")
        held, said = _memory("VmRSS"), list[str]()

        def judge(data: bytes = data, limits: Limits = limits, said: list[str] = said) -> None:
            try:
                limits.check(header_of(data))
            except ImageError as error:
                said[:] = [f"{error.status} {error}"]

        seconds = min(spent(judge) for _ in range(2))  # another program may have had the caches
        print(json.dumps([path.name, seconds, _memory("VmHWM") - held, "".join(said)]), flush=True)


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, int, str]]:
    folder = tmp_path_factory.mktemp("hostile")
    for name, (make, _, _) in REFUSED.items():
        (folder / name).write_bytes(make())
    run = [sys.executable, "-c", "import sys; from tests.test_limits import measure; measure(sys.argv[1])", str(folder)]
    done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: (cpu, memory, said) for name, cpu, memory, said in rows}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_too_much_is_refused_by_the_header(name: str, measured: dict[str, tuple[float, int, str]]) -> None:
    cpu, memory, said = measured[name]

    assert said.startswith("422 Expected ")
    assert ", got " in said
    assert REFUSED[name][2] in said
    assert cpu < MOST_CPU
    assert memory < MOST_MEMORY


NOTE = b"<x>stranger</x>" + b" " * 20 * MB
LARGE: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: sound("jpg")[:2] + b"".join(xmp_parts()) + sound("jpg")[2:],
    "png": lambda: small(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + NOTE)),
    "png packed": lambda: small(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(NOTE))),
    "webp": lambda: in_webp(b"XMP ", NOTE),
    "avif": lambda: in_pillow("avif", xmp=NOTE),
    "tiff": lambda: in_pillow("tiff", tiffinfo={700: NOTE}),
    "jxl": lambda: jxl_with(box(b"xml ", NOTE)),
}


def xmp_parts() -> list[bytes]:
    name = b"http://ns.adobe.com/xap/1.0/\0"
    return [segment(0xE1, name + NOTE[at : at + 65_000]) for at in range(0, len(NOTE), 65_000)]


@pytest.mark.parametrize("name", LARGE)
def test_a_picture_with_megabytes_of_notes_is_read(name: str) -> None:
    data, began = LARGE[name](), time.process_time()
    picture = read(data)

    assert picture.xmp is None
    assert time.process_time() - began < 1


@pytest.mark.parametrize("name", LARGE)
def test_megabytes_of_notes_are_left_out_though_metadata_is_kept(name: str) -> None:
    data = LARGE[name]()
    for keep in (True, False):
        planned = plan(header_of(data), ProcessingOptions(format="tiff"), Defaults(strip_metadata=not keep))
        assert len(render(data, planned).data) < MB


@pytest.mark.parametrize("count", [33, 20_000])
def test_a_profile_of_steps_without_end_is_dropped(count: int) -> None:
    """One of 20 000 took 18 seconds, in 320 kB."""
    picture = Picture(drawn(40, 56)[None], icc=profile((b"D2B0", steps(count)), (b"D2B1", steps(count))))
    data, began = from_picture(picture).pngsave_buffer(keep="icc"), time.process_time()

    shown = to_picture(to_srgb(load(data)))

    assert (shown.frames == picture.frames).all()
    assert time.process_time() - began < MOST_CPU


def test_profiles_of_programs_are_applied() -> None:
    for name in ("srgb", "p3", "cmyk"):
        assert icc.workable(bytes(pyvips.Operation.call("profile_load", name)))
    assert icc.workable(profile((b"D2B0", steps(8))))
    assert not icc.workable(bytes(icc.LONGEST + 1))


def test_a_profile_that_breaks_off_is_lcms_to_judge() -> None:
    whole = profile((b"D2B0", steps(8)))

    assert all(icc.workable(whole[:cut]) for cut in range(len(whole)))
