"""The DCT kernels equal their twin bit for bit, and both equal a real JPEG codec."""

from __future__ import annotations

import numpy as np
import pytest

from foveola import kernels
from foveola.kernels import twin
from foveola.kernels.quantiser import fixed_point
from tests.kernels.planes import KINDS, LEVELS, SIZES, SMALL, dct_by, jpeg, luma_of, native, plane_of, serve


@pytest.fixture(params=[*LEVELS, "numpy"])
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve(request.param, monkeypatch)


@pytest.fixture(params=LEVELS)
def simd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve(request.param, monkeypatch)


TABLES = {
    "ones": np.ones((8, 8)),
    "steep": np.add.outer(np.arange(8), 3 * np.arange(8)) * 4.0 + 3,
    "largest": np.full((8, 8), 255.0),
    "huge": np.full((8, 8), 1500.0),
    "beyond": np.full((8, 8), 65535.0),
    "fractions": np.linspace(0.3, 40.1, 64).reshape(8, 8),
    "tiny": np.full((8, 8), 0.01),
}


@pytest.mark.usefixtures("simd")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [*SIZES, *SMALL])
def test_c_and_the_twin_have_the_same_coefficients(shape: tuple[int, int], kind: str) -> None:
    plane = plane_of(kind, shape)

    assert np.array_equal(dct_by(native, plane).blocks, dct_by(twin, plane).blocks)


@pytest.mark.usefixtures("simd")
@pytest.mark.parametrize("dead_zone", [0.0, 0.15, 0.5])
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("shape", [(8, 8), (11, 37), (65, 130), (9, 1050)])
def test_c_and_the_twin_quantise_alike(shape: tuple[int, int], name: str, dead_zone: float) -> None:
    """Bit for bit: the reconstruction and the symbols."""
    table = TABLES[name]
    for kind in ("photo", "saturated"):
        coefficients = dct_by(native, plane_of(kind, shape))
        ours, theirs = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
        native.reconstruct(coefficients, table, dead_zone, ours)
        twin.reconstruct(coefficients, table, dead_zone, theirs)

        assert np.array_equal(ours, theirs)
        counts = native.symbols(coefficients, table, dead_zone)
        assert np.array_equal(counts, twin.symbols(coefficients, table, dead_zone))


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("quality", [1, 5, 25, 50, 75, 90, 95, 100])
@pytest.mark.parametrize("name", ["camera", "page", "coins", "grass"])
def test_the_reconstruction_is_a_jpeg_decoders(name: str, quality: int) -> None:
    """Bit for bit what libjpeg-turbo decodes of a grey JPEG of that table, partial blocks at the edges included."""
    plane = luma_of(name)[:183, :245]
    decoded, table, _ = jpeg(plane, quality)

    assert np.array_equal(kernels.reconstruct(kernels.forward_dct(plane), table), decoded)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("shape", [*SIZES, *SMALL])
def test_the_probe_is_ssim_of_the_reconstruction(shape: tuple[int, int], step: int) -> None:
    plane = plane_of("photo", shape)
    prepared, coefficients = kernels.prepare(plane, step), kernels.forward_dct(plane)

    seen = kernels.probe(prepared, coefficients, TABLES["steep"], 0.1)

    assert seen == kernels.ssim(prepared, kernels.reconstruct(coefficients, TABLES["steep"], 0.1))


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("quality", [10, 40, 75, 95])
@pytest.mark.parametrize("name", ["camera", "page", "coins", "astronaut"])
def test_bits_foresee_the_size_of_a_jpeg(name: str, quality: int) -> None:
    """Within 1.5 % of the scan of a greyscale JPEG with optimised tables; stuffed bytes are most of the rest."""
    plane = luma_of(name)
    _, table, file = jpeg(plane, quality)
    start = file.index(b"\xff\xda")
    scan = len(file) - (start + 2 + int.from_bytes(file[start + 2 : start + 4], "big")) - 2

    assert kernels.bits(kernels.forward_dct(plane), table) / 8 == pytest.approx(scan, rel=0.015)


def test_levels_are_what_the_formula_says() -> None:
    """sign(c) * floor(|c| / step + 0.5 - dead_zone), but for coefficients within 1/16 of a threshold."""
    sizes = np.arange(16385)
    for step in (0.25, 0.7, 1.0, 1.3, 7.0, 12.34, 99.0, 255.0, 700.5, 1999.0):
        for dead_zone in (0.0, 0.1, 0.2, 0.5):
            bias, reciprocal, shift, _, _ = (int(row[0]) for row in fixed_point(np.full((8, 8), step), dead_zone))
            levels = ((sizes + bias) * reciprocal >> 16) * shift >> 16
            lowest, highest = (
                np.floor(np.maximum(sizes + near, 0) / (16 * step) + 0.5 - dead_zone) for near in (-1, 1)
            )

            assert ((lowest <= levels) & (levels <= highest)).all()


@pytest.mark.parametrize("step", range(1, 256))
def test_integer_steps_are_exact(step: int) -> None:
    """What libjpeg does in integers: (|c| + 4 step) / (8 step) on coefficients eight times too big; then times step."""
    bias, reciprocal, shift, lift, factor = (int(row[0]) for row in fixed_point(np.full((8, 8), float(step)), 0))
    sizes = np.arange(8193)

    levels = ((2 * sizes + bias) * reciprocal >> 16) * shift >> 16

    assert np.array_equal(levels, (sizes + 4 * step) // (8 * step))
    assert (levels * lift).max() <= 2**14
    assert np.array_equal(-2 * levels * lift * factor + 2**14 >> 15, -16 * step * levels)


def test_constants_fit_sixteen_bits() -> None:
    for step in np.geomspace(1e-3, 1e5, 300):
        for dead_zone in (0.0, 0.3, 0.5):
            constants = fixed_point(np.full((8, 8), step), dead_zone)[:, 0].astype(int)

            assert constants[3] <= 2**14
            assert constants[4] < 2**15
            assert 16384 + constants[0] <= 2**15


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("quality", [1, 10, 25, 44, 49, 50, 51, 62, 75, 88, 94, 100])
def test_every_grey_survives_as_in_libjpeg(quality: int) -> None:
    """White at a step that is a power of two once left 16 bits; blocks of one grey, and of black and white."""
    stripes = np.kron(np.indices((8, 8)).sum(0) % 2, np.full((1, 1), 255))
    blocks = [
        *(np.full((8, 8), grey) for grey in range(256)),
        stripes,
        stripes.T,
        np.kron(np.eye(2), np.full((4, 4), 255)),
    ]
    plane = np.hstack(blocks).astype(np.uint8)
    decoded, table, _ = jpeg(plane, quality)

    assert np.array_equal(kernels.reconstruct(kernels.forward_dct(plane), table), decoded)
