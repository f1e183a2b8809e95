"""Pictures of the kernels' tests, and the two implementations side by side."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from skimage.metrics import structural_similarity

from foveola import kernels
from foveola.kernels import twin
from foveola.kernels.buffers import reserve
from foveola.kernels.prepared import Coefficients, Prepared

native: Any = pytest.importorskip(
    "foveola.kernels.native", reason="no C compiler at installation", exc_type=ImportError
)

Plane = NDArray[np.uint8]
Table = NDArray[np.float64]

LEVELS = native.levels()
SIZES = [
    (11, 11),
    (11, 200),
    (200, 11),
    (12, 13),
    (17, 31),
    (33, 64),
    (64, 65),
    (43, 131),
    (29, 506),
    (28, 507),
    (40, 523),
    (21, 2100),
]
SMALL = [(1, 1), (1, 40), (40, 1), (2, 3), (5, 5), (6, 10), (10, 300), (9, 9), (3, 1030)]
KINDS = ("photo", "constant", "black", "bright", "saturated")


def plane_of(kind: str, shape: tuple[int, int], seed: int = 0) -> Plane:
    random = np.random.default_rng([seed, *shape])
    down, across = np.mgrid[: shape[0], : shape[1]]
    drawings: dict[str, Callable[[], NDArray[Any]]] = {
        "photo": lambda: 128 + 60 * np.sin(down / 9) * np.cos(across / 7) + random.normal(0, 15, shape),
        "constant": lambda: np.full(shape, 200),
        "black": lambda: np.zeros(shape),
        "bright": lambda: random.integers(250, 256, shape),
        "saturated": lambda: 255 * random.integers(0, 2, shape),
    }
    plane: Plane = np.clip(drawings[kind](), 0, 255).astype(np.uint8)
    return plane


def damaged(plane: Plane, seed: int = 1) -> Plane:
    random = np.random.default_rng(seed)
    return np.clip(plane + random.normal(0, 9, plane.shape), 0, 255).astype(np.uint8)


def luma_of(name: str) -> Plane:
    pixels = getattr(data, name)()
    return np.asarray(Image.fromarray(pixels).convert("L"))


def skimage_ssim(a: Plane, b: Plane) -> float:
    return float(
        structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
    )


def jpeg(plane: Plane, quality: int) -> tuple[Plane, Table, bytes]:
    """Return what Pillow decodes of a JPEG, its table and the file."""
    file = io.BytesIO()
    Image.fromarray(plane).save(file, "JPEG", quality=quality, optimize=True)
    image = Image.open(file)
    table = np.array(image.quantization[0], np.float64).reshape(8, 8)  # type: ignore[attr-defined]
    return np.asarray(image), table, file.getvalue()


def serve(level: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the C kernels of one level serve, or the twin for `numpy`."""
    monkeypatch.setattr(kernels, "_kernels", twin if level == "numpy" else native)
    if level != "numpy":
        monkeypatch.setattr(native, "_LEVEL", native.LEVELS.index(level))
    return level


def prepared_by(which: Any, plane: Plane, step: int) -> Prepared:
    return Prepared(plane.shape, plane, step, which.prepare(plane, step, reserve))


def dct_by(which: Any, plane: Plane) -> Coefficients:
    return Coefficients(plane.shape, which.forward_dct(plane, reserve))
