"""What a URL asks for is what comes out, pixel by pixel: crops, canvases, turns, chains, pages and animations."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image, ImageOps

from foveola.codecs.heic import thumbnail
from foveola.codecs.vips import to_picture
from foveola.errors import ImageError
from foveola.options import ProcessingOptions
from foveola.options.values import (
    ANCHORS,
    Anchor,
    Crop,
    Extend,
    Gravity,
    Monochrome,
    Trim,
    Unsharp,
    Watermark,
)
from foveola.picture import Limits
from foveola.pipeline import Defaults, plan
from foveola.transform.load import header_of, load
from foveola.transform.opening import picked
from foveola.transform.placing import position
from foveola.transform.steps import transformed
from foveola.transform.turning import Turn
from tests.toys import photo

Pixels = NDArray[Any]
RED, BLUE = (255, 0, 0), (0, 0, 255)


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def made(data: bytes, defaults: Defaults | None = None, mark: bytes | None = None, **said: Any) -> Pixels:
    """Return the frames that go into the encoder, (n, H, W, channels)."""
    options = ProcessingOptions(**{"format": "png", **said})
    planned = plan(header_of(data), options, defaults or Defaults())
    return to_picture(transformed(data, planned, mark)).frames


def pixels(data: bytes, defaults: Defaults | None = None, mark: bytes | None = None, **said: Any) -> Pixels:
    return made(data, defaults, mark, **said)[0]  # type: ignore[no-any-return]


PHOTO = photo(60, 40)
FILE = encoded(PHOTO.pillow)
FRAME = PHOTO.frames[0]
COMPASS = [anchor for anchor in ANCHORS if anchor not in ("sm", "fp")]


@pytest.mark.parametrize("anchor", COMPASS)
def test_a_crop_stands_where_its_gravity_says(anchor: Anchor) -> None:
    gravity = Gravity(anchor, 3, 0.1)
    left, top = position((60, 40), (20, 10), gravity, 1.0)

    wanted = FRAME[top : top + 10, left : left + 20]
    assert np.array_equal(pixels(FILE, crop=Crop(20, 10, gravity)), wanted)
    assert np.array_equal(pixels(FILE, crop=Crop(20, 10), gravity=gravity), wanted)


@pytest.mark.parametrize("anchor", COMPASS)
def test_what_is_too_much_is_cut_off_where_gravity_says(anchor: Anchor) -> None:
    gravity = Gravity(anchor, 2, 1)
    left, top = position((60, 40), (30, 40), gravity, 1.0)

    found = pixels(FILE, resizing_type="fill", width=30, height=40, gravity=gravity)

    assert np.array_equal(found, FRAME[top : top + 40, left : left + 30])


def test_a_point_is_kept_and_a_share_is_cut_out() -> None:
    found = pixels(FILE, crop=Crop(0.5, 0.25, Gravity("fp", 0.25, 0.75)))

    assert np.array_equal(found, FRAME[25:35, 0:30])


def test_attention_is_drawn_by_what_stands_out() -> None:
    plain = Image.new("RGB", (200, 60), (90, 90, 90))
    plain.paste(photo(40, 40).pillow, (150, 10))

    found = pixels(encoded(plain), resizing_type="fill", width=60, height=60, gravity=Gravity("sm"))

    assert found.shape == (60, 60, 3)
    assert found[:, 30].std() > 10


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("rotate", "flip"), [(0, (False, False)), (90, (True, False)), (180, (False, True)), (270, (True, True))]
)
@pytest.mark.parametrize(
    "gravity", [Gravity("noea", 5, 3), Gravity("we", 2, 4), Gravity("fp", 0.2, 0.3), Gravity("so")]
)
def test_a_crop_means_the_picture_as_it_is_seen(
    orientation: int, rotate: int, flip: tuple[bool, bool], gravity: Gravity
) -> None:
    """It is cut before it is turned, where there may be more to turn."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(PHOTO.pillow, exif=exif)
    seen = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).rotate(-rotate, expand=True)
    seen = ImageOps.mirror(seen) if flip[0] else seen
    seen = ImageOps.flip(seen) if flip[1] else seen
    whole = np.asarray(seen)
    left, top = position(seen.size, (20, 10), gravity, 1.0)

    assert np.array_equal(pixels(data, rotate=rotate, flip=flip), whole)
    cut = pixels(data, rotate=rotate, flip=flip, crop=Crop(20, 10, gravity))

    assert cut.shape == (10, 20, 3)
    candidates = [
        whole[t : t + 10, s : s + 20]
        for t in range(max(top - 2, 0), top + 3)
        for s in range(max(left - 2, 0), left + 3)
    ]
    assert any(np.array_equal(cut, wanted) for wanted in candidates)  # a middle is rounded to one side before turning


@pytest.mark.parametrize("gravity", [Gravity("noea", 5, 3), Gravity("we", 2, 4), Gravity("ce", 3, -2), Gravity("sm")])
def test_four_quarters_and_two_mirrors_are_none(gravity: Gravity) -> None:
    assert Turn(stored=2, asked=2).before(gravity) == gravity
    assert Turn(mirrored=True, across=True).before(gravity) == gravity
    assert Turn(stored=1, asked=3).before(gravity) == gravity


def test_an_orientation_may_be_left_alone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(PHOTO.pillow, exif=exif)

    assert pixels(data, auto_rotate=False).shape == (40, 60, 3)
    assert pixels(data, Defaults(auto_rotate=False)).shape == (40, 60, 3)
    assert pixels(data, Defaults(auto_rotate=False), auto_rotate=True).shape == (60, 40, 3)


@pytest.mark.parametrize("anchor", COMPASS)
def test_a_picture_stands_on_its_canvas_where_gravity_says(anchor: Anchor) -> None:
    gravity = Gravity(anchor, 4, 6)
    left, top = position((100, 80), (60, 40), gravity, 1.0)

    found = pixels(FILE, width=100, height=80, extend=Extend(True, gravity))

    assert found.shape == (80, 100, 4)
    assert np.array_equal(found[top : top + 40, left : left + 60, :3], FRAME)
    assert found[..., 3].sum() == 255 * 60 * 40


def test_a_canvas_may_have_only_the_ratio_that_was_asked() -> None:
    found = pixels(FILE, width=300, height=300, extend_aspect_ratio=Extend(True, Gravity("no")), background=RED)

    assert found.shape == (60, 60, 3)
    assert np.array_equal(found[:40], FRAME)
    assert (found[40:] == RED).all()


@pytest.mark.parametrize(
    ("format", "background", "outside"),
    [
        ("png", None, [0, 0, 0, 0]),
        ("png", RED, [255, 0, 0]),
        ("jpeg", None, [255, 255, 255]),
        ("jpeg", BLUE, [0, 0, 255]),
    ],
)
def test_padding_is_transparent_or_of_the_background(format: str, background: Any, outside: list[int]) -> None:
    found = pixels(FILE, format=format, background=background, padding=(1, 2, 3, 4), dpr=1)

    assert found.shape[:2] == (44, 66)
    assert np.array_equal(found[1:41, 4:64, :3], FRAME)
    assert [found[0, 0].tolist(), found[-1, -1].tolist(), found[0, 30].tolist()] == [outside] * 3


def test_padding_grows_with_dpr() -> None:
    assert pixels(FILE, padding=(10, 0, 0, 5), dpr=2, width=20).shape[:2] == (27 + 20, 40 + 10)


@pytest.mark.parametrize(("background", "channels"), [((255, 255, 255), 1), ((9, 9, 9), 1), (RED, 3)])
def test_grey_on_a_colour_becomes_a_colour(background: Any, channels: int) -> None:
    grey = encoded(photo(30, 20, 1).pillow)

    found = pixels(grey, format="jpeg", padding=(2, 2, 2, 2), background=background)

    assert found.shape == (24, 34, channels)
    assert found[0, 0].tolist() == list(background)[:channels]


def test_a_translucent_background_keeps_an_alpha_channel() -> None:
    clear = encoded(Image.new("RGBA", (20, 20), (0, 0, 255, 0)))

    assert pixels(clear, background=RED, background_alpha=0.5)[5, 5].tolist() == [255, 0, 0, 128]
    assert pixels(clear, background=RED, background_alpha=0.5, format="jpeg")[5, 5].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kernel", ["nearest", "linear", "cubic", "lanczos2", "lanczos3"])
def test_the_kernel_is_libvips_of_that_name(kernel: str) -> None:
    wanted = pyvips.Image.new_from_array(FRAME).resize(0.4, kernel=kernel).numpy()

    assert np.array_equal(pixels(FILE, width=24, resizing_algorithm=kernel), wanted)


def test_light_is_mixed_in_linear_light_if_the_settings_say_so() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    data = encoded(Image.fromarray(stripes))

    assert abs(int(pixels(data, width=16)[8, 8, 0]) - 128) <= 2
    assert abs(int(pixels(data, Defaults(use_linear_colorspace=True), width=16)[8, 8, 0]) - 188) <= 2


@pytest.mark.parametrize(
    ("format", "shrink"), [("JPEG", 8), ("JPEG", 4), ("JPEG", 2), ("JPEG", 1.3), ("WEBP", 5), ("WEBP", 1.5)]
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_decoder_that_makes_a_picture_smaller_gives_the_same_picture(
    format: str, shrink: float, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo(30, 20).pillow.resize((331, 217)), format, quality=95, exif=exif)
    said: dict[str, Any] = {"width": round(331 / shrink), "crop": Crop(200, 0.5, Gravity("nowe", 20, 10))}

    found = pixels(data, **said).astype(float)
    whole = pixels(data, Defaults(disable_shrink_on_load=True), **said).astype(float)

    assert found.shape == whole.shape
    assert np.abs(found - whole).mean() < 5


def test_a_decoder_is_asked_for_less_where_less_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def listening(data: bytes, **options: Any) -> pyvips.Image:
        asked.append(options.get("shrink", 1))
        return load(data, **options)

    monkeypatch.setattr("foveola.transform.opening.load", listening)
    data = encoded(photo(320, 200).pillow, "JPEG")
    for width in (320, 170, 160, 100, 45, 20):
        pixels(data, width=width)

    assert [shrink for shrink in asked if shrink != 1] == [2, 2, 4, 8]


def test_a_border_is_cut_off_before_all_else() -> None:
    framed = Image.new("RGB", (100, 90), RED)
    framed.paste(PHOTO.pillow, (10, 20))
    data = encoded(framed)

    assert np.array_equal(pixels(data, trim=Trim(10)), FRAME)
    assert pixels(data, trim=Trim(10), width=30).shape == (20, 30, 3)
    assert pixels(data, trim=Trim(10), width=30, chained=(ProcessingOptions(rotate=90),)).shape == (30, 20, 3)


def test_pipelines_are_chained() -> None:
    second = ProcessingOptions(crop=Crop(10, 10, Gravity("soea")))
    third = ProcessingOptions(padding=(1, 1, 1, 1), background=BLUE)

    found = pixels(FILE, crop=Crop(30, 0, Gravity("we")), chained=(second, third))

    assert found.shape == (12, 12, 3)
    assert np.array_equal(found[1:-1, 1:-1], FRAME[30:40, 20:30])
    assert found[0, 0].tolist() == list(BLUE)


def test_a_border_may_be_trimmed_by_a_later_pipeline() -> None:
    found = pixels(FILE, padding=(5, 6, 7, 8), background=RED, chained=(ProcessingOptions(trim=Trim(10)),))

    assert np.array_equal(found, FRAME)


@pytest.mark.parametrize(
    "said",
    [
        {"blur": 2.0},
        {"sharpen": 2.0},
        {"pixelate": 5},
        {"unsharp_masking": Unsharp("always", 1.0, 24.0)},
        {"brightness": 40},
        {"contrast": 1.5},
        {"saturation": 0.2},
        {"monochrome": Monochrome(1.0)},
    ],
    ids=str,
)
def test_looks_change_the_pixels_and_nothing_else(said: dict[str, Any]) -> None:
    found = pixels(FILE, **said)

    assert found.shape == FRAME.shape
    assert not np.array_equal(found, FRAME)


def test_nothing_is_sharpened_unless_somebody_says_so() -> None:
    plain = pixels(FILE, width=30)

    assert not np.array_equal(pixels(FILE, width=30, unsharp_masking=Unsharp("auto")), plain)
    assert not np.array_equal(pixels(FILE, Defaults(unsharp=Unsharp("auto", 1.0, 24.0)), width=30), plain)
    assert np.array_equal(pixels(FILE, unsharp_masking=Unsharp("auto")), FRAME)


def test_a_watermark_is_laid_on_what_is_otherwise_finished() -> None:
    mark = encoded(Image.new("RGB", (6, 4), RED))
    said: dict[str, Any] = {"width": 30, "padding": (1, 1, 1, 1), "background": BLUE}

    found = pixels(FILE, mark=mark, watermark=Watermark(1.0, "nowe"), **said)
    half = pixels(FILE, Defaults(watermark_opacity=0.5), mark, watermark=Watermark(1.0, "nowe"), **said)

    assert (found[:4, :6] == RED).all()
    assert half[0, 0].tolist() in ([127, 0, 128], [128, 0, 127], [128, 0, 128])
    assert np.array_equal(found[4:], pixels(FILE, **said)[4:])
    assert np.array_equal(pixels(FILE, watermark=Watermark(1.0, "nowe"), **said), pixels(FILE, **said))


def frames(count: int, width: int = 40, height: int = 30) -> list[Image.Image]:
    return [photo(width, height, seed=number).pillow for number in range(count)]


def animation(format: str = "WEBP", count: int = 4, **options: Any) -> bytes:
    first, *rest = frames(count)
    more = {"lossless": True} if format == "WEBP" else {}
    return encoded(
        first, format, save_all=True, append_images=rest, duration=[70, 80, 90, 100][:count], loop=3, **more | options
    )


MOVING = Defaults(limits=Limits(frames=10))


def test_each_frame_is_processed_like_a_picture() -> None:
    said: dict[str, Any] = {"format": "webp", "width": 20, "rotate": 90, "padding": (1, 0, 0, 0)}

    found = made(animation(), MOVING, **said)

    assert found.shape == (4, 28, 20, 4)
    for number, frame in enumerate(frames(4)):
        assert np.array_equal(found[number], pixels(encoded(frame), **{**said, "format": "png"}))


def test_frames_keep_their_time_and_are_no_more_than_the_settings_say() -> None:
    options = ProcessingOptions(format="webp")
    data = animation()

    whole = to_picture(transformed(data, plan(header_of(data), options, MOVING)))
    few = to_picture(transformed(data, plan(header_of(data), options, Defaults(limits=Limits(frames=2)))))

    assert (len(whole.frames), whole.delays, whole.loop) == (4, (70, 80, 90, 100), 3)
    assert (len(few.frames), few.delays) == (2, (70, 80))


@pytest.mark.parametrize(
    ("defaults", "said", "count"),
    [
        (Defaults(), {"format": "webp"}, 1),
        (MOVING, {"format": "png"}, 1),
        (MOVING, {"format": "webp", "disable_animation": True}, 1),
        (MOVING, {"format": "gif"}, 4),
    ],
)
def test_an_animation_moves_where_that_is_wanted_and_can_be(defaults: Defaults, said: Any, count: int) -> None:
    assert len(made(animation(), defaults, **said)) == count


def test_a_page_is_chosen_and_pages_are_stacked() -> None:
    still = frames(4)
    data = animation()

    assert np.array_equal(pixels(data, page=2)[..., :3], np.asarray(still[2]))
    assert np.array_equal(pixels(data, page=99)[..., :3], np.asarray(still[3]))
    stacked = pixels(data, page=1, pages=2)
    assert np.array_equal(stacked[..., :3], np.concatenate([np.asarray(still[1]), np.asarray(still[2])]))
    assert len(pixels(data, page=2, pages=99)) == 60


def test_pages_of_different_sizes_are_stacked_to_the_left() -> None:
    data = encoded(photo(40, 30).pillow, "TIFF", save_all=True, append_images=[photo(20, 10).pillow])

    found = pixels(data, pages=2)

    assert found.shape == (40, 40, 3)
    assert np.array_equal(found[:30], photo(40, 30).frames[0])
    assert np.array_equal(found[30:40, :20], photo(20, 10).frames[0])


@pytest.mark.parametrize(
    ("preserve", "format", "depth"),
    [(False, "png", np.uint8), (True, "png", np.uint16), (True, "jpeg", np.uint8), (True, "tiff", np.uint16)],
)
def test_sixteen_bits_are_kept_where_that_is_asked_and_can_be(preserve: bool, format: str, depth: Any) -> None:
    data = encoded(Image.fromarray((np.arange(1200, dtype=np.uint16) * 50).reshape(30, 40)))

    found = pixels(data, preserve_hdr=preserve, format=format, width=20)

    assert found.dtype == depth
    assert found.shape == (15, 20, 1)


def test_one_pixel_goes_through_everything() -> None:
    data = encoded(Image.new("RGBA", (1, 1), (10, 20, 30, 200)))
    everything = ProcessingOptions(
        "fill",
        "cubic",
        3,
        3,
        enlarge=True,
        zoom=(2, 2),
        dpr=2,
        extend=Extend(True),
        padding=(1, 1, 1, 1),
        crop=Crop(0.5, 0.5),
        trim=Trim(10),
        rotate=90,
        flip=(True, True),
        blur=1,
        sharpen=1,
        pixelate=3,
        brightness=1,
        contrast=1.1,
        saturation=1.1,
        monochrome=Monochrome(0.5),
        watermark=Watermark(1),
        format="webp",
    )

    found = pixels(data, mark=data, **vars(everything))

    assert found.shape == (16, 16, 4)
    assert replace(everything) == everything


HEIC = [path.read_bytes() for path in sorted((Path(__file__).parent / "heic").glob("*.heic"))]


def test_the_thumbnail_inside_stands_for_the_picture_if_it_is_asked_for() -> None:
    data = next(data for data in HEIC if thumbnail(data) is not None)
    whole, small = header_of(data), header_of(thumbnail(data) or b"")
    forced = Defaults(enforce_thumbnail=True)

    assert picked(data, ProcessingOptions(), Defaults()) == data
    assert picked(data, ProcessingOptions(enforce_thumbnail=True), Defaults()) == thumbnail(data)
    assert picked(data, ProcessingOptions(enforce_thumbnail=False), forced) == data
    assert picked(FILE, ProcessingOptions(), forced) == FILE
    assert small.width < whole.width


def test_the_thumbnail_inside_is_enough_for_what_is_not_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    data = next(data for data in HEIC if thumbnail(data) is not None)
    whole, small = header_of(data), header_of(thumbnail(data) or b"")
    sizes: list[int] = []

    def listening(data: bytes, **options: Any) -> pyvips.Image:
        image = load(data, **options)
        sizes.append(image.width)
        return image

    monkeypatch.setattr("foveola.transform.opening.load", listening)

    assert pixels(data, width=small.width).shape[1] == small.width
    assert sizes[-1] == small.width
    assert pixels(data, width=small.width + 1).shape[1] == small.width + 1
    assert sizes[-1] == whole.width


def test_a_thumbnail_that_is_larger_than_its_picture_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(next(data for data in HEIC if thumbnail(data) is not None))
    at, primary = data.index(b"thmb") + 4, data.index(b"pitm") + 8
    data[at : at + 2], data[at + 4 : at + 6] = data[at + 4 : at + 6], data[at : at + 2]
    data[primary : primary + 2] = data[at + 4 : at + 6]
    inside = thumbnail(bytes(data)) or b""
    decoded: list[bytes] = []

    def listening(data: bytes, **options: Any) -> pyvips.Image:
        decoded.append(data)
        return load(data, **options)

    monkeypatch.setattr("foveola.transform.opening.load", listening)

    assert header_of(inside).width > header_of(bytes(data)).width
    assert pixels(bytes(data), width=8).shape[1] == 8
    assert inside not in decoded


DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="20" height="20" fill="#f00"/>'
    b'<rect x="20" width="20" height="20" fill="#00f"/></svg>'
)


def test_a_drawing_is_drawn_as_large_as_it_is_wanted() -> None:
    found = pixels(DRAWING, width=400)

    assert found.shape == (200, 400, 4)
    assert found[100, 198].tolist() == [255, 0, 0, 255]  # sharp, so it was not resized
    assert found[100, 202].tolist() == [0, 0, 255, 255]
    assert pixels(DRAWING, width=10).shape == (5, 10, 4)


def test_a_drawing_is_no_larger_than_a_source_may_be() -> None:
    few = Defaults(limits=Limits(pixels=200))

    assert pixels(DRAWING, few).shape == (10, 20, 4)
    assert pixels(DRAWING, few, width=80).shape == (40, 80, 4)


@pytest.mark.parametrize("said", [{"blur": 1.0}, {"rotate": 90}, {"gravity": Gravity("sm"), "height": 40_000}])
def test_what_is_too_large_to_be_held_is_refused_before_it_is_computed(said: dict[str, Any]) -> None:
    asked = {"resizing_type": "fill", "width": 50_000, "height": 50_000, "enlarge": True, **said}

    with pytest.raises(ImageError, match="500000000 pixels"):
        pixels(FILE, **asked)
