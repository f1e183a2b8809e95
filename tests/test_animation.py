"""Animations: every frame as a browser shows it, with its time, and written so that others show the same."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from foveola.codecs import codec, vips
from foveola.picture import Limits, Picture
from foveola.settings import SETTINGS, WebpSettings
from foveola.transform.load import header_of, load, read
from tests.drawn import animation

HEIGHT, WIDTH, COUNT = 40, 56, 4
DELAYS = (40, 50, 60, 70)
Frames = NDArray[np.uint8]


def drawn(clear: bool = True) -> list[Image.Image]:
    """Return frames of a square that moves over a bar that grows."""
    frames = []
    for number in range(COUNT):
        pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        pixels[..., 3] = 0 if clear else 255
        pixels[5 + 3 * number : 20 + 3 * number, 5 + 4 * number : 30 + 4 * number] = (60 * number + 30, 150, 90, 255)
        pixels[30:35, 2 : 6 + 8 * number] = (255, 255, 0, 255)
        frames.append(Image.fromarray(pixels))
    return frames


def array(frames: list[Image.Image]) -> Frames:
    return np.stack([np.asarray(frame) for frame in frames])


def written(frames: list[Image.Image], format: str, **options: Any) -> bytes:
    file = BytesIO()
    frames[0].save(file, format, save_all=True, append_images=frames[1:], **{"duration": list(DELAYS)} | options)
    return file.getvalue()


def shown(data: bytes) -> tuple[Frames, list[int]]:
    """Return all frames and delays as Pillow shows them."""
    image, frames, delays = Image.open(BytesIO(data)), [], []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        frames.append(image.convert("RGBA"))
        delays.append(image.info["duration"])
    return array(frames), delays


def seen(frames: NDArray[Any]) -> NDArray[np.int64]:
    """Return frames as RGB with alpha, what is clear in one colour."""
    if frames.shape[3] == 3:
        frames = np.concatenate([frames, np.full((*frames.shape[:3], 1), 255)], axis=3)
    return np.where(frames[..., 3:] > 0, frames, 0).astype(np.int64)


@pytest.mark.parametrize("clear", [True, False], ids=["clear", "opaque"])
@pytest.mark.parametrize("disposal", [0, 1, 2, [1, 3, 3, 1], [2, 3, 1, 2], [1, 2, 3, 1]], ids=str)
def test_a_gif_is_laid_over_itself_as_its_disposal_says(disposal: Any, clear: bool) -> None:
    """Held to Pillow, but where a part is cleared: to nothing, as in browsers, not to the background that it names."""
    data = written(drawn(clear), "GIF", disposal=disposal)
    found, (others, delays) = seen(codec("gif").decode(data).frames), shown(data)
    cleared = found[..., 3] == 0

    assert codec("gif").decode(data).delays == tuple(delays) == DELAYS
    assert np.array_equal(found[~cleared], seen(others)[~cleared])
    if clear:
        assert np.array_equal(found, seen(others))
        assert np.array_equal(found, seen(array(drawn()))) == (disposal == 2)
    else:
        assert cleared.any() == (disposal == [1, 2, 3, 1])


def test_what_is_restored_before_the_first_frame_is_nothing() -> None:
    """The GIF specification knows no picture before it; Pillow keeps the first frame, browsers do not."""
    found = codec("gif").decode(written(drawn(clear=False), "GIF", disposal=3)).frames

    assert (found[0, ..., 3] == 255).all()
    assert (found[1, 0, 0] == (0, 0, 0, 0)).all()


@pytest.mark.parametrize("clear", [True, False], ids=["clear", "opaque"])
@pytest.mark.parametrize("options", [{}, {"minimize_size": True}, {"kmin": 1, "kmax": 2}], ids=str)
def test_a_webp_is_laid_over_itself_by_both_decoders(options: dict[str, Any], clear: bool) -> None:
    data = written(drawn(clear), "WEBP", lossless=True, loop=3, **options)
    ours, lazy = codec("webp").decode(data), vips.to_picture(load(data, frames=-1))

    for found in (ours, lazy):
        assert np.array_equal(seen(found.frames), seen(array(drawn(clear))))
        assert (found.delays, found.loop) == (DELAYS, 3)


@pytest.mark.parametrize(("name", "lossless"), [("gif", True), ("webp", True), ("webp", False)])
@pytest.mark.parametrize("clear", [True, False], ids=["clear", "opaque"])
def test_what_is_written_others_show_as_it_was(name: str, lossless: bool, clear: bool) -> None:
    frames = array(drawn(clear))[..., : 3 + clear]
    settings = WebpSettings(compression="lossless") if name == "webp" and lossless else SETTINGS[name]()
    data = codec(name).encode(Picture(frames, delays=DELAYS, loop=3), 95, settings)
    others, delays = shown(data)
    error = np.abs(seen(others) - seen(frames))

    assert header_of(data).frames == COUNT
    assert tuple(delays) == DELAYS
    assert np.array_equal(seen(others)[..., 3], seen(frames)[..., 3])
    assert (error.max() == 0) if lossless else (error.mean() < 3)


@pytest.mark.parametrize("loop", [0, 1, 2, 7])
@pytest.mark.parametrize(("name", "times"), [("gif", -1), ("webp", 0)])
def test_an_animation_is_played_as_often_as_before(name: str, times: int, loop: int) -> None:
    """A GIF counts how often it is repeated, and has no count where it is played once."""
    data = codec(name).encode(Picture(array(drawn()), delays=DELAYS, loop=loop), 80, SETTINGS[name]())
    said = Image.open(BytesIO(data)).info.get("loop")

    assert codec(name).decode(data).loop == loop
    assert said == (None if name == "gif" and loop == 1 else loop + times if loop else 0)


@pytest.mark.parametrize("name", ["gif", "webp"])
@pytest.mark.parametrize(("page", "frames"), [(0, 2), (1, 2), (2, -1), (0, -1), (3, 1)])
def test_frames_that_are_read_keep_their_times(name: str, page: int, frames: int) -> None:
    data = written(drawn(), name.upper(), lossless=True) if name == "webp" else written(drawn(), "GIF", disposal=2)
    picture = vips.to_picture(load(data, page=page, frames=frames))
    end = COUNT if frames < 0 else page + frames

    assert np.array_equal(seen(picture.frames), seen(array(drawn()))[page:end])
    assert picture.delays == (DELAYS[page:end] if frames != 1 else ())
    again = codec(name).decode(codec(name).save(load(data, page=page, frames=frames), 80, SETTINGS[name]()))
    assert again.delays == picture.delays


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "AVIF"])
def test_of_any_animation_the_first_frame_is_the_still_picture(name: str) -> None:
    lossless: dict[str, dict[str, Any]] = {
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
        "WEBP": {"lossless": True},
    }
    data = written(drawn(), name, **lossless.get(name, {}))
    still = read(data).frames

    assert header_of(data).pages == COUNT
    assert still.shape[0] == 1
    assert np.abs(seen(still)[..., :3] - seen(array(drawn()[:1]))[..., :3]).mean() < (0.5 if name == "AVIF" else 0.001)


@pytest.mark.parametrize("name", ["gif", "webp"])
def test_frames_over_the_limit_are_left_out_and_count_no_pixels(name: str) -> None:
    data = codec(name).encode(animation(), 80, SETTINGS[name]())
    two = read(data, frames=2, limits=Limits(pixels=2 * HEIGHT * WIDTH, frames=2))

    assert len(two.frames) == 2
    assert two.delays == (40, 50)


@pytest.mark.parametrize(("name", "delays", "kept"), [("gif", (0, 10, 25), (0, 10, 20)), ("webp", (0, 10, 25), None)])
def test_very_short_times_are_those_that_the_encoder_takes(
    name: str, delays: tuple[int, ...], kept: tuple[int, ...] | None
) -> None:
    """GIF counts in hundredths; libvips writes 100 ms into WebP for what browsers show for 100 ms."""
    data = codec(name).encode(Picture(animation().frames, delays=delays, loop=0), 80, SETTINGS[name]())

    assert codec(name).decode(data).delays == (kept or (100, 100, 25))
