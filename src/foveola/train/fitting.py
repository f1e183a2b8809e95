"""From pictures and their labels to the files of a network, with figures of pictures that it has not seen.

Every sixth picture, by the hash of its name, is held out: the network is not fitted on it, and what is printed and
written of its accuracy is about those pictures only. The network itself is `foveola.train.model`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from foveola.codecs import codec
from foveola.errors import ArgumentError, FoveolaError
from foveola.networks import Network
from foveola.networks.heads import crossing
from foveola.networks.inputs import SIDE, square
from foveola.train import model, networks
from foveola.train.extras import needed
from foveola.train.figures import TARGETS, Figures, Foreseen, constant, curves, first_encode, judge
from foveola.train.labelling import Report, open_picture
from foveola.train.labels import VARIED, Labels
from foveola.train.model import Progress, Trained

HELD_OUT = 6
"""One picture in so many is held out."""
FEWEST = 24
"""Pictures without which nothing can be learned."""
ADVISED = 300
"""Pictures below which a warning is due."""
LOSING = 0.01
"""DSSIM that a picture has to reach at its lowest quality; others have no curve to learn from."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a network is fitted on and held to.

    Args:
        labels: of the pictures that can be used.
        held: (n) which of them are held out.
        inputs: (k, 416, 416, 3) uint8, what the network sees of those that are not.
        skipped: why a labelled picture was left out, by name.
    """

    labels: Labels
    held: NDArray[np.bool_]
    inputs: NDArray[np.uint8]
    skipped: Mapping[str, str]

    @property
    def learned(self) -> Labels:
        """What the network is fitted on."""
        return self.labels.only(np.flatnonzero(~self.held))

    @property
    def judged(self) -> Labels:
        """What it is held to: pictures that are held out, as they are served."""
        return self.labels.only(np.flatnonzero(self.held & ~self.labels.varied))

    @property
    def pictures(self) -> int:
        """How many pictures there are, however often each was labelled."""
        return int((~self.labels.varied).sum())


def check_installed() -> None:
    """Refuse to begin what can't be finished: a FoveolaError where the extra `[train]` is missing."""
    for module in ("openvino", "onnx"):
        needed(module, "foveola train fit")


def held_out(names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which pictures are held out: the same ones in every run, on every machine."""
    whole = (name.removesuffix(VARIED).encode("utf-8", "surrogateescape") for name in names)
    digests = (hashlib.sha256(name).digest() for name in whole)
    return np.array([int.from_bytes(digest[:8]) % HELD_OUT == 0 for digest in digests], np.bool_)


def gather(folder: Path, labels: Labels, report: Report | None = None) -> Material:
    """Read the labelled pictures, and keep of those that are not held out what a network sees of them.

    Args:
        folder: that was labelled.
        labels: of its pictures.
        report: is told of each picture.

    Raises:
        FoveolaError: too few pictures are left.
    """
    held, kept, skipped = held_out(labels.names), [], dict[str, str]()
    # Made at once, since half a megabyte a picture is too much to have twice; unused memory is never touched.
    inputs, filled = np.empty(((~held).sum(), SIDE, SIDE, 3), np.uint8), 0
    for index, name in enumerate(labels.names):
        try:
            picture = open_picture(folder / name, labels.recipe)
            if (picture.width, picture.height) != tuple(labels.sizes[index]):
                raise ArgumentError("it is not the picture that was labelled")
            if labels.dssim[index].max() <= LOSING:
                raise ArgumentError("it loses next to nothing at the lowest quality")
            if not held[index]:
                inputs[filled] = square(picture, "mosaic", SIDE)
                filled += 1
            kept.append(index)
        except (FoveolaError, OSError) as error:
            text = str(error) if isinstance(error, FoveolaError) else error.strerror
            skipped[name] = " ".join((text or type(error).__name__).split())
        if report is not None:
            report(index + 1, len(labels), name, skipped.get(name))
    material = Material(labels.only(kept), held[kept], inputs[:filled], skipped)
    if material.pictures < FEWEST:
        why = next((f" ({name}: {reason})" for name, reason in skipped.items()), "")
        raise FoveolaError(f"Expected at least {FEWEST} pictures to learn from, got {material.pictures}{why}")
    return material


def fit(material: Material, seed: int, progress: Progress) -> Trained:
    """Fit a network on the pictures that are not held out."""
    return model.fit(material.inputs, material.learned, seed, progress)


@dataclass(frozen=True, eq=False)
class Written:
    """The files of a network, and what it does on the pictures that were held out.

    Args:
        files: that were written.
        held_out: how many pictures it was held to; without one there are no figures.
        figures: of the network, by target.
        constant: of the quality that serves the other pictures best, by target.
    """

    files: tuple[Path, ...]
    held_out: int
    figures: Mapping[float, Figures]
    constant: Mapping[float, Figures]


def write(trained: Trained, material: Material, folder: Path, out: Path, credit: str = "") -> Written:
    """Write a network as `NAME.pb` and `NAME.onnx`, each with its sidecar, after it was tried on what was held out.

    Args:
        trained: what `fit` returned.
        material: that it was fitted on, and the rest.
        folder: of the pictures.
        out: `NAME.pb`.
        credit: what the sidecar says of the pictures; how many and of which folders where it is empty.

    Raises:
        FoveolaError: the network that was written can't be run.
        OSError: a file can't be written.
    """
    learned, held = material.learned, material.judged
    containers = networks.containers(trained.graph())
    count = len(learned) - int(learned.varied.sum())
    trained_on = credit or f"{count} pictures of {', '.join(sorted(set(learned.sources)))}"
    with TemporaryDirectory(prefix=".foveola-", dir=out.parent) as aside:
        trial = networks.write(Path(aside) / out.name, containers[".pb"], learned, trained_on, {})[0]
        found = judged(_qualities(trial, held, folder), held)
    fixed = constant(learned.only(np.flatnonzero(~learned.varied)), TARGETS)
    beside = judged(lambda _, target: fixed[target], held)
    figures = {**trained.figures, "held_out": len(held), **flat(found)}
    files: list[Path] = []
    for suffix, data in containers.items():
        files += networks.write(out.with_suffix(suffix), data, learned, trained_on, figures)
    return Written(tuple(files), len(held), found, beside)


def _qualities(path: Path, labels: Labels, folder: Path) -> Callable[[int, float], float]:
    """Return what says the quality that a network has for a picture and a target."""
    network, found = Network.load(path, labels.format), codec(labels.format)
    said = [network.predict(open_picture(folder / name, labels.recipe)) for name in labels.names]
    return lambda index, target: said[index].at(target, found, labels.settings)


def judged(said: Callable[[int, float], float], labels: Labels) -> dict[float, Figures]:
    """Return figures by target of what is said of pictures, none where there is no picture.

    Args:
        said: from the index of a picture and a target to a quality, 1..100.
        labels: of the pictures.
    """
    known, found = curves(labels), dict[float, Figures]()
    for target in TARGETS if len(labels) else ():
        truth = np.array([crossing(curve, target) for curve in known])
        quality = np.array([said(index, target) for index in range(len(labels))], np.float64)
        found[target] = judge(Foreseen(quality, first_encode(known, quality)), truth, target)
    return found


def flat(figures: Mapping[float, Figures]) -> dict[str, float]:
    """Return figures by the names that a sidecar has for them: `mae_0.02`, `within_2_0.02`, `tolerable_0.02`."""
    names = ("mae", "within_1", "within_2", "within_5", "tolerable")
    return {
        f"{name}_{target:g}": round(getattr(found, name).value, 4)
        for target, found in figures.items()
        for name in names
    }
