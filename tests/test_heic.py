"""HEIC: read as it is shown, never written. How the files were made is told beside them."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import foveola
from foveola.codecs import exif, heic
from foveola.errors import ArgumentError, ImageError, UrlError
from foveola.options import ProcessingOptions
from foveola.picture import Header, Limits
from foveola.pipeline import Defaults, plan
from foveola.transform import load
from foveola.transform.load import header_of, read

FILES = {path.stem: path.read_bytes() for path in (Path(__file__).parent / "heic").glob("*.heic")}
BLUE, RED, YELLOW = (40, 90, 200), (220, 30, 30), (240, 220, 60)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("thumbnail", Header("heic", 32, 24, 3, alpha=False)),
        ("alpha", Header("heic", 32, 24, 4, alpha=True)),
        ("deep", Header("heic", 32, 24, 3, alpha=False, bits=10)),
        ("turned", Header("heic", 24, 32, 3, alpha=False)),
    ],
)
def test_a_header_tells_the_upright_size(name: str, header: Header) -> None:
    assert header_of(FILES[name]) == header


@pytest.mark.parametrize("name", ["thumbnail", "alpha", "deep"])
def test_pixels_are_those_that_were_drawn(name: str) -> None:
    frame = read(FILES[name]).frames[0].astype(int)

    assert np.abs(frame[2, 2, :3] - RED).max() < 6
    assert np.abs(frame[20, 29, :3] - YELLOW).max() < 6
    assert np.abs(frame[12, 16, :3] - BLUE).max() < 6


def test_alpha_is_kept() -> None:
    alpha = read(FILES["alpha"]).frames[0, ..., 3]

    assert alpha[:, :15].min() > 250
    assert alpha[:, 17:].max() < 5


def test_a_turned_picture_is_upright_and_its_exif_does_not_turn_it_again() -> None:
    stored = heic.decode(FILES["turned"])
    tags = Image.Exif()
    tags.load(stored.exif or b"")

    assert stored.frames.shape == (1, 32, 24, 3)
    assert np.abs(stored.frames[0, 2, 21].astype(int) - RED).max() < 6, "the corner at the top left is at the right now"
    assert tags[0x0112] == 1
    assert tags[0x8298] == "mine"
    assert stored.icc is not None
    assert stored.icc[36:40] == b"acsp"


def test_a_profile_is_applied() -> None:
    """Red of Display P3 is redder than sRGB's."""
    assert read(FILES["turned"]).frames[0, 2, 21].tolist()[0] > RED[0] + 10


def test_ten_bits_are_kept_where_they_are_wanted_and_white_stays_white() -> None:
    deep = read(FILES["deep"], deep=True).frames

    assert deep.dtype == np.uint16
    assert np.abs((deep[0, 12, 16] / 257) - BLUE).max() < 6
    assert (deep & 63 == deep >> 10).all(), "the last six bits repeat the first"
    assert np.array_equal(read(FILES["deep"]).frames, deep >> 8)


def test_a_thumbnail_is_a_file_of_its_own() -> None:
    small = heic.thumbnail(FILES["thumbnail"])

    assert small is not None
    assert (header_of(small).width, header_of(small).height) == (16, 12)
    assert np.abs(read(small).frames[0, 1, 1].astype(int) - RED).max() < 12
    assert heic.thumbnail(small) is None
    assert [name for name, data in FILES.items() if heic.thumbnail(data)] == ["thumbnail"]


def box(kind: bytes, body: bytes, full: bool = False) -> bytes:
    body = bytes(4) * full + body
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def test_the_reference_of_another_pictures_thumbnail_is_not_ours() -> None:
    def file(*references: tuple[int, int]) -> bytes:
        links = b"".join(
            box(b"thmb", item.to_bytes(2, "big") + b"\0\1" + of.to_bytes(2, "big")) for item, of in references
        )
        meta = box(b"pitm", b"\0\1", full=True) + box(b"iref", links, full=True)
        return box(b"ftyp", b"heic\0\0\0\0") + box(b"meta", meta, full=True)

    assert heic.thumbnail(file((3, 2))) is None
    assert heic.thumbnail(file((3, 2), (4, 1))) == file((3, 2), (4, 1)).replace(
        b"thmb\0\4\0\1\0\1", b"skip\0\4\0\1\0\1"
    ).replace(b"pitm\0\0\0\0\0\1", b"pitm\0\0\0\0\0\4")
    assert heic.thumbnail(file()) is None


@given(st.sampled_from(sorted(FILES)), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=5))
def test_a_damaged_file_is_a_picture_or_refused(name: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(FILES[name])
    for place, value in changes:
        data[place % len(data)] = value
    small = heic.thumbnail(bytes(data))
    assert small is None or len(small) == len(data)
    try:
        found = read(bytes(data), limits=Limits(pixels=1_000_000))
    except ImageError:
        return
    assert found.channels in (1, 3, 4)


def test_a_kind_of_item_that_is_no_text_is_refused() -> None:
    data = bytearray(FILES["turned"])
    data[data.index(b"infe", data.index(b"Exif") - 16) + 12] = 0x8F

    with pytest.raises(ImageError, match="no text"):
        heic.header(bytes(data))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("name", ["alpha", "deep", "turned"])
def test_a_file_that_breaks_off_is_refused(name: str, share: float) -> None:
    with pytest.raises(ImageError, match=r"^Expected a (picture|whole)"):
        read(FILES[name][: int(len(FILES[name]) * share)])


def test_a_picture_over_the_limit_is_refused_by_its_header() -> None:
    with pytest.raises(ImageError, match="at most 100 pixels, got 32x24"):
        read(FILES["alpha"], limits=Limits(pixels=100))


def test_without_the_library_it_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    for call in (header_of, load.load, load.decode):
        with pytest.raises(ImageError, match="Expected an installation that can read it for heic") as caught:
            call(FILES["alpha"])

        assert (caught.value.status, caught.value.public) == (422, "Invalid URL")


@pytest.mark.parametrize("format", ["heic", "svg"])
def test_it_is_not_written(format: str) -> None:
    with pytest.raises(UrlError) as caught:
        plan(Header("png", 9, 9, 3, alpha=False), ProcessingOptions(format=format), Defaults())
    with pytest.raises(ArgumentError, match=format):
        foveola.encode(FILES["alpha"], format)

    assert caught.value.status == 422


def test_the_library_reads_it_and_writes_something_else() -> None:
    result = foveola.encode(FILES["alpha"], quality=80)

    assert result.format == "webp"
    assert Image.open(BytesIO(result.data)).size == (32, 24)


@pytest.mark.parametrize(
    ("block", "changed"),
    [
        (b"", b""),
        (b"neither order", b"neither order"),
        (b"II*\0\x08\0\0\0", b"II*\0\x08\0\0\0"),
        (
            b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0",
            b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\1\0\0\0",
        ),
        (b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x08\0\0", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\1\0\0"),
        (b"MM\0*\0\0\0\x08\0\1\1\x13\0\3\0\0\0\1\0\x08\0\0", b"MM\0*\0\0\0\x08\0\1\1\x13\0\3\0\0\0\1\0\x08\0\0"),
    ],
)
def test_the_orientation_of_exif_becomes_1(block: bytes, changed: bytes) -> None:
    assert exif.overwritten(block, {exif.ORIENTATION: exif.UPRIGHT}) == changed


def test_a_grid_of_another_size_than_its_item_says_is_refused() -> None:
    """Limits were held against the item's."""
    changed = bytearray(FILES["alpha"])
    for place, value in ((689, 0x31), (691, 0x30), (692, 0x37), (725, 7)):
        changed[place] = value

    assert heic.header(bytes(changed)).width == 64
    with pytest.raises(ImageError, match="64x64 with pixels of 32x24"):
        heic.decode(bytes(changed))
