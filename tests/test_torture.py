"""Hostile files made by code: the same by the same seed, of every kind, and what a running server makes of them."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from PIL import Image

from bench.torture import sweep
from foveola.cli import main
from foveola.codecs import bmp, codec, vips
from foveola.errors import ArgumentError, ImageError
from foveola.picture import Header, Limits, format_of
from foveola.settings import PngSettings
from foveola.torture import KINDS, Torture, tortures
from foveola.torture.kind import zeros
from foveola.torture.png import chunk, small
from foveola.torture.seeds import MODES, SUFFIXES, pixels, sound
from foveola.torture.svg import drawing
from foveola.transform.colour import strip
from foveola.transform.load import header_of, read
from tests.serving import serving

DRAWINGS = frozenset(kind.name for kind in KINDS if kind.name.startswith("svg-"))
"""Kinds whose cost is estimated, not told by a header: most are refused by that, the deadline ends the others."""
LATE = 14
"""Answers for drawings, of more than 200, that the deadline may end: twice as many as on a machine with other work."""
DEADLINE = 10
"""Seconds."""
WORKER, PROCESSES = 609_000_000, 1_422_000_000
"""Bytes of the greatest worker and of all processes: half as much again as bench/README.md states, "Hostile files"."""
WANTED = {
    "truncations": {"truncated", "short", "late"},
    "bits flipped": {"flipped", "spliced"},
    "other sizes than the pixels": {"jpeg-sizes", "webp-size", "webp-canvas", "heif-size", "bmp", "png-animated"},
    "wrong lengths of chunks and boxes": {"lengths", "heif-boxes", "heif-items", "tiff-circles"},
    "bombs of pixels, of 1 bit too": {"png-bomb", "tiff-bomb", "jxl"},
    "bombs of frames": {"gif-bomb", "tiff-pages", "tiff-whole-pages", "tiff-shared", "webp-frames", "avif-frames"},
    "sides at the limits and above": {"png-limits", "gif-limits", "tiff-limits", "words"},
    "metadata": {"exif", "exif-thumbnail", "xmp", "icc", "icc-steps", "iptc"},
    "metadata that is oversized": {"metadata-packed", "metadata-oversized"},
    "animations": {"late", "png-animated", "gif-limits", "webp-frames"},
    "16 bit": {"deep", "png-types", "tiff-types"},
    "CMYK and Adobe's segment": {"jpeg-adobe"},
    "arithmetic coding": {"jpeg-arithmetic"},
    "interlaced PNG": {"png-interlaced"},
    "palettes": {"png-palettes"},
    "transparency": {"alpha", "png-palettes"},
    "drawings with references to others": {"svg-outside", "svg-entities"},
    "two formats at once": {"polyglots"},
}
"""Kinds that have to be there, by what asks for them."""
REFUSED = {200, 413, 415, 422}


@pytest.fixture(scope="module")
def made() -> list[Torture]:
    return list(tortures(6 * len(KINDS)))


def test_the_same_seed_makes_the_same_files_and_another_one_others(made: list[Torture]) -> None:
    again, other = list(tortures(len(KINDS))), list(tortures(len(KINDS), 1))

    assert again == made[: len(KINDS)]
    assert sum(one.data == another.data for one, another in zip(again, other, strict=True)) < len(KINDS) // 10


def test_every_kind_makes_files_and_all_differ(made: list[Torture]) -> None:
    assert Counter(torture.kind for torture in made) == {kind.name: 6 for kind in KINDS}
    assert len({torture.data for torture in made}) == len({torture.name for torture in made}) == len(made)
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("sort", WANTED)
def test_every_sort_of_hostile_file_has_its_kinds(sort: str) -> None:
    assert WANTED[sort] - {kind.name for kind in KINDS} == set()


def test_a_count_below_one_is_refused() -> None:
    with pytest.raises(ArgumentError, match="Expected 1 or more for count, got 0"):
        next(tortures(0))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_damaged_was_sound(suffix: str) -> None:
    for mode in MODES[suffix]:
        data = sound(suffix, mode)
        assert format_of(data) == {"jpg": "jpeg"}.get(suffix, suffix)
        if mode != "LAB":  # libvips reads no such file
            assert header_of(data).width > 0


def test_packed_zeros_are_zeros() -> None:
    for size in (0, 1, 1 << 20, (3 << 20) + 77):
        assert zlib.decompress(zeros(size)) == bytes(size)


def test_a_bomb_is_small_and_whole() -> None:
    bombs = {t.name: t.data for t in tortures(3 * len(KINDS)) if t.kind == "png-bomb"}

    for data in bombs.values():
        assert len(data) < 200_000
        assert header_of(data).width * header_of(data).height >= 400_000
    assert Image.open(io.BytesIO(next(iter(bombs.values())))).format == "PNG"


def test_the_command_writes_a_folder_once(tmp_path: Path) -> None:
    command = ["torture", str(tmp_path / "new"), "--count", "12", "--seed", "3"]
    first, second = CliRunner().invoke(main, command), CliRunner().invoke(main, command)

    assert first.exit_code == 0
    assert first.stdout.startswith("12 files of ")
    assert sorted(path.read_bytes() for path in (tmp_path / "new").iterdir()) == sorted(
        torture.data for torture in tortures(12, 3)
    )
    assert second.exit_code != 0
    assert CliRunner().invoke(main, [*command, "--force"]).exit_code == 0


# What the files brought to light.


def test_texts_whose_names_are_not_utf_8_are_stripped() -> None:
    image = vips.load(small(chunk(b"tEXt", b"\xf6\xe4\0word") + chunk(b"tEXt", b"plain\0word")), "png")
    assert any(name.startswith(b"png-comment-") and name.endswith(b"\xf6\xe4") for name in vips.names(image))
    stripped = strip(image)
    assert not any(name.startswith(b"png-comment-") for name in vips.names(stripped))
    assert b"\xf6\xe4" not in codec("png").encode(vips.to_picture(stripped), 80, PngSettings())


@pytest.mark.parametrize("size", [(0, 9), (9, 0), (49, -2)])
def test_sides_below_one_are_refused_before_pixels(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="Expected sides of 1 pixel or more"):
        Limits().check(Header("heic", *size, 3, False))


@pytest.mark.parametrize("size", [("1e9", "30000"), ("30000", "1e9"), ("2e9", "1"), ("2e8", "9")])
def test_a_drawing_with_a_side_that_cannot_be_counted_is_refused(size: tuple[str, str]) -> None:
    with pytest.raises(ImageError, match=r"Expected sides that can be counted|zero-sized"):
        header_of(drawing("<rect width='9' height='9'/>", "width='{}' height='{}'".format(*size)))


def test_a_thin_drawing_is_read() -> None:
    assert header_of(drawing("<rect width='1' height='9'/>", "width='1' height='3000'")).upright == (1, 3000)


@pytest.mark.parametrize("size", [(500_001, 1), (1, 10_000_000), (49_000_000, 1)])
def test_rows_without_end_are_refused_before_pixels_unless_nothing_is(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="Expected sides of at most 500000 pixels"):
        Limits().check(Header("png", *size, 3, False))
    Limits(pixels=0).check(Header("png", *size, 3, False))
    Limits().check(Header("png", 500_000, 100, 3, False))


def test_a_bmp_without_its_pixels_costs_no_memory_for_them() -> None:
    head = struct.pack("<IHHIIIIHH6I", 854, 0, 0, 54, 40, 1, 49_000_000, 1, 24, *(0,) * 6)
    began = time.process_time()

    with pytest.raises(ImageError, match="Expected a whole BMP file of 196000054 bytes, got 854"):
        bmp.CODEC.decode(b"BM" + head + bytes(800))

    assert time.process_time() - began < 0.1


def test_a_bmp_is_judged_by_its_rows(tmp_path: Path) -> None:
    odd = tmp_path / "odd.bmp"
    pixels(size=(47, 32)).save(odd)  # three bytes of filling in each row
    data = odd.read_bytes()

    assert read(data).frames.shape == (1, 32, 47, 3)
    with pytest.raises(ImageError, match="Expected a whole BMP file of"):
        read(data[:-4])


@pytest.mark.slow
def test_a_server_answers_all_of_them_and_loses_nobody(made: list[Torture], tmp_path: Path) -> None:
    greatest = {torture.kind: torture for torture in sorted(made, key=lambda torture: len(torture.data))}
    rest = [torture for torture in made if torture not in greatest.values()]
    chosen = [*greatest.values(), *Random(5).sample(rest, 200 - len(greatest))]
    folder, state = tmp_path / "files", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    for torture in chosen:
        (folder / torture.name).write_bytes(torture.data)

    with serving(state, LOCAL_FILESYSTEM_ROOT=str(folder), TIMEOUT=str(DEADLINE)) as served:
        found = sweep(served, [t.name for t in chosen if t.kind not in DRAWINGS])
        drawn = sweep(served, [t.name for t in chosen if t.kind in DRAWINGS])
        log = served.log.read_text(errors="replace")
        assert served.get("/health").status == 200

    assert set(found.statuses) <= REFUSED, found.odd
    assert set(drawn.statuses) <= REFUSED | {503}, drawn.odd
    assert drawn.statuses[503] <= LATE, drawn.odd
    assert drawn.statuses[422] > 40
    assert found.statuses.total() + drawn.statuses.total() == 600
    assert found.statuses[200] > 100
    assert found.statuses[422] > 100
    assert max(found.took + drawn.took)[0] < DEADLINE + 0.3
    assert (found.lost, drawn.lost) == ([], [])
    assert len(log.splitlines()) < 20 * 600
    assert max(found.peak, drawn.peak) < WORKER
    assert max(found.all, drawn.all) < PROCESSES
