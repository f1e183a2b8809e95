from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from foveola.codecs import codec
from foveola.codecs.vips import channels, eight_bits, from_picture, to_picture
from foveola.errors import ArgumentError, ImageError
from foveola.settings import JpegSettings, PngSettings
from foveola.transform.colour import (
    flatten,
    from_array,
    from_linear,
    standard,
    strip,
    to_linear,
    to_profile,
    to_srgb,
    upright,
)
from foveola.transform.load import load, read
from tests.drawn import animation, drawn, picture

P3, CMYK, SGREY = (bytes(pyvips.Operation.call("profile_load", name)) for name in ("p3", "cmyk", "sgrey"))


Array = NDArray[Any]


def by_pillow(pixels: Array | Image.Image, profile: bytes) -> Array:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    own, srgb = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, own, srgb, ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB")
    assert converted is not None
    return np.asarray(converted)


def test_a_profile_is_applied_and_dropped() -> None:
    before = drawn()
    after = to_picture(to_srgb(from_array(before, P3)))

    assert after.icc is None
    assert np.abs(after.frames[0].astype(int) - by_pillow(before, P3)).max() <= 1
    assert np.abs(after.frames[0].astype(int) - before).mean() > 1


def test_a_profile_leaves_alpha_alone() -> None:
    before = drawn(channels=4)
    after = to_picture(to_srgb(from_array(before, P3))).frames[0]

    assert np.array_equal(after[..., 3], before[..., 3])
    assert np.abs(after[..., :3].astype(int) - by_pillow(before[..., :3], P3)).max() <= 1


def test_a_profile_is_applied_in_sixteen_bits() -> None:
    before = drawn(bits=16)
    after = to_picture(to_srgb(from_array(before, P3))).frames[0]

    assert after.dtype == np.uint16
    assert np.abs((after >> 8).astype(int) - by_pillow((before >> 8).astype(np.uint8), P3)).max() <= 3


def test_grey_with_a_profile_stays_grey() -> None:
    before = drawn(channels=1)
    after = to_picture(to_srgb(from_array(before, SGREY)))

    assert after.icc is None
    assert after.channels == 1
    assert np.abs(after.frames[0].astype(int) - before).max() <= 1


@pytest.mark.parametrize("profile", [b"junk" * 40, b"", CMYK, SGREY], ids=["junk", "none", "cmyk", "grey"])
def test_a_profile_that_does_not_fit_is_dropped(profile: bytes) -> None:
    before = drawn()
    after = to_picture(to_srgb(from_array(before, profile)))

    assert after.icc is None
    assert np.array_equal(after.frames[0], before)


@given(st.lists(st.tuples(st.integers(0, len(P3) - 1), st.integers(0, 255)), max_size=10), st.sampled_from([1, 3, 4]))
def test_a_damaged_profile_never_spoils_a_picture(changes: list[tuple[int, int]], count: int) -> None:
    profile = bytearray(P3)
    for place, value in changes:
        profile[place] = value
    shown = to_picture(to_srgb(from_array(drawn(6, 6, count), bytes(profile))))

    assert shown.icc is None
    assert shown.channels == count


def test_the_srgb_of_hewlett_packard_is_dropped_without_arithmetic() -> None:
    head = bytearray(128)
    head[8:12], head[48:56], head[80:84] = b"\2\x10\0\0", b"IEC sRGB", b"HP  "
    image = from_array(drawn(), bytes(head))

    assert np.array_equal(to_picture(to_srgb(image)).frames[0], drawn())


def test_cmyk_is_converted_by_its_own_profile() -> None:
    file = BytesIO()
    before = Image.fromarray(drawn()).convert("CMYK")
    before.save(file, "TIFF", icc_profile=CMYK)
    shown = read(file.getvalue())

    assert shown.icc is None
    assert np.abs(shown.frames[0].astype(int) - by_pillow(before, CMYK)).mean() < 2


def test_grey_with_alpha_becomes_rgb_with_alpha() -> None:
    pixels = drawn(channels=4)[..., 2:]
    data = np.ascontiguousarray(pixels)
    image = pyvips.Image.new_from_memory(data, 56, 40, 2, "uchar").copy(interpretation="b-w")
    shown = to_picture(channels(image)).frames[0]

    assert np.array_equal(shown, pixels[..., [0, 0, 0, 1]])


def test_channels_after_the_fourth_are_left_out() -> None:
    image = from_array(drawn(channels=4)).bandjoin([7, 8])

    assert np.array_equal(to_picture(channels(image)).frames[0], drawn(channels=4))


def test_a_colour_space_without_a_way_to_srgb_is_refused() -> None:
    five = from_array(drawn()).bandjoin([1, 2]).copy(interpretation="multiband")
    with pytest.raises(ImageError, match="Expected grey, RGB or CMYK, got multiband"):
        channels(five)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_eight_bits_are_the_high_byte(count: int) -> None:
    deep = drawn(channels=count, bits=16)

    assert np.array_equal(to_picture(eight_bits(from_array(deep))).frames[0], deep >> 8)


@pytest.mark.parametrize("bits", [8, 16])
def test_alpha_is_laid_on_a_colour(bits: int) -> None:
    before = drawn(channels=4, bits=bits)
    most = 2**bits - 1
    after = to_picture(flatten(from_array(before), (255, 128, 0))).frames[0]
    alpha = before[..., 3:] / most
    ground = np.array([255, 128, 0]) * (most // 255)

    assert after.shape[2] == 3
    assert np.abs(after - (before[..., :3] * alpha + ground * (1 - alpha))).max() <= 1


def test_the_ground_is_white_and_pictures_without_alpha_stay() -> None:
    clear = np.zeros((4, 4, 4), np.uint8)

    assert to_picture(flatten(from_array(clear))).frames.min() == 255
    assert np.array_equal(to_picture(flatten(from_array(drawn()))).frames[0], drawn())


def grey_with_alpha(bits: int = 8) -> pyvips.Image:
    """Return a grey of 100 or 25700 that falls from opaque to clear."""
    most = 2**bits - 1
    pixels = np.full((1, 6, 2), 100 * (most // 255), np.uint8 if bits == 8 else np.uint16)
    pixels[0, :, 1] = np.linspace(most, 0, 6)
    image = pyvips.Image.new_from_memory(pixels, 6, 1, 2, "uchar" if bits == 8 else "ushort")
    return image.copy(interpretation="b-w" if bits == 8 else "grey16")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("background", "bands", "ends"), [((0, 0, 0), 1, [0]), ((200, 200, 200), 1, [200]), ((255, 0, 9), 3, [255, 0, 9])]
)
def test_grey_stays_grey_on_grey_and_becomes_rgb_on_a_colour(
    bits: int, background: tuple[int, int, int], bands: int, ends: list[int]
) -> None:
    after = flatten(grey_with_alpha(bits), background)
    shown = to_picture(after).frames[0]

    assert after.bands == bands
    assert shown[0, 0].tolist() == [100 * (257 if bits == 16 else 1)] * bands
    assert shown[0, 5].tolist() == [end * (257 if bits == 16 else 1) for end in ends]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.999])
def test_a_translucent_background_is_composited_below(bits: int, share: float) -> None:
    before = drawn(channels=4, bits=bits)
    before[0, 0], before[0, 1, 3] = 0, 2**bits - 1
    most = 2**bits - 1
    after = to_picture(flatten(from_array(before), (255, 128, 0), share)).frames[0]
    own = before[..., 3:] / most
    whole = own + share * (1 - own)
    weighed = before[..., :3] * own + np.array([255, 128, 0]) * (most // 255) * share * (1 - own)
    expected = np.divide(weighed, whole, out=np.zeros_like(weighed), where=whole > 0)

    assert after.shape[2] == 4
    assert np.abs(after[..., 3:] - whole * most).max() <= 0.51
    assert np.abs(after[..., :3] - expected).max() <= (0.51 if bits == 8 else 1)
    assert np.array_equal(after[0, 1], before[0, 1])


def test_a_picture_without_alpha_has_no_background() -> None:
    assert np.array_equal(to_picture(flatten(from_array(drawn()), (1, 2, 3), 0.5)).frames[0], drawn())


def test_a_grey_with_alpha_on_a_translucent_grey_stays_one() -> None:
    after = flatten(grey_with_alpha(), (0, 0, 0), 0.5)

    assert (after.bands, after.interpretation) == (2, "b-w")
    assert after.getpoint(5, 0) == [0, 128]
    assert after.getpoint(0, 0) == [100, 255]


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", [(40, 56), (1, 1)])
def test_levels_come_back_from_light_unchanged(count: int, bits: int, shape: tuple[int, int]) -> None:
    before = drawn(*shape, count, bits)
    light = to_linear(from_array(before))
    after = from_linear(light, deep=bits == 16)

    assert (light.bands, light.format) == (count, "float")
    assert after.interpretation == from_array(before).interpretation
    assert np.abs(to_picture(after).frames[0].astype(int) - before).max() <= (0 if bits == 8 else 2)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_resizing_in_light_mixes_black_and_white_to_188(count: int) -> None:
    before = np.zeros((4, 4, count), np.uint8)
    before[:, ::2] = 255
    if count == 4:
        before[..., 3] = 128
    light = to_linear(from_array(before))
    after = to_picture(from_linear(light.shrink(2, 2))).frames[0]

    assert set(np.unique(after[..., : min(count, 3)])) == {188}  # half the light
    assert count < 4 or set(np.unique(after[..., 3])) == {128}


def test_light_outside_of_srgb_is_cut_off() -> None:
    for count in (1, 3):
        light = to_linear(from_array(np.full((2, 2, count), 128, np.uint8)))
        bounds = [to_picture(from_linear(light * 0 + value)).frames.ravel()[0] for value in (-0.5, 7)]

        assert bounds == [0, 255]


def test_a_profile_is_applied_before_light_is_counted() -> None:
    plain = to_picture(to_srgb(from_array(drawn(), P3))).frames[0]
    after = to_picture(from_linear(to_linear(from_array(drawn(), P3))))

    assert after.icc is None
    assert np.abs(after.frames[0].astype(int) - plain).max() <= 1


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("count", "profile"), [(3, P3), (4, P3), (1, SGREY)])
def test_colours_come_back_into_their_profile(bits: int, count: int, profile: bytes) -> None:
    most = 2**bits - 1
    before = (most // 4 + drawn(channels=count, bits=bits) // 3).astype(np.uint8 if bits == 8 else np.uint16)
    back = to_picture(to_profile(to_srgb(from_array(before, profile)), profile))

    assert back.icc == profile
    assert back.frames.dtype == before.dtype
    assert np.abs(back.frames[0].astype(int) - before).max() <= (2 if bits == 8 else 60)


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("profile", [CMYK, b"", b"junk" * 40, P3[:200]], ids=["cmyk", "none", "junk", "cut"])
def test_a_profile_that_does_not_fit_is_not_embedded(count: int, profile: bytes) -> None:
    after = to_picture(to_profile(from_array(drawn(channels=count)), profile))

    assert after.icc is None
    assert np.array_equal(after.frames[0], drawn(channels=count))


def test_animations_are_not_turned() -> None:
    image = from_picture(animation())
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)

    assert upright(image).height == 120


def test_stripping_leaves_no_metadata_but_what_is_kept() -> None:
    given = picture(icc=P3, xmp=b"<x/>", dpi=300.0)
    image = load(codec("png").encode(given, 80, PngSettings()))

    bare, kept = strip(image), strip(image, keep=("icc-profile-data",))
    assert to_picture(image).icc == to_picture(kept).icc == P3
    assert (to_picture(bare).icc, to_picture(bare).xmp, to_picture(kept).xmp) == (None, None, None)
    assert to_picture(bare).dpi == pytest.approx(72)


def test_a_standard_picture_carries_nothing_of_its_source_into_a_file() -> None:
    exif = Image.Exif()
    exif[0x8298] = "somebody"
    file = BytesIO()
    Image.fromarray(drawn()).save(file, "JPEG", exif=exif.tobytes(), comment=b"made at home", icc_profile=P3)
    data = codec("jpeg").save(standard(load(file.getvalue())), 80, JpegSettings())

    for word in (b"somebody", b"made at home", b"ICC_PROFILE", b"Exif"):
        assert word in file.getvalue()
        assert word not in data


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (4, 4, 3), (4, 4, 4)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_an_array_goes_in_and_out_unchanged(shape: tuple[int, ...], kind: type) -> None:
    pixels: Array = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    back = to_picture(from_array(pixels)).frames[0]

    assert back.dtype == kind
    assert np.array_equal(back.reshape(shape), pixels)


def test_an_array_that_is_not_contiguous_is_taken_too() -> None:
    assert np.array_equal(to_picture(from_array(drawn()[::-1, ::2])).frames[0], drawn()[::-1, ::2])


@pytest.mark.parametrize(("shape", "kind"), [((4, 4), "f4"), ((4,), "u1"), ((4, 4, 2), "u1"), ((1, 4, 4, 3), "u1")])
def test_other_arrays_are_refused(shape: tuple[int, ...], kind: str) -> None:
    with pytest.raises(ArgumentError, match="Expected an array"):
        from_array(np.zeros(shape, kind))


@pytest.mark.parametrize("count", [1, 3, 4])
def test_an_animation_goes_through_libvips_unchanged(count: int) -> None:
    before = animation(count)
    after = to_picture(from_picture(before))

    assert np.array_equal(after.frames, before.frames)
    assert (after.delays, after.loop) == (before.delays, before.loop)


def test_an_image_of_floats_is_no_picture() -> None:
    with pytest.raises(ArgumentError, match="of 8 or 16 bit"):
        to_picture(from_array(drawn()) * 0.5)
