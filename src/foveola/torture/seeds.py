"""Sound little files of every format, which the families damage; made by code, each once."""

from __future__ import annotations

import io
from functools import cache
from importlib.resources import files
from random import Random

import numpy as np
from PIL import Image

from foveola.codecs import codec
from foveola.picture import Picture
from foveola.settings import JxlSettings

SUFFIXES = ("jpg", "png", "gif", "webp", "avif", "tiff", "bmp", "ico", "jxl", "heic")
MODES = {
    "jpg": ("RGB", "L", "CMYK"),
    "png": ("RGB", "L", "LA", "RGBA", "P", "1", "I;16"),
    "gif": ("P", "L"),
    "webp": ("RGB", "RGBA"),
    "avif": ("RGB", "RGBA"),
    "tiff": ("RGB", "L", "LA", "RGBA", "CMYK", "1", "P", "F", "I", "LAB", "I;16"),
    "bmp": ("RGB", "L", "P", "1", "RGBA"),
    "ico": ("RGBA",),
    "jxl": ("RGB",),
    "heic": ("RGB",),
}
_FORMATS = {"jpg": "JPEG"}


def pixels(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    """Return a picture of slopes and noise in a mode of Pillow's."""
    random = np.random.default_rng(7)
    slopes = np.add.outer(np.arange(size[1]) * 3, np.arange(size[0]) * 2)[..., None] + np.array([0, 40, 90, 120])
    noisy = ((slopes + random.integers(0, 40, slopes.shape)) % 256).astype(np.uint8)
    colour = Image.fromarray(noisy[..., :3])
    if mode == "RGBA":
        return Image.fromarray(noisy)
    if mode == "I;16":
        return Image.fromarray(noisy[..., 0].astype(np.uint16) * 257)
    if mode == "LAB":
        return Image.frombytes("LAB", size, colour.tobytes())
    return colour.convert(mode)


@cache
def sound(suffix: str, mode: str = "RGB", *, frames: int = 1, progressive: bool = False) -> bytes:
    """Return a file that is whole.

    Args:
        suffix: one of `SUFFIXES`.
        mode: one of `MODES[suffix]`.
        frames: of an animation, a TIFF or an AVIF sequence.
        progressive: of a JPEG.
    """
    if suffix == "heic":
        return files("foveola.codecs").joinpath("card.heic").read_bytes()
    picture = pixels(mode)
    if suffix == "jxl":
        return codec("jxl").encode(Picture(np.asarray(picture)[None]), 60, JxlSettings())
    said: dict[str, object] = {"progressive": True} if progressive else {}
    if frames > 1:
        turned = [picture.rotate(15 * n) for n in range(1, frames)]
        said |= {"save_all": True, "append_images": turned, "duration": 50}
    file = io.BytesIO()
    picture.save(file, _FORMATS.get(suffix, suffix.upper()), **said)
    return file.getvalue()


def any_sound(random: Random) -> tuple[str, bytes]:
    """Return the suffix and the bytes of a sound file: of any format, mode and make."""
    suffix = random.choice(SUFFIXES)
    frames = random.choice((1, 1, 4)) if suffix in ("png", "gif", "webp", "avif", "tiff") else 1
    mode = random.choice(MODES[suffix]) if frames == 1 else MODES[suffix][0]
    return suffix, sound(suffix, mode, frames=frames, progressive=suffix == "jpg" and random.random() < 0.5)
