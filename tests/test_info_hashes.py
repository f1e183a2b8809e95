"""Hashes are those of the published implementations.

BlurHash's texts are those of the C reference (PyPI `blurhash-python` 1.2.2), ThumbHash's those of npm's `thumbhash`
0.1.1, each of the pixels of `made`. The perceptual hash is checked against SciPy's transform.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.fft import dctn

from foveola.info.hashes import blurhash, phash, thumbhash
from tests.infofiles import made

BLURHASHES = [
    ((20, 30, 0), (4, 3), "LnG[C+0jvmcSNan9o]agWXoKbZjH"),
    ((20, 30, 0), (1, 1), "00G[C+"),
    ((64, 48, 1), (4, 3), "LKHegwn0vxBlEaa1199}MJV8ID]z"),
    ((100, 100, 5), (4, 3), "L7HV9+tDWKs[#2Qyq}MfJsNuEvNV"),
    ((7, 90, 2), (4, 3), "LHH23^D8Hh9L^uRWVvNKenbbjHW;"),
    ((1, 1, 3), (4, 3), "LZ001AfZfZfZfZfZfZfZfZfZfZfZ"),
]
THUMBHASHES = [
    ((20, 30, 0), "594B8613883A805B947988604A276F7A70777578877777", "D53A0E358A60697874788787787887875057077D7B"),
    ((64, 48, 1), "9E08861C061E642468043898F8EFB9FB830C52264266767707", "DD08061D045274614509377988786887FF9EBA3FD8"),
    (
        (100, 100, 5),
        "A0F78115020FDFAC7D277B4370212061F74D00000000001011",
        "A0F7011702BC9A897B47567A45630371447A19021276DF04",
    ),
    ((7, 90, 2), "1B198611841E3053947787183FE79F8810327777777777", "1A1906198620422385777878054DF79F88"),
    (
        (1, 1, 3),
        "080592BD007708F78887707FF8F7870F000008F78887707FF8",
        "080512BF0008F708888788708F7088F80888707FF8000000",
    ),
]


@pytest.mark.parametrize(("shape", "waves", "text"), BLURHASHES)
def test_a_blurhash_is_that_of_the_reference(shape: tuple[int, int, int], waves: tuple[int, int], text: str) -> None:
    assert blurhash(made(*shape)[..., :3], *waves) == text


@pytest.mark.parametrize(("shape", "clear", "opaque"), THUMBHASHES)
def test_a_thumbhash_is_that_of_the_reference(shape: tuple[int, int, int], clear: str, opaque: str) -> None:
    pixels = made(*shape)
    assert thumbhash(pixels).hex().upper() == clear

    pixels[..., 3] = 255
    assert thumbhash(pixels).hex().upper() == opaque


def test_a_thumbhash_of_nothing_that_is_seen_is_black() -> None:
    assert thumbhash(np.zeros((10, 20, 4), np.uint8))[:3] == bytes((0, 0x08, 0x82))


@pytest.mark.parametrize("seed", range(5))
def test_a_perceptual_hash_is_made_of_the_slowest_waves(seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (32, 32)).astype(np.uint8)
    waves = dctn(grey.astype(float), 2)[:8, :8]
    bits = "".join("1" if wave > np.median(waves) else "0" for wave in waves.ravel())

    assert phash(grey) == f"{int(bits, 2):016x}"
    assert bits.count("1") == 32


def test_a_perceptual_hash_of_one_grey_has_one_wave() -> None:
    assert phash(np.full((32, 32), 128, np.uint8)) == "8000000000000000"


REFERENCE = """
import {encode} from "blurhash"; import {rgbaToThumbHash} from "thumbhash"; import fs from "fs";
const {width, height, pixels} = JSON.parse(fs.readFileSync(0));
const rgba = Uint8ClampedArray.from(pixels);
console.log(JSON.stringify([encode(rgba, width, height, 4, 3),
    Buffer.from(rgbaToThumbHash(width, height, rgba)).toString("hex")]));
"""


@pytest.mark.slow
def test_the_packages_of_npm_say_the_same(tmp_path: Path) -> None:
    """It grows darker to the right, so that its greatest wave is above 0: npm's `blurhash` 2.0.5 sees none below."""
    (tmp_path / "hash.mjs").write_text(REFERENCE)
    pixels = made(40, 60, 4)
    pixels[..., :3] //= 4
    pixels[..., :3] += np.arange(180, 0, -3).astype(np.uint8)[:, None]
    given = json.dumps({"width": 60, "height": 40, "pixels": pixels.ravel().tolist()})
    try:
        subprocess.run(
            ["npm", "install", "--no-fund", "--no-audit", "blurhash@2.0.5", "thumbhash@0.1.1"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            timeout=100,
        )
    except (OSError, subprocess.SubprocessError):
        pytest.skip("npm or its registry is not there")
    said = subprocess.run(
        ["node", "hash.mjs"], cwd=tmp_path, input=given, check=True, capture_output=True, text=True, timeout=60
    )

    assert json.loads(said.stdout) == [blurhash(pixels[..., :3], 4, 3), thumbhash(pixels).hex()]
