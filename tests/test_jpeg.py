from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from foveola.codecs.jpeg import CODEC, luma_table, scale, tables
from foveola.picture import Picture
from foveola.settings import BEST_JPEG, JpegSettings
from tests.drawn import picture

PLAIN = JpegSettings()


def read(data: bytes) -> JpegImageFile:
    return JpegImageFile(BytesIO(data))


@pytest.mark.parametrize("quant_table", range(9))
@pytest.mark.parametrize("trellis", [False, True])
def test_the_tables_are_those_of_the_file(quant_table: int, trellis: bool) -> None:
    settings = JpegSettings(quant_table=quant_table, trellis_quant=trellis, progressive=trellis)
    small = picture(8, 8)
    for quality in range(1, 101):
        written = read(CODEC.encode(small, quality, settings)).quantization
        luma, chroma = tables(quality, quant_table)

        assert written[0] == luma.ravel().tolist()
        assert written[1] == chroma.ravel().tolist()


def test_the_first_table_is_that_of_the_standard() -> None:
    """ITU-T T.81, table K.1, first and last row."""
    table = luma_table(50)

    assert table.shape == (8, 8)
    assert table[0].tolist() == [16, 11, 10, 16, 24, 40, 51, 61]
    assert table[7].tolist() == [72, 92, 95, 98, 112, 100, 103, 99]


def test_steps_end_at_1_and_255() -> None:
    assert luma_table(100).max() == 1
    assert luma_table(1).min() == luma_table(1).max() == 255
    assert (scale(1), scale(49), scale(50), scale(100)) == (5000, 102, 100, 0)


@pytest.mark.parametrize(
    ("settings", "quality", "sampling"),
    [
        (PLAIN, 89, 2),
        (PLAIN, 90, 0),
        (BEST_JPEG, 89, 2),
        (BEST_JPEG, 90, 0),
        (JpegSettings(no_subsample=True), 20, 0),
        (JpegSettings(no_subsample=True, trellis_quant=True), 20, 0),
    ],
)
def test_chroma_is_halved_below_90_unless_it_must_not(settings: JpegSettings, quality: int, sampling: int) -> None:
    assert get_sampling(read(CODEC.encode(picture(), quality, settings))) == sampling


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [10, 75, 95])
def test_both_libraries_write_the_same_coefficients(quality: int, progressive: bool) -> None:
    """So that it does not matter which one a request meets."""
    from foveola.codecs import vips

    settings = JpegSettings(progressive=progressive)
    given = picture(61, 83)
    pillow, libvips = CODEC.encode(given, quality, settings), CODEC.save(vips.from_picture(given), quality, settings)

    assert np.array_equal(CODEC.decode(pillow).frames, CODEC.decode(libvips).frames)
    assert abs(len(pillow) - len(libvips)) <= 40


@pytest.mark.parametrize("settings", [JpegSettings(progressive=True), BEST_JPEG])
def test_progressive_files_are_progressive(settings: JpegSettings) -> None:
    assert read(CODEC.encode(picture(), 75, settings)).info.get("progressive") == 1
    assert "progressive" not in read(CODEC.encode(picture(), 75, PLAIN)).info


def test_each_option_of_mozjpeg_changes_the_file() -> None:
    """Deringing needs white and black areas with edges between them."""
    base = JpegSettings(progressive=True, trellis_quant=True)
    graphic = Picture(np.where(picture(120, 160).frames > 128, 255, 0).astype(np.uint8))
    files = {
        CODEC.encode(graphic, 60, settings)
        for settings in (
            JpegSettings(progressive=True),
            base,
            JpegSettings(progressive=True, trellis_quant=True, overshoot_deringing=True),
            JpegSettings(progressive=True, trellis_quant=True, optimize_scans=True),
            JpegSettings(progressive=True, trellis_quant=True, quant_table=3),
        )
    }

    assert len(files) == 5


def test_scan_optimisation_alone_needs_progressive() -> None:
    assert CODEC.encode(picture(), 60, JpegSettings(optimize_scans=True)) == CODEC.encode(picture(), 60, PLAIN)


def test_the_best_settings_save_a_tenth_of_the_bytes() -> None:
    plain, best = (len(CODEC.encode(picture(240, 320), 75, settings)) for settings in (PLAIN, BEST_JPEG))

    assert best < 0.9 * plain


def test_cmyk_is_read_as_rgb() -> None:
    file = BytesIO()
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(file, "JPEG")

    assert CODEC.decode(file.getvalue()).frames[0, 4, 4].tolist() == pytest.approx([254, 0, 0], abs=3)
