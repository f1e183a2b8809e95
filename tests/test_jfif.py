"""Our baseline JPEG is Pillow's, byte for byte: the same coefficients, codes, markers and last units."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile
from skimage import data

from foveola import kernels
from foveola.codecs import jfif
from foveola.codecs.jpeg import CODEC, tables
from foveola.errors import ArgumentError, ConfigError
from foveola.kernels import Coefficients
from foveola.picture import Picture
from foveola.settings import JpegSettings
from tests.kernels.planes import LEVELS, serve

pytestmark = pytest.mark.skipif(kernels.ACTIVE != "c", reason="without the C kernels Pillow writes the file")

SIZES = ((1, 1), (1, 17), (8, 8), (9, 9), (16, 16), (17, 33), (31, 40), (64, 8), (24, 24), (100, 75), (123, 257))
KINDS = ("noise", "primaries", "slope", "flat")


@pytest.fixture(params=LEVELS, autouse=True)
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Pillow can't write an optimised file that is bigger than its buffer, as noise at 4:4:4 is."""
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 23)
    return serve(request.param, monkeypatch)


def drawn(kind: str, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    random = np.random.default_rng([height, width, channels])
    shape = height, width, channels
    slope = np.add.outer(3 * np.arange(height), np.arange(width))[..., None] + random.integers(0, 9, shape)
    drawings = {
        "noise": random.integers(0, 256, shape),
        "primaries": 255 * random.integers(0, 2, shape),
        "slope": slope % 256,
        "flat": np.full(shape, 200),
    }
    return drawings[kind].astype(np.uint8)


def by_pillow(picture: Picture, quality: int, halved: bool) -> bytes:
    file = BytesIO()
    metadata = {"exif": picture.exif, "xmp": picture.xmp, "icc_profile": picture.icc}
    picture.pillow.save(
        file,
        "JPEG",
        quality=quality,
        optimize=True,
        subsampling="4:2:0" if halved else "4:4:4",
        dpi=(picture.dpi, picture.dpi),
        **{name: value for name, value in metadata.items() if value},
    )
    return file.getvalue()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_file_is_that_of_pillow(kind: str, size: tuple[int, int], channels: int) -> None:
    picture = Picture(drawn(kind, *size, channels)[None])
    for quality in (1, 30, 75, 89, 90, 100):
        for no_subsample in (False, True):
            halved = quality < 90 and not no_subsample
            ours = CODEC.encode(picture, quality, JpegSettings(no_subsample=no_subsample))

            assert ours == by_pillow(picture, quality, halved)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "camera"])
def test_so_it_is_of_photographs(name: str) -> None:
    pixels = getattr(data, name)()
    picture = Picture((pixels if pixels.ndim == 3 else pixels[..., None])[None])
    for quality in (10, 50, 85, 95):
        assert jfif.write(picture, tables(quality), quality < 90) == by_pillow(picture, quality, quality < 90)


def test_metadata_is_written_where_pillow_writes_it() -> None:
    """A profile of more than one segment, too."""
    picture = Picture(
        drawn("slope", 20, 30, 3)[None], icc=bytes(range(256)) * 300, exif=b"Exif\0\0abc", xmp=b"<x/>", dpi=96.4
    )

    assert CODEC.encode(picture, 75, JpegSettings()) == by_pillow(picture, 75, True)


def test_codes_longer_than_16_bits_are_cut() -> None:
    """Counts that grow like Fibonacci numbers make the deepest tree there is."""
    from foveola.kernels import native

    counts = np.zeros(256, np.int64)
    counts[:30] = [round(1.618**i) + i for i in range(30)]
    codes = np.zeros(256, np.uint32)
    segment = native.huffman(counts, codes)

    lengths = codes[:30] >> 16
    assert lengths.max() == 16
    assert sum(2.0 ** -lengths.astype(float)) < 1  # the code of ones is left free
    assert segment[:16] == bytes(np.bincount(lengths, minlength=17)[1:17].astype(np.uint8))
    assert len(set(segment[16:])) == 30


def test_the_search_and_the_encoder_share_one_transform() -> None:
    picture = Picture(drawn("slope", 64, 64, 3)[None])

    assert jfif.planes_of(picture, True) is jfif.planes_of(picture, True)
    assert jfif.planes_of(picture, False) is not jfif.planes_of(picture, True)


def test_a_table_of_something_else_is_refused() -> None:
    coefficients: Coefficients = kernels.forward_dct(drawn("slope", 16, 16, 1)[..., 0])
    with pytest.raises(ArgumentError, match="Expected 8x8 positive numbers for table"):
        kernels.scan(coefficients, np.zeros((8, 8)), np.ones((8, 8)))


def test_no_kernels_no_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "foveola.kernels.native", None)
    with pytest.raises(ConfigError, match="Expected the C kernels for a scan"):
        kernels.scan(kernels.forward_dct(drawn("flat", 8, 8, 1)[..., 0]), np.ones((8, 8)), np.ones((8, 8)))


def test_pillow_opens_what_we_write() -> None:
    picture = Picture(data.astronaut()[None])
    image = Image.open(BytesIO(CODEC.encode(picture, 80, JpegSettings())))

    assert (image.size, image.info["dpi"]) == ((512, 512), (72, 72))
