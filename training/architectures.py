"""Try other networks on the same labels, and say what each does on pictures that none has seen.

    python -m training.architectures TRAIN LABELS VALIDATION LABELS --cnn

`knots` is the network of `foveola.train.model` with another number of qualities at which the codec is imitated; `blind`
is its head without the imitation, which sees only what places are like; `mosaics` averages the curves of two mosaics;
`cnn` is a plain convolutional network on the luma of the mosaic, and needs `tensorflow-cpu`. Prints a table.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola import kernels
from foveola.codecs import codec
from foveola.foresight.fitted import axis
from foveola.foresight.imitation import SMALL, level
from foveola.networks.inputs import coloured, mosaic
from foveola.train import model
from foveola.train.head import learn, new, weight_of
from foveola.train.knots import choose, straighten
from foveola.train.labelling import open_picture
from foveola.train.labels import Labels

Array = NDArray[Any]
TARGETS = (0.01, 0.02)
TOLERABLE = 0.002
EPOCHS = 20


@dataclass(frozen=True, eq=False)
class Part:
    """Pictures with their labels."""

    labels: Labels
    pixels: list[Array]

    @property
    def dssim(self) -> Array:
        return np.log(np.maximum(self.labels.dssim, SMALL))

    def mosaics(self, shift: int = 0) -> Array:
        """Return (n, 416, 416, 3), of pictures that begin so many pixels further down and to the right."""
        return np.stack([mosaic(np.ascontiguousarray(p[shift:, shift:])) for p in self.pixels])

    @classmethod
    def read(cls, folder: Path, path: Path) -> Part:
        labels = Labels.read(path)
        labels = labels.only(np.flatnonzero(labels.dssim.max(1) > 0.01))
        return cls(labels, [coloured(open_picture(folder / name, labels.recipe).frames[0]) for name in labels.names])


def ours(train: Part, judged: list[Array], knots: int, blind: bool = False) -> list[Array]:
    """Return the curves that our network with so many knots has for each list of mosaics."""
    labels, found, qualities = train.labels, codec(train.labels.format), list(train.labels.qualities)
    chosen = choose(qualities, train.dssim, found, knots)
    stand_in = model.StandIn.of(found, labels.settings, chosen)
    run, inside = model.runner(stand_in), model.whole_places()

    def seen(mosaics: Array) -> Array:
        places = np.stack([run(one[None].astype(np.float32))[0][inside] for one in mosaics])
        if blind:
            places[..., : len(chosen)] = 0.02
        return places

    places = seen(train.mosaics())
    curve = straighten(axis(found, chosen), axis(found, qualities))
    offset = np.median(train.dssim - level(places[..., : len(chosen)]) @ curve, axis=0)
    head = new(places, curve, offset, model.HIDDEN, 0)
    head = deque(learn(head, places, train.dssim, train.dssim, 0), maxlen=1)[0]
    return [np.concatenate([head(part) for part in _parts(seen(mosaics))]) for mosaics in judged]


def _parts(places: Array) -> Iterator[Array]:
    for start in range(0, len(places), 16):
        yield places[start : start + 16]


def cnn(train: Part, judged: Array) -> Array:
    """Return the curves of a plain network: five convolutions, a mean, two dense layers."""
    import tensorflow as tf

    layers = tf.keras.layers
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(0)
    convolutions = [layers.Conv2D(n, 3, strides=2, padding="same", activation="relu") for n in (16, 32, 48, 64, 96)]
    ends = [layers.GlobalAveragePooling2D(), layers.Dense(96, activation="relu"), layers.Dense(train.dssim.shape[1])]
    net = tf.keras.Sequential([layers.Input((416, 416, 1)), layers.Rescaling(1 / 64, -2), *convolutions, *ends])
    mean, spread, counts = train.dssim.mean(0), train.dssim.std(0) + 1e-3, weight_of(train.dssim)

    def loss(told: Any, said: Any) -> Any:
        off = tf.abs(said * spread + mean - told[:, : len(mean)])
        robust = tf.where(off < 0.08, off * off / 0.16, off - 0.04)
        return tf.reduce_sum(told[:, len(mean) :] * robust) / tf.reduce_sum(told[:, len(mean) :])

    rate = tf.keras.optimizers.schedules.CosineDecay(1e-3, EPOCHS * (len(train.pixels) // 16))
    net.compile(tf.keras.optimizers.AdamW(rate, weight_decay=1e-3), loss)
    told = np.concatenate([train.dssim, counts], 1).astype(np.float32)
    net.fit(_luma(train.mosaics()), told, batch_size=16, epochs=EPOCHS, verbose=0)
    said: Array = net.predict(_luma(judged), verbose=0) * spread + mean
    return said


def _luma(mosaics: Array) -> Array:
    return np.stack([kernels.luma(np.ascontiguousarray(one)) for one in mosaics])[..., None]


def judge(said: Array, part: Part) -> str:
    """Return MAE in quality and the share whose first file is within tolerance, for each target."""
    every, qualities = np.arange(1, 101), list(part.labels.qualities)
    curves, truths = (
        np.array([np.interp(every, qualities, c) for c in np.minimum.accumulate(x, 1)]) for x in (said, part.dssim)
    )
    cells = []
    for target in TARGETS:
        asked, true = (100 - (c <= np.log(target)).sum(1) + 1 for c in (curves, truths))
        asked, true = np.minimum(asked, 100), np.minimum(true, 100)
        first = np.exp(truths[np.arange(len(truths)), asked - 1])
        bound = ((asked == 1) & (first < target)) | ((asked == 100) & (first > target))
        good = (np.abs(first - target) <= TOLERABLE) | bound
        cells += [f"{np.abs(asked - true).mean():.2f}", f"{100 * good.mean():.0f} %"]
    return " | ".join(cells)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("validation", type=Path)
    parser.add_argument("judged", type=Path)
    parser.add_argument("--cnn", action="store_true", help="fit the plain network too (slow; needs tensorflow-cpu)")
    options = parser.parse_args()
    train, part = Part.read(options.train, options.labels), Part.read(options.validation, options.judged)
    one, other = part.mosaics(), part.mosaics(48)

    def say(name: str, start: float, said: Array) -> None:
        print(f"| {name} | {judge(said, part)} | {time.process_time() - start:.0f} s |", flush=True)

    print("| network | MAE at .01 | ±.002 | MAE at .02 | ±.002 | CPU time of the fit |\n|---|---|---|---|---|---|")
    for knots in (4, 8, 12):
        start = time.process_time()
        curves = ours(train, [one, other], knots)
        say(f"{knots} knots" + (" (shipped)" if knots == model.KNOTS else ""), start, curves[0])
        if knots == model.KNOTS:
            say(f"{knots} knots, two mosaics", start, (curves[0] + curves[1]) / 2)
    start = time.process_time()
    say("blind: no imitation", start, ours(train, [one], model.KNOTS, blind=True)[0])
    if options.cnn:
        start = time.process_time()
        say("plain convolutional", start, cnn(train, one))


if __name__ == "__main__":
    main()
