"""Measure the kernels beside scikit-image, OpenCV and numba: CPU time a megapixel, and the memory of a reference.

    taskset -c 0 python -m bench.metric            # the table
    python -m bench.metric --memory                # bytes a pixel of a picture of 50 megapixels

CPU time of this process, one thread, the median of the rounds after a warm-up; "times" is how many times cheaper than
scikit-image's Gaussian SSIM in double precision, measured in the same run. The pictures are scikit-image's astronaut,
side by side, and a noisy copy. OpenCV and numba are left out where they are not installed.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import data
from skimage.metrics import structural_similarity

from foveola import kernels
from foveola.kernels import native, twin
from foveola.metrics import Reference
from foveola.picture import Picture

SIZES = ((992, 1310), (540, 722))
ROUNDS = 15
TABLE = np.add.outer(np.arange(8), np.arange(8)) * 6.0 + 10
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
TAPS = twin.TAPS.astype(np.float32)

Plane = NDArray[np.uint8]
Call = Callable[[], object]


def pictures(height: int, width: int) -> tuple[Plane, Plane, Plane]:
    """Return RGB pixels, their luma, and a noisy luma."""
    pixels = np.tile(data.astronaut(), (-(-height // 512), -(-width // 512), 1))[:height, :width].copy()
    luma = kernels.luma(pixels)
    noise = np.random.default_rng(1).normal(0, 8, luma.shape)
    return pixels, luma, np.clip(luma + noise, 0, 255).astype(np.uint8)


def cpu(call: Call, rounds: int) -> float:
    """Return the median CPU time of a call in milliseconds, after two to warm up."""
    times = []
    for _ in range(rounds + 2):
        start = time.process_time_ns()
        call()
        times.append(time.process_time_ns() - start)
    return statistics.median(times[2:]) / 1e6


def skimage_ssim(a: Plane, b: Plane) -> float:
    """Return what everything here is compared with."""
    return float(
        structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
    )


def of_moments(mx: Any, my: Any, xx: Any, yy: Any, xy: Any) -> Any:
    """Return SSIM from windowed means of x, y and their products."""
    numerator = (2 * mx * my + C1) * (2 * (xy - mx * my) + C2)
    return numerator / ((mx * mx + my * my + C1) * (xx - mx * mx + yy - my * my + C2))


def opencv_ssim(a: Plane, b: Plane) -> Iterator[tuple[str, Call]]:
    """Yield SSIM in single precision by OpenCV's separable filter, with and without a prepared reference."""
    import cv2

    cv2.setNumThreads(1)

    def blur(plane: Any) -> Any:
        return cv2.sepFilter2D(plane, cv2.CV_32F, TAPS, TAPS)[5:-5, 5:-5]

    def plain() -> float:
        x, y = a.astype(np.float32), b.astype(np.float32)
        return float(of_moments(blur(x), blur(y), blur(x * x), blur(y * y), blur(x * y)).mean())

    prepared = opencv_prepared(a)
    yield "OpenCV, float32", plain
    yield "OpenCV, float32, prepared", lambda: prepared(b)


def opencv_prepared(a: Plane) -> Callable[[Plane], float]:
    """Return SSIM to `a` in single precision by OpenCV's separable filter, what depends on `a` alone computed once."""
    import cv2

    cv2.setNumThreads(1)

    def blur(plane: Any) -> Any:
        return cv2.sepFilter2D(plane, cv2.CV_32F, TAPS, TAPS)[5:-5, 5:-5]

    x = a.astype(np.float32)
    mx, xx = blur(x), blur(x * x)

    def ssim(b: Plane) -> float:
        y = b.astype(np.float32)
        return float(of_moments(mx, blur(y), xx, blur(y * y), blur(x * y)).mean())

    return ssim


def numba_ssim(a: Plane, b: Plane) -> Iterator[tuple[str, Call]]:
    """Yield SSIM in single precision as one fused loop, compiled by numba."""
    import numba

    @numba.njit(fastmath=True)  # type: ignore[untyped-decorator,unused-ignore]
    def fused(x: Any, y: Any, taps: Any) -> Any:
        height, width = x.shape
        sums = np.zeros((5, width), np.float32)
        total = np.float64(0)
        for row in range(height - 10):
            sums[:] = 0
            for k in range(11):
                for i in range(width):
                    p, q = np.float32(x[row + k, i]), np.float32(y[row + k, i])
                    sums[0, i] += taps[k] * p
                    sums[1, i] += taps[k] * q
                    sums[2, i] += taps[k] * p * p
                    sums[3, i] += taps[k] * q * q
                    sums[4, i] += taps[k] * p * q
            for i in range(width - 10):
                mx = my = xx = yy = xy = np.float32(0)
                for k in range(11):
                    mx += taps[k] * sums[0, i + k]
                    my += taps[k] * sums[1, i + k]
                    xx += taps[k] * sums[2, i + k]
                    yy += taps[k] * sums[3, i + k]
                    xy += taps[k] * sums[4, i + k]
                above = (2 * mx * my + C1) * (2 * (xy - mx * my) + C2)
                total += above / ((mx * mx + my * my + C1) * (xx - mx * mx + yy - my * my + C2))
        return total / ((height - 10) * (width - 10))

    yield "numba, float32, fused", lambda: fused(a, b, TAPS)


def others(a: Plane, b: Plane) -> Iterator[tuple[str, Call]]:
    """Yield what is installed besides."""
    for offer in (opencv_ssim, numba_ssim):
        try:
            yield from offer(a, b)
        except ImportError as error:
            print(f"left out: {error}", file=sys.stderr)


def ours(pixels: Plane, a: Plane, b: Plane) -> Iterator[tuple[str, Call]]:
    """Yield our kernels at the level that is set."""
    whole, thirds, coefficients = kernels.prepare(a, 1), kernels.prepare(a, 3), kernels.forward_dct(a)
    yield "SSIM, whole map, prepared", lambda: kernels.ssim(whole, b)
    yield "SSIM, every third row, prepared", lambda: kernels.ssim(thirds, b)
    yield "SSIM of RGB, every third row, prepared", lambda: kernels.ssim(thirds, pixels)
    yield "probe, every third row", lambda: kernels.probe(thirds, coefficients, TABLE)
    yield "probe, whole map", lambda: kernels.probe(whole, coefficients, TABLE)
    yield "luma", lambda: kernels.luma(pixels)
    yield "prepare, whole map", lambda: kernels.prepare(a, 1)
    yield "prepare, every third row", lambda: kernels.prepare(a, 3)
    yield "forward DCT", lambda: kernels.forward_dct(a)
    yield "bits", lambda: kernels.bits(coefficients, TABLE)


def table(height: int, width: int, rounds: int) -> None:
    """Print a row for each kernel and each of the others."""
    pixels, a, b = pictures(height, width)
    megapixels = height * width / 1e6
    base = cpu(lambda: skimage_ssim(a, b), max(3, rounds // 3))
    print(
        f"\n{megapixels:.2f} MP{'':35} ms/MP   times\n{'scikit-image, Gaussian, float64':40} {base / megapixels:7.2f}"
    )
    rows = [("", name, cpu(call, rounds)) for name, call in others(a, b)]
    for level in native.levels():
        native.use(level)
        rows += [(level, name, cpu(call, rounds)) for name, call in ours(pixels, a, b)]
    for level, name, cost in rows:
        print(f"{f'{level} {name}'.strip():40} {cost / megapixels:7.2f} {base / cost:7.1f}")


def memory(whole: bool, height: int = 5773, width: int = 8660) -> None:
    """Print by how much the peak of this process grows over the pictures, step by step, in bytes a pixel."""
    rows = np.random.default_rng(1).integers(0, 256, (2, 1, 64, width, 3), np.uint8)
    frames = np.empty((2, 1, height, width, 3), np.uint8)
    for top in range(0, height, 64):  # without a copy, which would hide what follows under its own peak
        frames[:, :, top : top + 64] = rows[:, :, : height - top]
    reference, candidate = Reference(Picture(frames[0]), whole=whole), Picture(frames[1])
    steps: tuple[tuple[str, Call], ...] = (
        ("measure a candidate", lambda: reference.sampled(candidate)),
        ("and probe by the transform", lambda: reference.transform(TABLE)),
        ("and score by the whole map", lambda: reference.full(candidate)),
    )
    start = peak()
    for name, step in steps:
        step()
        kind = "whole map" if whole else "every third row"
        print(f"{kind:16} {name:28} {(peak() - start) / (height * width):6.2f} bytes a pixel")


def peak() -> int:
    """Return the greatest memory that this process has had, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--memory", nargs="?", const="all", choices=("all", "whole", "thirds"))
    given = parser.parse_args(arguments)
    if given.memory == "all":
        for mode in ("whole", "thirds"):  # a process each, because the peak never falls
            subprocess.run([sys.executable, "-m", "bench.metric", "--memory", mode], check=True)
    elif given.memory:
        memory(given.memory == "whole")
    else:
        for size in SIZES:
            table(*size, given.rounds)


if __name__ == "__main__":
    main()
