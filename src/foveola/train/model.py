"""The network: what a codec does to a mosaic of the picture, imitated in fixed layers, and a small head that learned.

The fixed layers quantise the mosaic's 8x8 DCT coefficients as the codec's stand-in does
(`foveola.foresight.transform`) at a few qualities, the *knots*, and take the SSIM at a sample of windows: what each
place of the picture loses. The head (`foveola.foresight.imitation`) sees those losses and what each place is like, and
answers by how much more or less the codec loses there; a last linear layer turns the means into the curve. All is
written down as a graph once (`foveola.train.graph`), which the fit runs too, so that nothing can differ between
training and use. Source: Wang, Bovik, Sheikh and Simoncelli, Image Quality Assessment, IEEE TIP 13(4), 2004 (SSIM).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.codecs import Codec, codec
from foveola.errors import ArgumentError, expected
from foveola.foresight.features import BANDS, ORDER
from foveola.foresight.fitted import axis
from foveola.foresight.imitation import OUTLYING, SMALL, STRONGEST, Head, level
from foveola.foresight.transform import quantiser
from foveola.networks.runtime import core
from foveola.train import tensorflow
from foveola.train.graph import Graph, Tensor
from foveola.train.head import EPOCHS, learn, new
from foveola.train.knots import choose, straighten
from foveola.train.labels import Labels

Array = NDArray[np.floating[Any]]
Progress = Callable[[int, int, str], None]
SIDE = 416
TILE = 13
"""Blocks of 8x8 pixels of a tile's side."""
PLACES = SIDE // 8 - 1
"""Of a side: a place is two by two blocks."""
WINDOWS = ((0, 1), (1, 6), (2, 0), (6, 2))
"""Where the windows of a place begin: each of the four distances to a block's middle once, down and across."""
KNOTS, HIDDEN = 8, 40
TARGET, SIGMA = 0.02, 0.15
"""What the logits are a bell around, and how wide it is in log DSSIM, see `foveola.networks`."""
LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, eq=False)
class StandIn:
    """The codec's stand-in at the knots.

    Args:
        qualities: the knots.
        steps: (knots, 64) quantiser of each, row by row.
        zone: the dead zone, 0..0.5.
    """

    qualities: tuple[int, ...]
    steps: Array
    zone: float

    @classmethod
    def of(cls, codec: Codec, settings: Any, qualities: Sequence[int]) -> StandIn:
        """Return the stand-in of a codec.

        Raises:
            ArgumentError: none was fitted for it.
        """
        table = quantiser(codec, settings)
        if table is None:
            raise ArgumentError(expected("a format that the transform can stand in for", "format", codec.name))
        both = [table(quality) for quality in qualities]
        return cls(tuple(qualities), np.array([steps.ravel() for steps, _ in both], np.float32), both[0][1])


def places(graph: Graph, stand_in: StandIn) -> Tensor:
    """Write the fixed layers.

    Returns:
        (1, 51, 51, knots + 16) what each place loses at each knot, and what it is like.
    """
    picture = graph.input
    luma = graph.sub(graph.single("round", graph.conv(picture, LUMA.reshape(1, 1, 3, 1))), 128.0)
    pixels = graph.conv(luma, np.eye(64).reshape(8, 8, 1, 64), stride=8)
    coefficients = graph.conv(pixels, _transform().T.reshape(1, 1, 64, 64))
    windows = _windows()
    mean, variance = _statistics(graph, pixels, windows)
    seen = (pixels, mean, variance, windows)
    losses = [_losses(graph, coefficients, steps, stand_in.zone, seen) for steps in stand_in.steps]
    return graph.concat([*losses, *_like(graph, picture, coefficients, variance)])


def _transform() -> Array:
    """Return the 8x8 DCT as (coefficient, pixel)."""
    k, n = np.mgrid[:8, :8]
    one = np.sqrt(np.where(k == 0, 1, 2) / 8) * np.cos((2 * n + 1) * k * np.pi / 16)
    both: Array = np.einsum("iu,jv->ijuv", one, one).reshape(64, 64).astype(np.float32)
    return both


def _windows() -> Array:
    """Return the Gaussian windows of a place as a kernel over its blocks; what hangs over the place is cut off."""
    bell = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    kernel = np.zeros((2, 2, 64, len(WINDOWS)), np.float32)
    for index, starts in enumerate(WINDOWS):
        down, across = (np.pad(bell, (start, 8))[:16] for start in starts)
        window = np.outer(down / down.sum(), across / across.sum())
        kernel[..., index] = window.reshape(2, 8, 2, 8).swapaxes(1, 2).reshape(2, 2, 64)
    return kernel


def _statistics(graph: Graph, pixels: Tensor, windows: Array) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each window."""
    mean = graph.conv(pixels, windows)
    return mean, graph.sub(graph.conv(graph.mul(pixels, pixels), windows), graph.mul(mean, mean))


def _losses(
    graph: Graph, coefficients: Tensor, steps: Array, zone: float, seen: tuple[Tensor, Tensor, Tensor, Array]
) -> Tensor:
    """Return the DSSIM of each place after its coefficients were quantised: (1, 51, 51, 1)."""
    pixels, mean, variance, windows = seen
    levels = graph.mul(coefficients, 1 / steps)
    dead = graph.clip(levels, -zone, zone)
    kept = graph.mul(graph.single("round", graph.sub(levels, dead)), steps)
    shown = graph.conv(kept, _transform().reshape(1, 1, 64, 64))
    shown = graph.clip(shown, -128.0, 127.0)
    its_mean, its_variance = _statistics(graph, shown, windows)
    both = graph.sub(graph.conv(graph.mul(pixels, shown), windows), graph.mul(mean, its_mean))
    bright, its_bright = graph.add(mean, 128.0), graph.add(its_mean, 128.0)
    above = graph.mul(
        graph.add(graph.mul(graph.mul(bright, its_bright), 2.0), 6.5025), graph.add(graph.mul(both, 2.0), 58.5225)
    )
    below = graph.mul(
        graph.add(graph.add(graph.mul(bright, bright), graph.mul(its_bright, its_bright)), 6.5025),
        graph.add(graph.add(variance, its_variance), 58.5225),
    )
    share = np.full((1, 1, len(WINDOWS), 1), -0.5 / len(WINDOWS))
    # What loses nothing comes out a little below 0 in float32, and a mean of that has no log.
    return graph.pair("maximum", graph.add(graph.conv(graph.div(above, below), share), 0.5), 0.0)


def _like(graph: Graph, picture: Tensor, coefficients: Tensor, variance: Tensor) -> list[Tensor]:
    """Return what each place is like: logs of its bands and variances, its mean colour."""
    bands = np.zeros((2, 2, 64, len(BANDS) - 1))
    for index, (start, stop) in enumerate(pairwise(BANDS)):
        bands[:, :, ORDER[start:stop], index] = 0.25 / (stop - start)
    energies = graph.conv(graph.mul(coefficients, coefficients), bands)
    level = graph.conv(coefficients, np.eye(64)[:, :1].reshape(1, 1, 64, 1) / 8)
    levels = _spread(graph, level, np.full((2, 2, 1, 1), 0.25))
    windowed = graph.conv(variance, np.full((1, 1, len(WINDOWS), 1), 1 / len(WINDOWS)))
    colour = graph.conv(picture, np.stack([np.eye(3)[2] - LUMA, np.eye(3)[0] - LUMA], 1).reshape(1, 1, 3, 2))
    chroma = _spread(graph, colour, _mean(16, 2), stride=8)
    return [
        graph.single("log", graph.add(energies, 0.5)),
        graph.single("log", graph.add(levels, 0.5)),
        graph.single("log", graph.add(graph.pair("maximum", windowed, 0.0), 1.0)),
        graph.mul(graph.conv(picture, _mean(16, 3), stride=8), 1 / 64),
        graph.single("log", graph.add(chroma, 1.0)),
    ]


def _mean(side: int, channels: int) -> NDArray[np.float64]:
    """Return the kernel that takes the mean of a square, channel by channel."""
    return np.broadcast_to(np.eye(channels) / side**2, (side, side, channels, channels))


def _spread(graph: Graph, values: Tensor, kernel: NDArray[Any], stride: int = 1) -> Tensor:
    """Return the variance of values around the means that a kernel takes."""
    mean = graph.conv(values, kernel, stride=stride)
    square = graph.conv(graph.mul(values, values), kernel, stride=stride)
    return graph.pair("maximum", graph.sub(square, graph.mul(mean, mean)), 0.0)


def whole_places() -> NDArray[np.bool_]:
    """Return (51, 51) which places lie within one tile."""
    inside = np.arange(PLACES) % TILE != TILE - 1
    both: NDArray[np.bool_] = inside[:, None] & inside
    return both


def network(stand_in: StandIn, head: Head, spread: NDArray[Any]) -> Graph:
    """Return the whole network.

    Args:
        stand_in: of the codec.
        head: that has learned from what `places` returns.
        spread: (qualities of the head, 100) what leads from its curve to qualities 1..100.
    """
    graph = Graph((1, SIDE, SIDE, 3))
    seen = places(graph, stand_in)
    weights, knots = head.weights, head.knots
    channels = seen.shape[3]
    losses = graph.conv(seen, np.eye(channels)[None, None, :, :knots])
    like = graph.conv(seen, np.eye(channels)[None, None, :, knots:])
    logs = graph.single("log", graph.add(graph.pair("maximum", losses, 0.0), 1e-4))
    x = graph.mul(graph.sub(graph.concat([logs, like]), head.mean), 1 / head.spread)
    first = _dense(graph, graph.clip(x, -OUTLYING, OUTLYING), weights["first"], weights["first_bias"])
    second = _dense(graph, first, weights["second"], weights["second_bias"])
    factor = graph.add(graph.conv(second, weights["factor"][None, None]), weights["factor_bias"])
    moved = graph.mul(losses, graph.single("exp", graph.clip(factor, -STRONGEST, STRONGEST)))
    inside = whole_places()
    mask = (inside / inside.mean())[None, :, :, None]
    level = graph.single("log", graph.add(graph.mean(graph.mul(moved, mask)), SMALL))
    mean = graph.mean(graph.mul(second, mask))
    variance = graph.sub(graph.mean(graph.mul(graph.mul(second, second), mask)), graph.mul(mean, mean))
    scatter = graph.single("sqrt", graph.add(graph.pair("maximum", variance, 0.0), 1e-4))
    pooled = graph.concat([level, mean, scatter, graph.clip(graph.mul(graph.add(level, 4.0), 1 / 1.5), -3.0, 3.0)])
    matrix = np.concatenate([weights["curve"], weights["pool"]]) @ spread
    curve = graph.add(graph.matmul(pooled, matrix), weights["offset"] @ spread)
    off = graph.mul(graph.sub(curve, math.log(TARGET)), 1 / SIGMA)
    graph.output(graph.mul(graph.mul(off, off), -0.5))
    return graph


def _dense(graph: Graph, x: Tensor, matrix: NDArray[Any], bias: NDArray[Any]) -> Tensor:
    return graph.single("tanh", graph.add(graph.conv(x, matrix[None, None]), bias))


@dataclass(frozen=True, eq=False)
class Trained:
    """A network that has learned.

    Args:
        stand_in: its fixed layers.
        head: what it has learned.
        spread: (qualities of the head, 100) what leads from its curve to qualities 1..100.
        figures: how many pictures it learned from, and which qualities it looks at.
    """

    stand_in: StandIn
    head: Head
    spread: NDArray[Any]
    figures: dict[str, float]

    def graph(self) -> Graph:
        """Return the network as a graph that can be written."""
        return network(self.stand_in, self.head, self.spread)


def fit(inputs: NDArray[np.uint8], labels: Labels, seed: int, progress: Progress) -> Trained:
    """Fit a network.

    Args:
        inputs: (n, 416, 416, 3) mosaics of the pictures.
        labels: of the same pictures, in the same order.
        seed: of the head's first weights and of the order of the pictures.
        progress: is told how many steps are done, of how many, and words to show.

    Raises:
        ArgumentError: no stand-in was fitted for the format.
        FoveolaError: the extra `[train]` is missing.
    """
    found, qualities = codec(labels.format), list(labels.qualities)
    dssim = np.log(np.maximum(labels.dssim, SMALL))
    chosen = choose(qualities, dssim, found, KNOTS)
    stand_in = StandIn.of(found, labels.settings, chosen)
    steps = len(inputs) + EPOCHS
    seen = np.stack(list(_seen(inputs, stand_in, lambda done: progress(done, steps, "looking"))))
    curve = straighten(axis(found, chosen), axis(found, qualities))
    offset = np.median(dssim - level(seen[..., : len(chosen)]) @ curve, axis=0)
    head = new(seen, curve, offset, HIDDEN, seed)
    for epoch, learned in enumerate(learn(head, seen, dssim, dssim, seed), 1):
        head = learned
        progress(len(inputs) + epoch, steps, "learning")
    spread = straighten(axis(found, qualities), axis(found, range(1, 101)))
    return Trained(stand_in, head, spread, {"pictures": len(inputs)})


def _seen(inputs: NDArray[np.uint8], stand_in: StandIn, progress: Callable[[int], None]) -> Iterator[Array]:
    """Yield (places, knots + 16) of each mosaic, of the places that lie within a tile."""
    run, inside = runner(stand_in), whole_places()
    for done, mosaic in enumerate(inputs, 1):
        yield run(mosaic[None].astype(np.float32))[0][inside]
        progress(done)


def runner(stand_in: StandIn) -> Callable[[Array], Array]:
    """Return the fixed layers as a function, by OpenVINO in one thread."""
    graph = Graph((1, SIDE, SIDE, 3))
    graph.output(places(graph, stand_in))
    with TemporaryDirectory(prefix="foveola-") as folder:
        path = Path(folder) / "places.pb"
        path.write_bytes(tensorflow.write(graph))
        how = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        request = core().compile_model(core().read_model(path), "CPU", how).create_infer_request()
    return lambda value: np.array(request.infer([value])[0])
