"""The library: a picture in any form comes in, a file and what is true of it come out."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

import foveola
from foveola.errors import ArgumentError, ImageError
from foveola.goal import Bounds
from foveola.picture import sniff
from tests.toys import photo

FRAME = photo(64, 48).frames[0]


def png(frame: Any = FRAME, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "PNG", **options)
    return file.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "picture.png"
    target.write_bytes(png())
    return target


def forms(path: Path) -> dict[str, Any]:
    return {
        "bytes": png(),
        "bytearray": bytearray(png()),
        "path": path,
        "text": str(path),
        "pillow": Image.fromarray(FRAME),
        "array": FRAME,
        "vips": pyvips.Image.new_from_array(FRAME),
    }


@pytest.mark.parametrize("form", ["bytes", "bytearray", "path", "text", "pillow", "array", "vips"])
def test_a_picture_in_any_form_gives_the_same_file(form: str, path: Path) -> None:
    result = foveola.encode(forms(path)[form], "webp", quality=70)

    assert result.data == foveola.encode(FRAME, "webp", quality=70).data


@pytest.mark.parametrize(
    ("image", "channels"),
    [
        (Image.fromarray(FRAME).convert("1"), 1),
        (Image.fromarray(FRAME).convert("L"), 1),
        (Image.fromarray(FRAME).convert("P"), 3),
        (Image.fromarray(FRAME).convert("CMYK"), 3),
        (Image.fromarray(FRAME).convert("YCbCr"), 3),
        (Image.fromarray(FRAME).convert("RGBA"), 4),
        (Image.fromarray(FRAME).convert("LA"), 4),
    ],
)
def test_every_mode_of_pillow_is_taken(image: Image.Image, channels: int) -> None:
    assert foveola.decode(foveola.encode(image, "png").data).channels == channels


@pytest.mark.parametrize("frame", [FRAME[:, :, 0], FRAME[:, :, :1], FRAME.astype(np.uint16) * 257])
def test_every_array_of_the_documented_shapes_is_taken(frame: Any) -> None:
    assert foveola.encode(frame, "webp", quality=70).data


@pytest.mark.parametrize("word", ["jpg", "jpeg"])
def test_jpg_and_jpeg_are_one_format(word: str) -> None:
    result = foveola.encode(FRAME, word)

    assert (result.format, sniff(result.data)) == ("jpeg", "jpeg")


@pytest.mark.parametrize(("source", "format"), [(png(), "png"), (FRAME, "webp")])
def test_without_a_format_it_is_the_sources_own_else_webp(source: Any, format: str) -> None:
    assert foveola.encode(source).format == format


@pytest.mark.parametrize(
    ("name", "format"), [("JPEG", "jpeg"), ("WEBP", "webp"), ("TIFF", "tiff"), ("BMP", "bmp"), ("PPM", "webp")]
)
def test_the_format_of_a_pillow_image_is_its_own(name: str, format: str) -> None:
    file = io.BytesIO()
    Image.fromarray(FRAME).save(file, name)

    assert foveola.encode(Image.open(file), quality=70).format == format
    assert foveola.encode(Image.open(file).convert("L"), quality=70).format == "webp"


def test_without_a_goal_and_a_quality_a_dssim_of_two_hundredths_is_searched_for() -> None:
    result = foveola.encode(FRAME, "webp")

    assert result.method == "dssim"
    assert result.met
    assert result.dssim == pytest.approx(0.02, abs=0.002)


def test_the_bounds_of_the_library_are_wide_for_every_format() -> None:
    assert foveola.encode(FRAME, "avif", "dssim:0.002").quality not in range(60, 66)


def test_a_quality_alone_is_not_searched() -> None:
    result = foveola.encode(FRAME, "webp", quality=70)

    assert (result.quality, result.why, result.met, result.dssim, result.encodes) == (70, "fixed", None, None, 1)


def test_a_goal_may_say_everything_that_a_search_knows() -> None:
    goal = foveola.Autoquality("dssim", 0.02, allowed_error=0.0, max_encodes=1)

    assert foveola.encode(FRAME, "webp", goal).why in ("max_encodes", "met")


WORDS = "avif, bmp, gif, heic, heif, ico, jpeg, jpg, jxl, png, svg, tif, tiff, webp"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"quality": 70, "autoquality": "dssim"}, "Expected nothing beside autoquality dssim for quality, got 70"),
        ({"quality": 0}, "Expected integer 1..100 for quality, got 0"),
        ({"quality": 101}, "Expected integer 1..100 for quality, got 101"),
        ({"quality": 88.2}, "Expected integer 1..100 for quality, got 88.2"),
        ({"quality": True}, "Expected integer 1..100 for quality, got True"),
        ({"format": "psd"}, f'Expected one of {WORDS} for format, got "psd"'),
        (
            {"format": "heic"},
            'Expected one of jpeg, webp, avif, jxl, png, gif, tiff, bmp, ico for format to write, got "heic"',
        ),
        ({"autoquality": 5}, "Expected an Autoquality or a text for autoquality, got 5"),
        ({"autoquality": "best"}, 'Expected one of none, size, dssim, ml for method, got "best"'),
        ({"width": True}, "Expected a number of pixels 0..10000000 for width, got True"),
        ({"width": 10**30}, f"Expected a number of pixels 0..10000000 for width, got {10**30}"),
        ({"resize": ["fit"]}, "Expected one of fit, fill, fill-down, force, auto for resize, got ['fit']"),
        (
            {"format": ["webp"]},
            f"Expected one of {WORDS} for format, got ['webp']",
        ),
        (
            {"compression": np.ones(2)},
            "Expected one of lossy, near_lossless, lossless for compression, got array([1., 1.])",
        ),
        ({"smart_subsample": 1.0}, "Expected true or false for smart_subsample, got 1.0"),
        ({"width": -1}, "Expected a number of pixels 0..10000000 for width, got -1"),
        ({"resize": "stretch"}, 'Expected one of fit, fill, fill-down, force, auto for resize, got "stretch"'),
        ({"effort": 7}, "Expected integer 1..6 for effort, got 7"),
        ({"compression": "zip"}, 'Expected one of lossy, near_lossless, lossless for compression, got "zip"'),
        (
            {"efort": 4},
            'Expected a setting of webp (compression, effort, preset, smart_subsample) for setting, got "efort"',
        ),
    ],
)
def test_what_can_not_be_used_is_told(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ArgumentError) as error:
        foveola.encode(FRAME, **{"format": "webp"} | arguments)

    assert str(error.value) == sentence
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (b"", ImageError),
        (b"no picture", ImageError),
        (png()[:200], ImageError),
        ("/nowhere/at/all.jpg", ImageError),
        (12, ArgumentError),
        (FRAME.astype(np.float32), ArgumentError),
        (FRAME[:, :, :2], ArgumentError),
        (Image.new("F", (8, 8)), ArgumentError),
        (Image.new("I", (8, 8)), ArgumentError),
        (Image.new("RGB", (0, 5)), ArgumentError),
        (Image.open(io.BytesIO(png()[:-40])), ImageError),
        ("a\0b", ImageError),
        ("\ud800", ImageError),
        (None, ArgumentError),
        (FRAME.astype(bool), ArgumentError),
        (FRAME.astype(object), ArgumentError),
        (FRAME[:0], ArgumentError),
        (pyvips.Image.new_from_buffer(png()[:-40], "", fail_on="truncated"), ImageError),
    ],
)
def test_what_is_no_picture_is_told(picture: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="Expected "):
        foveola.encode(picture, "webp", quality=70)


def test_settings_reach_the_encoder() -> None:
    fast, small = (foveola.encode(FRAME, "webp", quality=70, effort=effort) for effort in (1, 6))

    assert small.bytes < fast.bytes


@pytest.mark.parametrize(
    ("width", "height", "resize", "size"),
    [(32, 0, "fit", (32, 24)), (32, 32, "fit", (32, 24)), (16, 16, "fill", (16, 16)), (20, 40, "force", (20, 40))],
)
def test_pictures_are_resized_before_they_are_searched(
    width: int, height: int, resize: Any, size: tuple[int, int]
) -> None:
    picture = foveola.decode(foveola.encode(FRAME, "webp", width=width, height=height, resize=resize).data)

    assert (picture.width, picture.height) == size


def test_transparency_is_laid_on_white_for_a_jpeg() -> None:
    clear = np.zeros((16, 16, 4), np.uint8)

    assert foveola.decode(foveola.encode(clear, "jpeg", quality=90).data).frames.min() == 255


def test_a_tiny_avif_stays_an_avif() -> None:
    assert foveola.encode(FRAME[:4, :4], "avif").format == "avif"


def moving(kind: str) -> Any:
    """Return an animation of two frames, the second all white."""
    if kind == "vips":
        both = pyvips.Image.new_from_array(np.concatenate([FRAME, np.full_like(FRAME, 255)])).copy()
        both.set_type(pyvips.GValue.gint_type, "page-height", len(FRAME))
        return both
    data = png(save_all=True, append_images=[Image.new("RGB", (64, 48), "white")])
    return data if kind == "bytes" else Image.open(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["bytes", "pillow", "vips"])
@pytest.mark.parametrize("asked", [{"quality": 70}, {"autoquality": "dssim:0.02"}])
def test_of_several_frames_the_first_is_written_and_noted(kind: str, asked: Any) -> None:
    result = foveola.encode(moving(kind), "webp", **asked)

    assert result.notes == ("first_frame",)
    assert result.data == foveola.encode(FRAME, "webp", **asked).data


@pytest.mark.parametrize("open", [bytes, lambda data: Image.open(io.BytesIO(data))], ids=["bytes", "pillow"])
def test_a_jpeg_of_several_pictures_is_a_jpeg_and_the_loss_is_noted(open: Any) -> None:
    file = io.BytesIO()
    Image.fromarray(FRAME).save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (64, 48), "white")])

    result = foveola.encode(open(file.getvalue()), quality=70)

    assert (result.format, result.notes) == ("jpeg", ("first_frame",))


def test_of_a_pillow_image_the_frame_that_it_stands_at_is_written() -> None:
    image = moving("pillow")
    image.seek(1)

    assert foveola.decode(foveola.encode(image, "png").data).frames.min() == 255


def test_a_result_can_be_saved(tmp_path: Path) -> None:
    result = foveola.encode(FRAME, "webp")
    target = tmp_path / "out.webp"

    result.save(target)

    assert target.read_bytes() == result.data


def test_a_picture_equals_itself() -> None:
    assert foveola.compare(FRAME, png()) == foveola.Score(0, 0, 0, 0)


def test_a_header_that_claims_too_much_is_refused_at_once() -> None:
    data = bytearray(foveola.encode(FRAME, "jpeg", quality=80).data)
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = (65000).to_bytes(2, "big") * 2

    with pytest.raises(ImageError, match="Expected at most 500000000 pixels, got 65000x65000"):
        foveola.encode(bytes(data), "webp")


def test_a_score_states_ssim_too() -> None:
    score = foveola.compare(FRAME, 255 - FRAME)

    assert score.ssim == 1 - 2 * score.dssim


def test_comparing_sizes_that_differ_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="Expected"):
        foveola.compare(FRAME, FRAME[:10])


def test_a_curve_falls_and_grows_with_quality() -> None:
    probes = foveola.curve(FRAME, "jpg", (30, 60, 90))

    assert [probe.quality for probe in probes] == [30, 60, 90]
    assert sorted((probe.dssim for probe in probes), key=lambda d: -(d or 0)) == [probe.dssim for probe in probes]
    assert sorted(probe.bytes or 0 for probe in probes) == [probe.bytes for probe in probes]


@pytest.mark.parametrize("data", [None, "picture.png", Path("picture.png"), 5])
def test_only_bytes_are_decoded(data: Any) -> None:
    with pytest.raises(ArgumentError, match="Expected the bytes of a file for data, got "):
        foveola.decode(data)


@pytest.mark.parametrize(
    ("format", "qualities"),
    [
        ("png", (50,)),
        *(("webp", given) for given in ((0,), (101,), ("50",), (True,), ([],), (50, None), 5, object())),
    ],
)
def test_a_curve_needs_qualities_that_exist(format: str, qualities: Any) -> None:
    with pytest.raises(ArgumentError, match="Expected"):
        foveola.curve(FRAME, format, qualities)


def test_numbers_of_numpy_are_numbers() -> None:
    three: Any = np.int8(3)
    many: Any = np.int64(64)
    quarter: Any = np.float32(0.25)
    goal = foveola.Autoquality("dssim", quarter, Bounds(three, many), np.float64(0.125), three)
    result = foveola.encode(FRAME, "webp", quality=many, width=many, effort=three)

    assert (goal.target, goal.bounds, goal.allowed_error, goal.max_encodes) == (0.25, Bounds(3, 64), 0.125, 3)
    assert json.loads(json.dumps(asdict(goal)))["target"] == 0.25
    assert type(result.quality) is int
    assert result.data == foveola.encode(FRAME, "webp", quality=64, width=64, effort=3).data
    assert [probe.quality for probe in foveola.curve(FRAME, "webp", np.array([40, 50]))] == [40, 50]


@pytest.mark.parametrize("value", [np.float64("nan"), np.bool_(True), np.array([1, 2]), Decimal(1)])
def test_what_numpy_has_besides_numbers_is_refused(value: Any) -> None:
    for refused in (lambda: foveola.Autoquality(target=value), lambda: foveola.encode(FRAME, "webp", quality=value)):
        with pytest.raises(ArgumentError, match="Expected"):
            refused()


def test_a_released_view_is_refused() -> None:
    view: Any = memoryview(png())
    view.release()

    for call in (foveola.decode, foveola.encode):
        with pytest.raises(ArgumentError, match='got "a released memoryview"'):
            call(view)


@pytest.mark.parametrize("said", ["6", -3, 9])
def test_an_orientation_that_can_not_be_understood_turns_nothing(said: Any) -> None:
    image = pyvips.Image.new_from_array(FRAME)
    kind = pyvips.GValue.gstr_type if isinstance(said, str) else pyvips.GValue.gint_type
    image.set_type(kind, "orientation", said)

    assert foveola.encode(image, "webp", quality=70).data == foveola.encode(FRAME, "webp", quality=70).data


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L"])
def test_sixteen_bits_of_any_order_are_sixteen_bits(mode: str) -> None:
    deep = np.linspace(0, 65535, 48 * 64).astype(np.uint16).reshape(48, 64)
    raw = deep.astype(">u2" if mode == "I;16B" else "<u2").tobytes()
    image = Image.frombytes(mode, (64, 48), raw)

    assert np.array_equal(
        foveola.decode(foveola.encode(image, "png").data).frames,
        foveola.decode(foveola.encode(deep, "png").data).frames,
    )


def test_what_can_not_be_called_and_what_is_no_goal_are_refused() -> None:
    nothing: Any = None
    with pytest.raises(ArgumentError, match="Expected a function for stop, got None"):
        foveola.encode(FRAME, "webp", stop=nothing)
    text: Any = "x"
    with pytest.raises(ArgumentError, match='Expected an Autoquality for base, got "x"'):
        foveola.Autoquality.parse("dssim", base=text)
