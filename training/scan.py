"""Encode every picture of a folder at many qualities and write down DSSIM and bytes: the curves that all is fitted on.

    python -m training.scan FOLDER --out curves --codec webp                  # every distinct setting, by scikit-image
    python -m training.scan FOLDER --out curves --codec webp --grid --scale 0.8 --metric foveola
    python -m training.scan FOLDER --out curves --codec webp --grid --scale 0.8 --metric foveola --varied

One JSON file a picture and codec; what is there is not made again, so the command may be stopped and started at will.
With every distinct setting and scikit-image's SSIM the curves are the truth that `bench.truth` holds the search to;
on a grid of about 28 settings and with our own kernel they are what `training.calibrate` fits.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foveola.codecs import codec
from foveola.picture import Picture
from foveola.settings import BEST_JPEG, make_settings
from foveola.train.labelling import QUALITIES, SMALLER, distinct, recoloured

VARIANTS: dict[str, tuple[str, Any]] = {
    "jpeg": ("jpeg", make_settings("jpeg", {})),
    "jpeg-best": ("jpeg", BEST_JPEG),
    "webp": ("webp", make_settings("webp", {})),
    "avif": ("avif", make_settings("avif", {})),
    "jxl": ("jxl", make_settings("jxl", {})),
}
"""Codec and settings by the name of their curves."""

FEW = QUALITIES
"""Qualities that are enough to learn from."""
GRID = (1, 2, 3, 5, 8, 12, 16, 18, 19, 21, 26, 32, 38, 44, 50, 56, 62, 67, 71, 75, 78, 82, 86, 89, 90, 93, 96, 98, 100)
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class Curve:
    """What was seen of one picture in one codec; the three lists belong together."""

    picture: str
    variant: str
    scale: float
    width: int
    height: int
    metric: str
    qualities: list[int]
    dssim: list[float]
    bytes: list[int]
    varied: bool = False


def pictures(folder: Path) -> list[Path]:
    """Return the picture files below `folder`, in a fixed order."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)


def open_picture(path: Path, scale: float = 1.0, varied: bool = False) -> Picture:
    """Return the picture at `path` as RGB, scaled by `scale` with Lanczos.

    Varied it is smaller still and of other colours, both drawn by its name: channels change places, and saturation and
    brightness are other ones. Colours that few pictures have become as common as the rest.
    """
    image = Image.open(path).convert("RGB")
    dice = np.random.default_rng([zlib.crc32(path.name.encode()), round(1000 * scale)])
    if varied:
        scale *= dice.uniform(*SMALLER)
    if scale != 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(image)
    return Picture((recoloured(pixels, dice) if varied else pixels)[None])


def _luma(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(picture.pillow.convert("L"))


def by_skimage(reference: Picture) -> Callable[[Picture], float]:
    """Return the DSSIM to `reference` by scikit-image, the independent judge."""
    from skimage.metrics import structural_similarity

    luma = _luma(reference)

    def measure(candidate: Picture) -> float:
        ssim = structural_similarity(
            luma, _luma(candidate), gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )
        return (1 - float(ssim)) / 2

    return measure


def by_foveola(reference: Picture) -> Callable[[Picture], float]:
    """Return the DSSIM to `reference` by our own kernel."""
    from foveola.metrics import Reference

    prepared = Reference(reference, whole=True)
    return lambda candidate: prepared.full(candidate).dssim


METRICS = {"skimage": by_skimage, "foveola": by_foveola}


def scan(
    path: Path, name: str, variant: str, scale: float, qualities: Sequence[int], metric: str, varied: bool
) -> Curve:
    """Encode the picture at `path` at each distinct setting among `qualities` and measure what comes out."""
    format, settings = VARIANTS[variant]
    found = codec(format)
    picture = open_picture(path, scale, varied)
    measure = METRICS[metric](picture)
    kept = distinct(found, settings, qualities)
    seen = [(found.encode(picture, q, settings)) for q in kept]
    dssim = [measure(found.decode(data)) for data in seen]
    sizes = [len(data) for data in seen]
    return Curve(name, variant, scale, picture.width, picture.height, metric, kept, dssim, sizes, varied)


def read(folder: Path, variant: str) -> Iterator[Curve]:
    """Yield the curves of a variant that were written below `folder`."""
    for path in sorted((folder / variant).glob("*.json")):
        yield Curve(**json.loads(path.read_text()))


def _write(job: tuple[Path, str, Path], **how: Any) -> str:
    path, name, target = job
    curve = scan(path, name, **how)
    part = target.with_suffix(".part")
    part.write_text(json.dumps(asdict(curve)))
    part.rename(target)
    return name


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--codec", choices=VARIANTS, required=True)
    parser.add_argument("--grid", action="store_true", help="about 28 qualities instead of every distinct setting")
    parser.add_argument("--few", action="store_true", help="17 qualities instead of every distinct setting")
    parser.add_argument(
        "--varied", action="store_true", help="smaller and of other colours; not for training.calibrate's beliefs"
    )
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--metric", choices=METRICS, default="skimage")
    parser.add_argument("--every", type=int, default=1, help="take every n-th picture only")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    out = options.out / options.codec
    out.mkdir(parents=True, exist_ok=True)
    jobs = []
    for path in pictures(options.folder)[:: options.every]:
        name = path.relative_to(options.folder).as_posix()
        target = out / (name.replace("/", "__") + ("~varied.json" if options.varied else ".json"))
        if not target.exists():
            jobs.append((path, name, target))
    how = {
        "variant": options.codec,
        "scale": options.scale,
        "qualities": FEW if options.few else GRID if options.grid else range(1, 101),
        "metric": options.metric,
        "varied": options.varied,
    }
    with ProcessPoolExecutor(options.jobs) as pool:
        for done, name in enumerate(pool.map(partial(_write, **how), jobs), 1):
            print(f"{done}/{len(jobs)} {name}", file=sys.stderr)


if __name__ == "__main__":
    main()
