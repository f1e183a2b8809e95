"""The sample pictures: what they promise to encoders and to the tour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from foveola.samples import SAMPLES, flat, gradient_alpha, interface, landscape, write_samples

SMALL = {"landscape": landscape, "flat": flat, "gradient-alpha": gradient_alpha}


def pixels(folder: Path, name: str) -> NDArray[Any]:
    with Image.open(folder / f"{name}.png") as image:
        return np.asarray(image)


def test_there_are_four_and_each_has_its_file(samples: Path) -> None:
    assert sorted(path.name for path in samples.iterdir()) == sorted(f"{name}.png" for name in SAMPLES)
    assert len(SAMPLES) == 4


@pytest.mark.parametrize("name", SAMPLES)
def test_each_has_one_to_two_megapixels(samples: Path, name: str) -> None:
    height, width = pixels(samples, name).shape[:2]

    assert 1e6 <= width * height <= 2e6


@pytest.mark.parametrize(("name", "draw"), SMALL.items())
def test_drawing_twice_gives_equal_pixels(name: str, draw: Callable[[tuple[int, int]], Image.Image]) -> None:
    assert np.array_equal(np.asarray(draw((96, 64))), np.asarray(draw((96, 64)))), name


def test_the_interface_is_equal_twice() -> None:
    assert interface().tobytes() == interface().tobytes()


def test_the_landscape_has_texture_and_grain_everywhere(samples: Path) -> None:
    """Not one 16 x 16 block is flat, as none is in a photo."""
    grey = pixels(samples, "landscape").astype(float).mean(axis=2)
    blocks = grey[:1024, :1536].reshape(64, 16, 96, 16).std(axis=(1, 3))

    assert blocks.min() > 0.5
    assert np.median(blocks) > 4


def test_the_poster_has_few_colours_and_they_are_saturated(samples: Path) -> None:
    """Nine tenths of it are six colours or fewer, most of them far from grey."""
    red, green, blue = (pixels(samples, "flat")[..., channel].astype(int) for channel in range(3))
    colours, counts = np.unique(red << 16 | green << 8 | blue, return_counts=True)
    largest = np.argsort(counts)[::-1][:6]
    channels = np.stack([colours[largest] >> 16, colours[largest] >> 8 & 255, colours[largest] & 255])
    spread = channels.max(axis=0) - channels.min(axis=0)

    assert counts[largest].sum() > 0.9 * counts.sum()
    assert np.median(spread) > 80


def test_the_gradient_has_all_opacities(samples: Path) -> None:
    picture = pixels(samples, "gradient-alpha")

    assert picture.shape[2] == 4
    assert len(np.unique(picture[..., 3])) > 250


def test_writing_again_replaces_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(SAMPLES, "landscape")  # which takes seconds
    (tmp_path / "flat.png").write_bytes(b"old")

    assert [path.name for path in write_samples(tmp_path)] == ["interface.png", "flat.png", "gradient-alpha.png"]
    assert pixels(tmp_path, "flat").shape == (1000, 1200, 3)
