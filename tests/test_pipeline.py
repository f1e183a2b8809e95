"""A plan decides everything and can be looked at; rendering does what was planned and nothing else."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foveola.codecs import codec
from foveola.errors import ImageError, UrlError
from foveola.goal import Asked, Autoquality, Bounds, Configured
from foveola.metrics import Reference
from foveola.options import ProcessingOptions
from foveola.options.values import Extend, Watermark
from foveola.picture import Header, Limits, Picture
from foveola.pipeline import LONGEST, Accepted, Defaults, Plan, Saving, limits, plan, render, saving
from foveola.settings import BEST_JPEG, JpegSettings
from foveola.transform.load import header_of
from foveola.transform.saving import next_quality
from tests.toys import photo

HEADER = Header("jpeg", 200, 100, 3, alpha=False)
CLEAR = Header("png", 200, 100, 4, alpha=True)
DSSIM = Defaults(autoquality=Configured(Asked("dssim", 0.01, 60, 90)))


def options(**said: Any) -> ProcessingOptions:
    return ProcessingOptions(**{"format": "jpeg", **said})


def png(picture: Picture) -> bytes:
    file = io.BytesIO()
    picture.pillow.save(file, "PNG")
    return file.getvalue()


PHOTO = png(photo(160, 120))


def planned(data: bytes = PHOTO, said: ProcessingOptions | None = None, defaults: Defaults | None = None) -> Plan:
    return plan(header_of(data), said or options(), defaults or Defaults())


def saved(
    header: Header, said: ProcessingOptions, defaults: Defaults | None = None, accepted: Accepted | None = None
) -> Saving:
    """Return what is decided about the file at the size that is foreseen."""
    made = plan(header, said, defaults or Defaults(), accepted or Accepted())
    return saving(made, made.geometry.result, header.alpha and said.background is None)


@pytest.mark.parametrize(
    ("said", "defaults", "searched", "quality"),
    [
        (options(), Defaults(), False, 80),
        (options(format="webp"), Defaults(), False, 79),
        (options(format="avif"), Defaults(), False, 63),
        (options(format="jxl"), Defaults(), False, 77),
        (options(quality=50), Defaults(), False, 50),
        (options(format_quality=(("jpeg", 40), ("webp", 30))), Defaults(), False, 40),
        (options(quality=50, format_quality=(("jpeg", 40),)), Defaults(), False, 50),
        (options(), DSSIM, True, None),
        (options(quality=50), DSSIM, False, 50),
        (options(format_quality=(("jpeg", 40),)), DSSIM, False, 40),
        (options(format_quality=(("webp", 40),)), DSSIM, True, None),
        (options(autoquality=Asked("none")), DSSIM, False, 80),
        (options(autoquality=Asked("none"), quality=50), DSSIM, False, 50),
        (options(autoquality=Asked("dssim"), quality=50), Defaults(), True, None),
        (options(autoquality=Asked(min=65, max=95), quality=50), DSSIM, True, None),
        (options(autoquality=Asked(min=65, max=95), quality=50), Defaults(), False, 50),
        (options(autoquality=Asked(min=65, max=95)), Defaults(), False, 80),
    ],
)
def test_what_is_more_specific_decides_the_quality(
    said: ProcessingOptions, defaults: Defaults, searched: bool, quality: int | None
) -> None:
    """URL autoquality > URL quality > configured autoquality > configured quality."""
    made = saved(HEADER, said, defaults)

    assert (made.searched, made.quality) == (searched, quality)


def test_the_url_and_the_settings_make_the_goal() -> None:
    made = saved(HEADER, options(autoquality=Asked(max=70)), DSSIM)

    assert made.goal == Autoquality("dssim", 0.01, Bounds(60, 70))


@pytest.mark.parametrize(
    ("header", "format", "accepted", "result"),
    [
        (HEADER, "", Accepted(), "jpeg"),
        (CLEAR, "", Accepted(), "png"),
        (Header("webp", 9, 9, 3, alpha=False), "", Accepted(), "jpeg"),
        (Header("webp", 9, 9, 4, alpha=True), "", Accepted(), "png"),
        (HEADER, "", Accepted(("avif", "webp")), "avif"),
        (HEADER, "png", Accepted(("avif",)), "png"),
        (HEADER, "png", Accepted(("avif",), ("avif",)), "avif"),
        (CLEAR, "jpeg", Accepted(), "jpeg"),
    ],
)
def test_the_format_is_chosen(header: Header, format: str, accepted: Accepted, result: str) -> None:
    said = ProcessingOptions(format=format, width=50, height=50, enlarge=True)

    assert saved(header, said, accepted=accepted).format == result
    assert plan(header, said, Defaults(), accepted).looks.alpha == (result != "jpeg")


MOVING = Header("gif", 50, 50, 4, alpha=True, frames=5, pages=5)
FRAMES = Defaults(limits=Limits(frames=3))
JPEG_FIRST = Defaults(preferred_formats=("jpeg", "png", "webp"))


@pytest.mark.parametrize(
    ("header", "said", "defaults", "result"),
    [
        (HEADER, {"padding": (1, 1, 1, 1)}, Defaults(preferred_formats=("png", "jpeg")), "jpeg"),
        (Header("webp", 9, 9, 3, alpha=False), {"padding": (1, 1, 1, 1)}, JPEG_FIRST, "webp"),
        (Header("bmp", 9, 9, 3, alpha=False), {"padding": (1, 1, 1, 1)}, JPEG_FIRST, "png"),
        (Header("bmp", 9, 9, 3, alpha=False), {"extend": Extend(True)}, JPEG_FIRST, "png"),
        (Header("bmp", 9, 9, 4, alpha=True), {}, JPEG_FIRST, "png"),
        (Header("bmp", 9, 9, 4, alpha=True), {"background": (1, 2, 3)}, JPEG_FIRST, "jpeg"),
        (MOVING, {}, FRAMES, "gif"),
        (MOVING, {}, replace(FRAMES, preferred_formats=("jpeg", "png", "webp")), "webp"),
        (MOVING, {}, replace(FRAMES, preferred_formats=("jpeg",)), "jpeg"),
        (MOVING, {"disable_animation": True}, replace(FRAMES, preferred_formats=("jpeg", "png", "webp")), "png"),
        (MOVING, {}, JPEG_FIRST, "png"),
    ],
)
def test_the_first_preferred_format_that_can_hold_it_is_written(
    header: Header, said: Any, defaults: Defaults, result: str
) -> None:
    assert plan(header, ProcessingOptions(**said), defaults).format == result


@pytest.mark.parametrize(
    ("format", "accepted", "result"),
    [
        ("", Accepted(("jxl", "avif", "webp")), ("webp", 3)),
        ("", Accepted(("avif",)), ("gif", 3)),
        ("gif", Accepted(("avif", "webp"), ("avif", "webp")), ("webp", 3)),
        ("avif", Accepted(), ("avif", 1)),
        ("jpeg", Accepted(), ("jpeg", 1)),
    ],
)
def test_what_moves_is_written_in_a_format_that_moves(format: str, accepted: Accepted, result: tuple[str, int]) -> None:
    made = plan(MOVING, ProcessingOptions(format=format), FRAMES, accepted)

    assert (made.format, made.reading.frames) == result


SVG = Header("svg", 200, 100, 4, alpha=True)


@pytest.mark.parametrize(
    ("header", "said", "defaults", "untouched"),
    [
        (HEADER, {}, Defaults(), False),
        (HEADER, {"skip_processing": ("jpeg",)}, Defaults(), True),
        (HEADER, {"skip_processing": ("jpeg",), "format": "jpeg"}, Defaults(), True),
        (HEADER, {"skip_processing": ("jpeg",), "format": "png"}, Defaults(), False),
        (HEADER, {}, Defaults(skip_processing_formats=("jpeg",)), True),
        (SVG, {}, Defaults(), True),
        (SVG, {"format": "svg"}, Defaults(always_rasterize_svg=True), True),
        (SVG, {"format": "png"}, Defaults(), False),
        (SVG, {}, Defaults(always_rasterize_svg=True), False),
        (SVG, {}, Defaults(always_rasterize_svg=True, skip_processing_formats=("svg",)), True),
    ],
)
def test_some_sources_are_sent_as_they_are(header: Header, said: Any, defaults: Defaults, untouched: bool) -> None:
    assert plan(header, ProcessingOptions(**said), defaults).untouched == untouched


def test_a_photograph_is_no_drawing() -> None:
    with pytest.raises(UrlError) as refused:
        plan(HEADER, options(format="svg"), Defaults())

    assert (refused.value.status, refused.value.public) == (422, "Invalid URL")


def test_a_result_has_no_more_pixels_than_any_file_is_written_of() -> None:
    huge = options(format="png", width=30_000, height=30_000, enlarge=True, resizing_type="force")

    with pytest.raises(UrlError, match="500000000"):
        saved(HEADER, huge)


def test_no_side_is_longer_than_libvips_has_them() -> None:
    with pytest.raises(UrlError, match="10000000"):
        plan(HEADER, options(format="png", width=100_000_000, enlarge=True), Defaults())


def test_a_url_may_say_other_limits() -> None:
    said = options(max_src_resolution=0.01)

    with pytest.raises(ImageError):
        plan(HEADER, said, Defaults())
    assert limits(options(max_src_resolution=1, max_animation_frames=7), Defaults()) == Limits(1_000_000, 7)
    assert limits(options(max_src_resolution=1e308), Defaults()).pixels == 10**14


def test_the_first_preferred_format_is_written_where_none_can_hold_alpha() -> None:
    assert plan(CLEAR, ProcessingOptions(), Defaults(preferred_formats=("jpeg",))).format == "jpeg"


@pytest.mark.parametrize(("header", "result"), [(HEADER, "jpeg"), (CLEAR, "png")])
def test_a_tiny_avif_is_written_as_something_else(header: Header, result: str) -> None:
    assert saved(header, options(format="avif", height=15), DSSIM).format == result
    assert saved(header, options(format="avif", height=16), DSSIM).format == "avif"
    assert saved(header, options(format="avif", height=15), Defaults(smallest_avif=1)).format == "avif"


def test_the_bounds_are_those_of_the_format_that_is_written() -> None:
    made = saved(HEADER, options(format="avif", height=10), Defaults(autoquality=Configured(Asked("dssim"))))

    assert made.goal.bounds == Bounds(70, 80)


@pytest.mark.parametrize("format", ["png", "gif"])
def test_a_format_without_quality_is_not_searched(format: str) -> None:
    made = saved(HEADER, options(format=format, autoquality=Asked("ml"), max_bytes=10), Defaults())

    assert (made.searched, made.quality, made.max_bytes, made.notes) == (False, None, 0, ("no_quality",))


@pytest.mark.parametrize(("width", "notes"), [(200, ("over_max_resolution",)), (140, ())])
def test_a_large_result_is_saved_without_a_search(width: int, notes: tuple[str, ...]) -> None:
    made = saved(HEADER, options(width=width, autoquality=Asked("ml")), Defaults(max_resolution=0.01))

    assert made.notes == notes
    assert made.quality == (80 if notes else None)
    assert made.settings == (JpegSettings() if notes else BEST_JPEG)


def test_method_ml_writes_the_best_jpeg_whatever_is_configured() -> None:
    configured = Defaults(settings={"jpeg": JpegSettings(no_subsample=True)})

    assert saved(HEADER, options(autoquality=Asked("ml")), configured).settings == BEST_JPEG
    assert saved(HEADER, options(autoquality=Asked("dssim")), configured).settings == JpegSettings(no_subsample=True)


@pytest.mark.parametrize(("format", "longest"), [("webp", 16383), ("avif", 16384), ("jpeg", 65500), ("png", 70000)])
def test_a_side_that_the_format_cannot_hold_is_made_shorter(format: str, longest: int) -> None:
    made = plan(Header("png", 70000, 700, 3, alpha=False), options(format=format), Defaults())

    assert made.geometry.result[0] == made.geometry.scaled[0] == longest
    assert made.notes == (() if format == "png" else ("side_limited",))


def test_the_longest_side_of_a_jpeg_can_be_written() -> None:
    picture = Picture(np.zeros((1, 1, LONGEST["jpeg"], 3), np.uint8))

    for settings in (JpegSettings(), JpegSettings(trellis_quant=True)):
        assert codec("jpeg").decode(codec("jpeg").encode(picture, 50, settings)).width == 65500


def test_an_orientation_turns_the_sides() -> None:
    made = plan(Header("jpeg", 200, 100, 3, alpha=False, orientation=6), options(width=50), Defaults())

    assert made.geometry.source == (100, 200)
    assert made.geometry.result == (50, 100)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (options(autoquality=Asked("size")), 404),
        (options(autoquality=Asked("dssim", 2)), 404),
        (options(format="heic"), 422),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_fetched(said: ProcessingOptions, status: int) -> None:
    with pytest.raises(UrlError) as refused:
        plan(HEADER, said, Defaults())

    assert (refused.value.status, refused.value.public) == (status, "Invalid URL")


def test_a_plan_can_be_printed() -> None:
    shown = repr(plan(HEADER, options(width=50), Defaults()))

    assert "format='jpeg'" in shown
    assert "result=(50, 25)" in shown
    assert len(shown) < 5000


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "jxl", "png", "gif", "tiff"])
def test_every_format_is_rendered(format: str) -> None:
    rendered = render(PHOTO, planned(said=options(format=format, width=80)))

    assert header_of(rendered.data).format == rendered.format == format
    assert rendered.size == (80, 60) == (header_of(rendered.data).width, header_of(rendered.data).height)
    assert rendered.origin == (160, 120)
    assert rendered.mime.startswith("image/")
    assert (rendered.result.why, rendered.result.encodes, rendered.result.met) == ("fixed", 1, None)


def test_a_search_is_rendered_and_its_value_is_true() -> None:
    made = planned(said=options(autoquality=Asked("dssim", 0.03, 10, 95)))

    result = render(PHOTO, made).result

    reference = Reference(Picture(np.asarray(Image.open(io.BytesIO(PHOTO)))[None]))
    assert result.met
    assert result.dssim is not None
    assert abs(reference.full(codec("jpeg").decode(result.data)).dssim - result.dssim) <= 0.0003


@pytest.mark.parametrize(("said", "more"), [({}, ()), ({"autoquality": Asked("ml")}, ("no_network",))])
def test_what_of_the_source_is_not_in_the_result_is_noted(said: Any, more: tuple[str, ...]) -> None:
    file = io.BytesIO()
    photo(40, 30).pillow.save(file, "GIF", save_all=True, append_images=[photo(40, 30, seed=1).pillow])

    made = planned(file.getvalue(), options(**said), Defaults(networks={"jpeg": "none"}))
    rendered = render(file.getvalue(), made)

    assert rendered.saving is not None
    assert rendered.saving.searched == bool(said)
    assert rendered.result.notes == ("first_frame", *more)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_that_is_open_is_rendered_like_its_file(orientation: int) -> None:
    """The library hands on images that are open already."""
    from foveola.transform.load import load

    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo(40, 30).pillow.save(file, "JPEG", exif=exif)
    data = file.getvalue()
    made = planned(data, options(format="png", width=30))

    assert render(data, made).data == render(load(data), made).data


@pytest.mark.parametrize(
    ("sizes", "qualities"),
    [
        (itertools.repeat(1.4), [60, 45, 34, 26, 20, 15, 11, 8]),
        (itertools.repeat(2), [40, 20, 10]),
        (itertools.repeat(4), [20, 5]),
    ],
)
def test_max_bytes_goes_down_as_imgproxy_does(sizes: Any, qualities: list[int]) -> None:
    quality, found = 80, []
    while quality > 10:
        quality = next_quality(quality, int(1000 * next(sizes)), 1000)
        found.append(quality)

    assert found == qualities


def test_max_bytes_ends_with_a_file_that_fits() -> None:
    whole = render(PHOTO, planned()).result.bytes

    result = render(PHOTO, planned(said=options(max_bytes=whole // 2))).result

    assert result.bytes <= whole // 2
    assert result.encodes > 1
    assert result.quality is not None
    assert "max_bytes" in result.notes


def test_max_bytes_gives_up_at_the_lowest_quality() -> None:
    result = render(PHOTO, planned(said=options(max_bytes=1))).result

    assert result.quality is not None
    assert result.quality <= 10


def test_max_bytes_goes_on_from_the_search_and_says_what_is_true_then() -> None:
    goal = Asked("dssim", 0.01, 10, 95)
    found = render(PHOTO, planned(said=options(autoquality=goal))).result

    result = render(PHOTO, planned(said=options(autoquality=goal, max_bytes=found.bytes // 2))).result

    assert found.quality is not None
    assert result.quality is not None
    assert result.quality < found.quality
    assert result.bytes <= found.bytes // 2
    assert (result.met, result.kept, result.why, result.method) == (False, False, "fixed", "dssim")
    assert result.dssim is not None
    assert found.dssim is not None
    assert result.dssim > found.dssim


def test_a_search_for_a_size_that_max_bytes_lowers_still_fits() -> None:
    said = options(autoquality=Asked("size", 6000, 10, 95), max_bytes=3000)

    result = render(PHOTO, planned(said=said)).result

    assert (result.met, result.dssim) == (True, None)
    assert result.bytes <= 3000


def after(calls: int) -> Callable[[], bool]:
    counter = itertools.count()
    return lambda: next(counter) >= calls


@pytest.mark.parametrize(
    "said",
    [options(max_bytes=1), options(autoquality=Asked("dssim", 0.03, 1, 100, 0)), options(max_bytes=1, quality=95)],
)
def test_the_best_so_far_is_served_when_the_time_is_over(said: ProcessingOptions) -> None:
    result = render(PHOTO, planned(said=said), after(0)).result

    assert result.why == "deadline"
    assert header_of(result.data).format == "jpeg"


def test_a_file_that_breaks_off_is_an_error() -> None:
    file = io.BytesIO()
    photo(200, 200).pillow.save(file, "JPEG")
    data = file.getvalue()[:-2000]

    for said in (options(), options(max_bytes=10), options(autoquality=Asked("dssim"))):
        with pytest.raises(ImageError):
            render(data, planned(data, said))


def test_the_limits_are_the_settings() -> None:
    with pytest.raises(ImageError):
        Defaults(limits=Limits(pixels=100)).limits.check(HEADER)


def test_a_watermark_is_held_to_the_limits_of_sources() -> None:
    buffer = io.BytesIO()
    Image.new("1", (5000, 5000)).save(buffer, "PNG")
    marked = plan(HEADER, options(watermark=Watermark(0.5)), Defaults(limits=Limits(1_000_000)))

    with pytest.raises(ImageError, match="1000000 pixels"):
        render(b"", marked, mark=buffer.getvalue())


@pytest.mark.parametrize("said", [{"page": 1}, {"page": 1, "width": 10}, {"pages": 2}])
def test_a_page_is_held_to_the_limits_though_the_first_is_small(said: dict[str, int]) -> None:
    buffer = io.BytesIO()
    small, large = Image.new("L", (9, 9)), Image.new("L", (1200, 1000))
    small.save(buffer, "TIFF", save_all=True, append_images=[large], compression="tiff_deflate")
    data, defaults = buffer.getvalue(), Defaults(limits=Limits(1_000_000))

    with pytest.raises(ImageError, match="1000000 pixels"):
        render(data, planned(data, options(**said), defaults))
    assert render(data, planned(data, options(**said))).data
