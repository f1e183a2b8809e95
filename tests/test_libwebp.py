"""libwebp's plain decoder shows what Pillow's shows, and where it is not at hand Pillow reads the file."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from foveola.codecs import codec, libwebp
from foveola.errors import ImageError
from tests.toys import photo


def written(width: int, height: int, **options: object) -> bytes:
    file = BytesIO()
    photo(width, height).pillow.save(file, "WEBP", **options)
    return file.getvalue()


FILES = {
    "lossy": written(123, 77, quality=40),
    "one pixel": written(1, 1, quality=40),
    "lossless": written(61, 40, lossless=True),
    "with a profile": written(61, 40, quality=80, icc_profile=b"profile" * 9, exif=b"Exif\0\0MM"),
}


@pytest.mark.parametrize("name", FILES)
def test_the_pixels_are_those_of_pillow(name: str) -> None:
    data = FILES[name]
    with Image.open(BytesIO(data)) as image:
        seen = libwebp.pixels(data, *image.size)

        assert seen is not None
        assert np.array_equal(seen, np.asarray(image.convert("RGB")))


def test_metadata_is_kept() -> None:
    picture = codec("webp").decode(FILES["with a profile"])

    assert (picture.icc, picture.exif) == (b"profile" * 9, b"Exif\0\0MM")


def test_without_the_library_pillow_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = codec("webp").decode(FILES["lossy"]).frames
    monkeypatch.setattr(libwebp, "_decoder", lambda: None)

    assert np.array_equal(codec("webp").decode(FILES["lossy"]).frames, with_it)


@pytest.mark.parametrize("keep", [40, 200, -1])
def test_a_cut_file_is_refused(keep: int) -> None:
    with pytest.raises(ImageError, match="Expected a whole WEBP file"):
        codec("webp").decode(FILES["lossy"][:keep])
