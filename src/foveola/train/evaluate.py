"""How good a network is on pictures that it has not seen, beside what costs nothing and beside real searches.

Ways of choosing a first quality: `network` is what the network says by itself; `ml` and `dssim` are real searches;
`transform` is what the picture's coefficients say, which is where `dssim` begins; `family` is the mean of the codec's
curves and `constant` one quality for all pictures. The last two never look at the picture: who does not beat them has
learned nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from foveola.autoquality import PROBES, find
from foveola.codecs import Codec, codec
from foveola.errors import FoveolaError, ImageError, NetworkError
from foveola.foresight.transform import foresee_dssim
from foveola.goal import Autoquality, Bounds
from foveola.metrics import Reference
from foveola.networks import SHIPPED, Network, Predictor
from foveola.networks.heads import crossing
from foveola.picture import Picture
from foveola.search import Step
from foveola.train import crew
from foveola.train.figures import (
    TARGETS,
    TOLERANCE,
    Figures,
    Foreseen,
    Vector,
    constant,
    curves,
    family,
    first_encode,
    judge,
    over_qualities,
)
from foveola.train.labelling import Report, distinct, open_picture
from foveola.train.labels import Labels, Recipe

Way = Literal["network", "ml", "dssim", "transform", "family", "constant"]
WAYS: tuple[Way, ...] = get_args(Way)
Method = Literal["ml", "dssim"]
SEARCHES: tuple[Method, ...] = get_args(Method)
WHOLE = Bounds(1, 100)


@dataclass(frozen=True)
class Question:
    """What is asked of every picture.

    Args:
        folder: of the pictures.
        recipe: how they are prepared and encoded.
        network: the file of the network.
        targets: DSSIM to meet.
        allowed_error: of the searches.
        search: whether searches are run.
    """

    folder: Path
    recipe: Recipe
    network: Path
    targets: tuple[float, ...] = TARGETS
    allowed_error: float = TOLERANCE
    search: bool = True


@dataclass(frozen=True)
class Searched:
    """What a search came to: its first encode, and how many it took (mosaics by their share)."""

    quality: int
    dssim: float
    encodes: float


@dataclass(frozen=True)
class Answer:
    """What was foreseen and found of one picture, by target; NaN is what could not be foreseen."""

    size: tuple[int, int]
    network: tuple[float, ...]
    transform: tuple[float, ...]
    searched: Mapping[Method, tuple[Searched, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """The figures of one way at one target, of one source or, with an empty name, of all pictures."""

    target: float
    source: str
    way: Way
    figures: Figures

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON can hold it."""
        return {"target": self.target, "source": self.source, "way": self.way, **self.figures.as_dict()}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a network is.

    Args:
        labels: of the pictures that it was held to.
        question: what was asked.
        rows: figures by target, source and way.
        truth: (targets, pictures) qualities.
        foreseen: what each way said, by target and way.
        skipped: why a picture was left out, by name.
    """

    labels: Labels
    question: Question
    rows: tuple[Row, ...]
    truth: Vector
    foreseen: Mapping[tuple[float, Way], Foreseen]
    skipped: Mapping[str, str]

    def figures(self, target: float, way: Way, source: str = "") -> Figures | None:
        """Return the figures of a way, None where it was not tried."""
        wanted = (target, source, way)
        return next((row.figures for row in self.rows if (row.target, row.source, row.way) == wanted), None)


def evaluate(
    question: Question,
    labels: Labels,
    *,
    against: Labels | None = None,
    processes: int = 1,
    report: Report | None = None,
) -> Evaluation:
    """Hold a network against labels.

    Args:
        question: what to ask.
        labels: the truth, of pictures that the network has not seen.
        against: labels of the pictures that it was fitted on, for the constant; those of the truth when None, whose
            constant no honest network could know.
        processes: pictures worked on at a time.
        report: is told of each picture.

    Raises:
        FoveolaError: nothing could be asked of any picture.
    """
    answers, skipped = _ask_all(question, labels, processes, report)
    if not answers:
        name, why = next(iter(skipped.items()), ("no picture", "none was labelled"))
        raise FoveolaError(f"Expected a picture to evaluate on, got none ({name}: {why})")
    kept = labels.only([index for index, name in enumerate(labels.names) if name in answers])
    known = curves(kept)
    truth = np.array([[crossing(curve, target) for curve in known] for target in question.targets])
    fixed = {
        "family": family(kept.format, kept.settings, question.targets),
        "constant": constant(against or kept, question.targets),
    }
    said = [answers[name] for name in kept.names]
    foreseen = {
        (target, way): found
        for index, target in enumerate(question.targets)
        for way, found in _ways(index, target, said, known, fixed).items()
    }
    rows = tuple(_rows(question, kept, truth, foreseen))
    return Evaluation(kept, question, rows, truth, foreseen, skipped)


def _ask_all(
    question: Question, labels: Labels, processes: int, report: Report | None
) -> tuple[dict[str, Answer], dict[str, str]]:
    answers: dict[str, Answer] = {}
    skipped: dict[str, str] = {}
    work = partial(ask, question=question)
    for done, (index, outcome) in enumerate(crew.run(work, labels.names, processes), 1):
        name = labels.names[index]
        if not isinstance(outcome, Answer):
            skipped[name] = outcome.reason
        elif outcome.size != tuple(labels.sizes[index]):
            skipped[name] = "it is not the picture that was labelled"
        else:
            answers[name] = outcome
        if report is not None:
            report(done, len(labels), name, skipped.get(name))
    return answers, skipped


def _ways(
    index: int, target: float, said: Sequence[Answer], known: Vector, fixed: Mapping[str, Mapping[float, float]]
) -> dict[Way, Foreseen]:
    """Return what each way said at one target."""
    qualities: dict[Way, Vector] = {
        "network": np.array([answer.network[index] for answer in said]),
        "transform": np.array([answer.transform[index] for answer in said]),
        "family": np.full(len(said), fixed["family"][target]),
        "constant": np.full(len(said), fixed["constant"][target]),
    }
    found = {way: Foreseen(quality, first_encode(known, quality)) for way, quality in qualities.items()}
    for way in SEARCHES:
        if all(way in answer.searched for answer in said):
            runs = [answer.searched[way][index] for answer in said]
            columns = np.array([(run.quality, run.dssim, run.encodes) for run in runs], np.float64).T
            found[way] = Foreseen(*columns)
    return {way: found[way] for way in WAYS if way in found and np.isfinite(found[way].quality).any()}


def _rows(
    question: Question, labels: Labels, truth: Vector, foreseen: Mapping[tuple[float, Way], Foreseen]
) -> list[Row]:
    found = np.array(labels.sources)
    several = sorted(set(labels.sources)) if len(set(labels.sources)) > 1 else []
    rows = []
    for source in ("", *several):
        some = np.flatnonzero((found == source) | (source == ""))
        for (target, way), all_said in foreseen.items():
            true = truth[question.targets.index(target), some]
            rows.append(Row(target, source, way, judge(all_said.only(some), true, target, question.allowed_error)))
    return rows


def ask(name: str, question: Question) -> Answer:
    """Let the network, the transform and two searches say of one picture what they can.

    Raises:
        FoveolaError: the picture can't be read, or the network not be loaded.
    """
    recipe, targets = question.recipe, question.targets
    picture, found = open_picture(question.folder / name, recipe), codec(recipe.format)
    network = loaded(question.network, recipe.format)
    searched = {
        method: tuple(_search(picture, found, method, target, question, network) for target in targets)
        for method in SEARCHES
        if question.search
    }
    return Answer(
        (picture.width, picture.height),
        _network(network, picture, found, recipe.settings, targets),
        _transform(Reference(picture), found, recipe, targets),
        searched,
    )


@cache
def loaded(path: Path, format: str) -> Predictor:
    """Return a network, read once a process; one that came with foveola is asked as `ml` asks it.

    Raises:
        ConfigError: it can't be used.
    """
    return Network.load(path, format, own=path.resolve().parent != SHIPPED.resolve())


def _network(
    network: Predictor, picture: Picture, found: Codec, settings: Any, targets: Sequence[float]
) -> tuple[float, ...]:
    try:
        prediction = network.predict(picture)
    except NetworkError:
        return (math.nan,) * len(targets)
    return tuple(float(prediction.at(target, found, settings)) for target in targets)


def _transform(reference: Reference, found: Codec, recipe: Recipe, targets: Sequence[float]) -> tuple[float, ...]:
    """Return the quality at which the transform sees each target met, after as many looks as a search takes."""
    at = distinct(found, recipe.settings)
    steps = [Step(quality, found.setting(quality, recipe.settings)) for quality in at]
    qualities = []
    for target in targets:
        foresight = foresee_dssim(reference, found, recipe.settings, steps)
        if foresight is None:
            return (math.nan,) * len(targets)
        for _ in range(PROBES):
            if not foresight.look(int(np.abs(foresight.curve.mean - math.log(target)).argmin())):
                break
        qualities.append(crossing(over_qualities(recipe.format, at, foresight.curve.mean[None])[0], target))
    return tuple(qualities)


def _search(
    picture: Picture,
    found: Codec,
    method: Method,
    target: float,
    question: Question,
    network: Predictor,
) -> Searched:
    """Run one search and return its first encode."""
    goal = Autoquality(method, target, WHOLE, question.allowed_error)
    result = find(picture, found, goal, question.recipe.settings, predictor=network)
    first = next((probe for probe in result.probes if probe.seen != "mosaic"), None)
    if first is None or first.dssim is None:
        raise ImageError("Expected a search with an encode, got none")
    return Searched(first.quality, first.dssim, result.encoded)
