"""What is told of a file: values of pictures whose pixels are known, in the order and the form of imgproxy."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from click.testing import CliRunner
from PIL import Image

import foveola.codecs
from foveola.cli import main
from foveola.codecs import codec
from foveola.errors import ImageError
from foveola.info import facts, tell
from foveola.info.colours import TARGETS, dominant, palette
from foveola.info.options import InfoOptions
from foveola.info.pixels import Pixels, decode
from foveola.options.values import Crop, Gravity
from foveola.picture import FORMATS, Limits
from foveola.samples import landscape
from foveola.settings import make_settings
from tests.drawn import picture
from tests.infofiles import DOTS, PACKET, captioned, exif_block, file, flat, halves, record, resource

RED, BLUE, CLEAR = (200, 10, 20), (20, 30, 220), (0, 255, 0, 0)
EVERYTHING: dict[str, Any] = {
    **dict.fromkeys(("colorspace", "bands", "sample_format", "pages_number", "alpha", "check_transparency"), True),
    **dict.fromkeys(("average", "dominant_colors", "thumb_hash", "perceptual_hash"), True),
    "crop": Crop(0.5, 0.5),
    "palette": 4,
    "blurhash": (4, 3),
    "calc_hashsums": ("md5", "sha512"),
}
ORDER = [
    *("size", "format", "mime_type", "width", "height", "orientation", "exif", "iptc", "photoshop", "xmp"),
    *("colorspace", "bands", "sample_format", "pages_number", "alpha", "crop", "palette", "average"),
    *("dominant_colors", "blurhash", "thumb_hash", "perceptual_hash", "hashsums"),
]


def told(data: bytes, limits: Limits = Limits(), **asked: Any) -> dict[str, Any]:  # noqa: B008  # frozen
    return tell(data, InfoOptions(**asked), limits)


def colour(red: int, green: int, blue: int, alpha: int | None = 255) -> dict[str, int]:
    return {"R": red, "G": green, "B": blue} | ({} if alpha is None else {"A": alpha})


DRAWING = b"""<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">
<rect width="40" height="20" fill="red"/></svg>"""


def near(one: dict[str, int], other: tuple[int, ...], by: int = 3) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one.values(), other, strict=False))


# The file and its header


def test_everything_stands_in_the_order_of_the_documentation() -> None:
    data = file(flat((8, 6), RED), "JPEG", exif=exif_block().tobytes(), xmp=PACKET.encode())
    data = captioned(data, resource(0x0404, record((2, 5, b"x"))), resource(0x03ED, DOTS))

    found = told(data, **EVERYTHING)

    assert list(found) == ORDER
    assert json.loads(json.dumps(found)) == found


def test_nothing_that_is_switched_off_is_told() -> None:
    off: dict[str, Any] = dict.fromkeys(("size", "format", "dimensions", "exif", "iptc", "xmp"), False)

    assert told(file(flat((8, 6), RED), "JPEG", exif=exif_block().tobytes()), **off) == {}


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif", "jxl", "tiff", "png", "gif", "bmp", "ico"])
def test_every_format_says_its_name_and_size(name: str) -> None:
    data = codec(name).encode(picture(40, 56), 80, make_settings(name, {}))

    found = told(data, bands=True, sample_format=True, colorspace=True, pages_number=True)

    assert found["size"] == len(data)
    assert (found["format"], found["mime_type"]) == (name, FORMATS[name].mime)
    assert (found["width"], found["height"], found["orientation"]) == (56, 40, 1)
    assert found["bands"] == (4 if name == "ico" else 3)
    assert (found["sample_format"], found["colorspace"], found["pages_number"]) == ("uchar", "srgb", 1)


@pytest.mark.parametrize("name", ["heic", "svg"])
def test_formats_that_are_only_read_are_told_of(name: str) -> None:
    heic = Path(foveola.codecs.__file__).parent / "card.heic"
    data = heic.read_bytes() if name == "heic" else DRAWING

    found = told(data, average=True, palette=2, alpha=True)

    assert (found["format"], found["mime_type"]) == (name, FORMATS[name].mime)
    assert found["width"] > 0
    if name == "svg":
        assert (found["width"], found["height"]) == (40, 20)
        assert found["average"] == colour(255, 0, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_dimensions_are_those_of_the_upright_picture(orientation: int) -> None:
    block = Image.Exif()
    block[0x0112] = orientation
    found = told(file(flat((30, 20), RED), "JPEG", exif=block.tobytes()))

    assert (found["width"], found["height"]) == ((30, 20) if orientation < 5 else (20, 30))
    assert found["orientation"] == orientation


@pytest.mark.parametrize(
    ("mode", "format", "space", "bands", "sample"),
    [
        ("L", "PNG", "b-w", 1, "uchar"),
        ("LA", "PNG", "b-w", 2, "uchar"),
        ("RGB", "PNG", "srgb", 3, "uchar"),
        ("RGBA", "PNG", "srgb", 4, "uchar"),
        ("I;16", "PNG", "grey16", 1, "ushort"),
        ("CMYK", "JPEG", "cmyk", 4, "uchar"),
        ("F", "TIFF", "b-w", 1, "float"),
        ("L", "JXL", "b-w", 1, "uchar"),
        ("RGBA", "JXL", "srgb", 4, "uchar"),
    ],
)
def test_the_header_says_how_pixels_are_stored(mode: str, format: str, space: str, bands: int, sample: str) -> None:
    found = told(file(Image.new(mode, (8, 6)), format), colorspace=True, bands=True, sample_format=True)

    assert (found["colorspace"], found["bands"], found["sample_format"]) == (space, bands, sample)


def test_16_bits_are_told_and_their_colours_are_those_of_8() -> None:
    deep = np.full((6, 8, 3), (0x8000, 0x4000, 0xFFFF), np.uint16)
    data = pyvips.Image.new_from_array(deep, interpretation="rgb16").pngsave_buffer()

    found = told(data, colorspace=True, sample_format=True, average=True, palette=2)

    assert (found["colorspace"], found["sample_format"]) == ("rgb16", "ushort")
    assert found["average"] == colour(128, 64, 255)
    assert found["palette"] == [colour(128, 64, 255)]


def test_the_facts_of_the_header_decode_no_pixel() -> None:
    """The pixels of this file are not there: whoever touches one fails."""
    data = file(landscape((64, 48)), "PNG")
    broken = data[:60]

    asked: dict[str, Any] = dict.fromkeys(("colorspace", "bands", "sample_format", "pages_number", "alpha"), True)
    assert told(broken, **asked)["width"] == 64
    with pytest.raises(ImageError) as raised:
        told(broken, average=True)
    assert raised.value.status == 422


def test_pixels_are_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Pixels] = []

    def counted(*given: Any) -> Pixels:
        calls.append(decode(*given))
        return calls[-1]

    monkeypatch.setattr(facts, "decode", counted)

    told(file(landscape((64, 48)), "JPEG"), **EVERYTHING)

    assert len(calls) == 1


# Frames and pages


def frames(*colours: tuple[int, ...], format: str = "GIF", **options: Any) -> bytes:
    first, *others = [flat((30, 20), c) for c in colours]
    return file(first, format, save_all=True, append_images=others, **options)


@pytest.mark.parametrize(("format", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("TIFF", {})])
@pytest.mark.parametrize("page", [0, 1])
def test_a_frame_is_looked_at_by_its_number(format: str, options: dict[str, Any], page: int) -> None:
    data = frames(RED, BLUE, format=format, **options)

    found = told(data, page=page, pages_number=True, average=True)

    assert (found["width"], found["height"], found["pages_number"]) == (30, 20, 2)
    assert found["average"] == colour(*(RED, BLUE)[page])


def test_a_page_of_another_size_has_its_own_dimensions() -> None:
    data = file(flat((30, 20), RED), "TIFF", save_all=True, append_images=[flat((7, 9), BLUE)])

    assert [told(data, page=page)["width"] for page in (0, 1)] == [30, 7]


def test_a_page_that_is_not_there_is_refused() -> None:
    with pytest.raises(ImageError):
        told(frames(RED, BLUE), page=2)


# Alpha


@pytest.mark.parametrize(
    ("image", "channel", "seen"),
    [
        (flat((300, 200), RED), False, False),
        (flat((300, 200), (*RED, 255)), True, False),
        (halves((300, 200), (*RED, 255), (*RED, 254)), True, True),
    ],
)
def test_alpha_says_the_channel_and_whether_it_is_used(image: Image.Image, channel: bool, seen: bool) -> None:
    data = file(image)

    assert told(data, alpha=True)["alpha"] == {"alpha": channel}
    assert told(data, alpha=True, check_transparency=True)["alpha"] == {"alpha": channel, "transparency": seen}


def test_one_transparent_pixel_of_a_large_picture_counts() -> None:
    image = flat((1000, 800), (*RED, 255))
    image.putpixel((777, 333), (*RED, 254))

    assert told(file(image), alpha=True, check_transparency=True)["alpha"]["transparency"]


# Colours


@pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("JPEG", {"quality": 100, "subsampling": 0})])
@pytest.mark.parametrize("size", [(8, 6), (400, 300), (3000, 40)])
def test_a_picture_of_one_colour_is_that_colour(format: str, options: dict[str, Any], size: tuple[int, int]) -> None:
    found = told(file(flat(size, RED), format, **options), average=True, palette=8)

    assert near(found["average"], RED, 1)
    assert len(found["palette"]) == 1
    assert near(found["palette"][0], RED, 1)


def test_cmyk_is_told_as_it_is_seen() -> None:
    data = file(Image.new("CMYK", (30, 20), (0, 255, 255, 0)), "JPEG", quality=100)

    red = told(data, average=True)["average"]
    assert red["R"] > 180
    assert red["G"] < 80
    assert red["B"] < 80


def test_the_average_is_that_of_the_pixels() -> None:
    image = halves((400, 300), RED, BLUE)

    assert near(told(file(image), average=True)["average"], (110, 20, 120), 1)
    assert told(file(landscape((97, 61))), average=True)["average"] == colour(
        *np.asarray(landscape((97, 61))).mean((0, 1)).round().astype(int).tolist()
    )


def test_the_average_leaves_out_what_is_quite_transparent() -> None:
    data = file(halves((40, 30), (*RED, 255), CLEAR))

    assert told(data, average=True)["average"] == colour(*RED)
    assert told(data, average=True, ignore_transparent=False)["average"] == colour(100, 133, 10, 128)


def test_an_average_of_nothing_is_nothing() -> None:
    assert told(file(flat((4, 4), CLEAR)), average=True)["average"] == colour(0, 0, 0, 0)


def test_a_palette_has_the_very_colours_of_a_drawing_the_most_frequent_first() -> None:
    image = flat((600, 400), RED)
    image.paste(BLUE, (0, 0, 200, 400))
    image.paste((250, 240, 10), (0, 0, 100, 100))

    assert told(file(image), palette=3)["palette"] == [colour(*RED), colour(*BLUE), colour(250, 240, 10)]


def test_a_palette_knows_alpha() -> None:
    data = file(halves((40, 30), (*RED, 255), (*BLUE, 100)))

    assert sorted(told(data, palette=2)["palette"], key=lambda c: c["R"]) == [colour(*BLUE, 100), colour(*RED)]


def test_what_is_not_seen_is_one_colour_of_a_palette() -> None:
    pixels = np.zeros((10, 10, 4), np.uint8)
    pixels[..., :3] = np.random.default_rng(3).integers(0, 256, (10, 10, 3))
    pixels[:3] = (*RED, 255)

    assert told(file(Image.fromarray(pixels)), palette=2)["palette"] == [colour(0, 0, 0, 0), colour(*RED)]


@pytest.mark.parametrize("most", [2, 16, 256])
def test_a_palette_stands_for_all_pixels_no_worse_than_pillow_does(most: int) -> None:
    image = landscape((96, 64))
    pixels = np.asarray(image.convert("RGBA"))
    found = palette(pixels, most)
    errors = np.linalg.norm(pixels.reshape(-1, 1, 4) - np.array([c for c, _ in found], float), axis=2).min(1)
    pillow = np.asarray(image.quantize(most, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGBA"))

    assert len(found) <= most
    assert len({c for c, _ in found}) == len(found)
    assert sum(count for _, count in found) == 96 * 64
    assert errors.mean() <= 1.02 * np.linalg.norm(pixels - pillow.astype(float), axis=2).mean()


def swatch(name: str) -> tuple[int, int, int]:
    """Return a colour that is exactly what a target wants."""
    import colorsys

    target = TARGETS[name]
    red, green, blue = (
        round(255 * part) for part in colorsys.hls_to_rgb(0.6, target.light[1], target.saturation[1] * 0.95)
    )
    return red, green, blue


def striped(*names: str) -> Image.Image:
    image = flat((20 * len(names), 20), (0, 0, 0))
    for place, name in enumerate(names):
        image.paste(swatch(name), (20 * place, 0, 20 * place + 20, 20))
    return image


def test_dominant_colours_are_told_by_name() -> None:
    found = told(file(striped(*TARGETS)), dominant_colors=True)["dominant_colors"]

    assert found == {name: colour(*swatch(name), alpha=None) for name in sorted(TARGETS)}


@pytest.mark.parametrize("name", TARGETS)
def test_dominant_colours_that_are_not_there_are_built_where_that_is_asked(name: str) -> None:
    data = file(striped(name))

    found = told(data, dominant_colors=True)["dominant_colors"]
    built = told(data, dominant_colors=True, build_missed=True)["dominant_colors"]

    assert found == {name: colour(*swatch(name), alpha=None)}
    assert list(built) == sorted(TARGETS)
    assert built[name] == found[name]
    for other, row in built.items():
        light = (max(row.values()) + min(row.values())) / 510
        assert TARGETS[other].light[0] - 0.01 <= light <= TARGETS[other].light[2] + 0.01
        assert row["B"] > row["R"]  # the hue of what was found


@pytest.mark.parametrize("shade", [(0, 0, 0), (255, 255, 255), (*RED, 0)])
def test_black_white_and_nothing_do_not_dominate(shade: tuple[int, ...]) -> None:
    data = file(flat((20, 20), shade))

    assert told(data, dominant_colors=True, build_missed=True)["dominant_colors"] == {}


def test_a_colour_dominates_once() -> None:
    found = dominant(np.asarray(striped("vibrant", "muted").convert("RGBA")).copy(), build=False)

    assert len(set(found.values())) == len(found) == 2


# Hashes, digests, crops


@pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("JPEG", {"quality": 90}), ("WEBP", {"quality": 90})])
@pytest.mark.parametrize("size", [(100, 80), (900, 720)])
def test_alike_pictures_have_alike_hashes(format: str, options: dict[str, Any], size: tuple[int, int]) -> None:
    """Whatever the format and the size: the picture is the same."""
    asked: dict[str, Any] = {"perceptual_hash": True, "thumb_hash": True, "blurhash": (4, 3)}
    one = told(file(landscape((300, 240))), **asked)
    two = told(file(landscape((300, 240)).resize(size), format, **options), **asked)
    other = told(file(landscape((300, 240)).rotate(180)), **asked)

    def distance(a: str, b: str) -> int:
        return (int(a, 16) ^ int(b, 16)).bit_count()

    assert distance(one["perceptual_hash"], two["perceptual_hash"]) <= 4
    assert distance(one["perceptual_hash"], other["perceptual_hash"]) >= 16
    assert distance(one["thumb_hash"], two["thumb_hash"]) <= 24
    assert len(one["blurhash"]) == len(two["blurhash"]) == 4 + 2 * 12
    assert sum(a == b for a, b in zip(one["blurhash"], two["blurhash"], strict=True)) >= 16
    assert one["thumb_hash"] == one["thumb_hash"].upper()


def test_a_blurhash_is_made_of_the_picture_on_white() -> None:
    clear, white = (told(file(flat((9, 9), c)), blurhash=(1, 1))["blurhash"] for c in (CLEAR, (255, 255, 255)))

    assert clear == white == "00TSUA"


def test_a_blurhash_without_components_is_none() -> None:
    assert "blurhash" not in told(file(flat((9, 9), RED)), blurhash=(4, 0))


def test_hashes_are_those_of_the_upright_picture() -> None:
    image = landscape((64, 48))
    block = Image.Exif()
    block[0x0112] = 6
    lying = file(image.transpose(Image.Transpose.ROTATE_90), "PNG", exif=block.tobytes())
    asked: dict[str, Any] = {"thumb_hash": True, "perceptual_hash": True, "blurhash": (4, 3), "exif": False}

    assert told(lying, **asked) | {"size": 0, "orientation": 1} == told(file(image), **asked) | {"size": 0}


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256", "sha512"])
def test_digests_are_those_of_the_file(kind: str) -> None:
    data = file(flat((9, 9), RED))
    digest = hashlib.new(kind, data).hexdigest()

    assert told(data, calc_hashsums=(kind,))["hashsums"] == {kind: digest}
    assert told(data, hashsum=(kind, digest))["size"] == len(data)
    with pytest.raises(ImageError) as raised:
        told(data + b"\0", hashsum=(kind, digest))
    assert raised.value.status == 422


@pytest.mark.parametrize(
    ("crop", "left", "top", "width", "height"),
    [
        (Crop(100, 50), 50, 26, 100, 50),
        (Crop(0.5, 0.5), 50, 26, 100, 50),
        (Crop(99.9, 1), 51, 50, 99, 1),
        (Crop(500, 500), 0, 0, 200, 100),
        (Crop(100, 50, Gravity("nowe")), 0, 0, 100, 50),
        (Crop(100, 50, Gravity("soea", 10, 0.1)), 90, 40, 100, 50),
        (Crop(100, 50, Gravity("fp", 1, 0)), 100, 0, 100, 50),
        (Crop(100, 50, Gravity("no", 20, 5)), 70, 5, 100, 50),
    ],
)
def test_a_crop_is_told_in_shares(crop: Crop, left: int, top: int, width: int, height: int) -> None:
    """Where half a pixel is between two, the middle is where imgproxy has it."""
    found = told(file(flat((200, 100), RED)), crop=crop)["crop"]

    assert found == {"left": left / 200, "top": top / 100, "width": width / 200, "height": height / 100}


def test_a_crop_that_looks_finds_what_draws_attention() -> None:
    image = flat((800, 200), (120, 120, 120))
    image.paste(landscape((160, 160)), (600, 20))

    found = told(file(image), crop=Crop(200, 200, Gravity("sm")))["crop"]

    assert 0.6 < found["left"] <= 0.75
    assert (found["top"], found["width"], found["height"]) == (0, 0.25, 1)


def test_a_crop_of_a_side_of_nothing_is_not_told() -> None:
    assert "crop" not in told(file(flat((20, 10), RED)), crop=Crop(5, 0))


# Limits and broken files


def test_limits_are_judged_before_pixels() -> None:
    data = file(flat((200, 100), RED))

    for refused in (Limits(pixels=19_999), Limits(side=199)):
        with pytest.raises(ImageError) as raised:
            told(data[:60], refused)
        assert raised.value.status == 422
    assert told(data, Limits(pixels=20_000))["width"] == 200


def test_options_may_change_limits() -> None:
    data = file(flat((200, 100), RED))

    assert told(data, Limits(pixels=1), max_src_resolution=0.02)["width"] == 200
    assert told(data, Limits(pixels=1), max_src_resolution=0.0)["width"] == 200
    with pytest.raises(ImageError):
        told(data, max_src_resolution=0.0199)
    with pytest.raises(ImageError):
        told(data, max_src_file_size=len(data) - 1)


def test_a_page_is_judged_by_its_own_size() -> None:
    data = file(flat((30, 20), RED), "TIFF", save_all=True, append_images=[flat((300, 200), BLUE)])

    with pytest.raises(ImageError):
        told(data, Limits(pixels=1000), page=1)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "JXL", "BMP", "ICO"])
def test_a_file_that_breaks_off_is_told_of_or_refused(format: str) -> None:
    """Never anything but an answer or a 422, wherever it breaks off."""
    data = file(landscape((64, 48)), format)

    for cut in sorted({0, 1, 10, 30, *range(0, len(data), max(len(data) // 12, 1))}):
        try:
            told(data[:cut], **EVERYTHING)
        except ImageError as error:
            assert error.status == 422  # noqa: PT017  # both outcomes are right


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7", b"\xff\xd8\xff", b"<html>"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError) as raised:
        told(data)
    assert raised.value.status == 422


# The command


def test_the_command_prints_what_the_server_answers(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(file(halves((40, 30), RED, BLUE)))

    result = CliRunner().invoke(main, ["info", str(path), "--json", "-o", "palette:2", "-o", "alpha", "-o", "exif:0"])

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == told(path.read_bytes(), palette=2, alpha=True)


def test_the_command_prints_a_table_for_people(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(file(flat((40, 30), RED), "JPEG", exif=exif_block().tobytes(), quality=100, subsampling=0))

    result = CliRunner().invoke(main, ["info", str(path), "-o", "palette:2", "-o", "a:1:1", "-o", "avg"])
    rows = dict(line.split("  ", 1) for line in result.stdout.splitlines())
    said = {name: value.strip() for name, value in rows.items()}

    assert said["format"] == "jpeg"
    assert said["exif.Aperture"] == "8.00 EV (f/16.0)"
    assert said["alpha.transparency"] == "no"
    assert said["palette"] == said["average"]
    assert said["average"].startswith("#c")


@pytest.mark.parametrize(("option", "status"), [("palette:1", 2), ("classify:1", 2), ("nonsense:1", 2), ("msr:1", 0)])
def test_the_command_refuses_what_can_not_be_read(option: str, status: int, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(file(flat((40, 30), RED)))

    assert CliRunner().invoke(main, ["info", str(path), "-o", option]).exit_code == status
