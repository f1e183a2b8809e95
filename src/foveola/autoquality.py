"""Find the quality: the one function that joins the search, the metric, the codec and the foresight.

It looks cheaply first (transform probes), encodes where that points, decodes and measures what came out, and asks the
search whether that is enough. The file that was measured is the file that is returned; nothing is encoded again at the
end. The contract that `Result` keeps is in docs/design.md.
"""

from __future__ import annotations

import builtins
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from foveola.codecs.base import Codec
from foveola.errors import ArgumentError, expected, whole
from foveola.foresight.transform import Foresight
from foveola.goal import Autoquality
from foveola.networks import Absent, Predictor
from foveola.picture import Picture
from foveola.remembered import NOTHING, Answer, Hint, Remembered
from foveola.search import Probe, Search, Target, Why, log, steps_of
from foveola.settings import BEST_JPEG, SETTINGS, make_settings
from foveola.workbench import Bench

PROBES = 5
"""Looks without an encode before each encode, at most."""
SURE = 0.97
"""How likely an encode has to end the search so that no look is worth its time."""
REACH = 12
"""Steps beyond a closed bracket where the transform is asked once more."""
BESIDE = 2
"""Encodes beyond a closed bracket, at most."""
CAUTION = 2.5
"""Standard deviations by which the last file allowed has to be believed to fit."""
MOST_OF_ANIMATION = 3
"""Encodes of an animation, at most: each is one of all its frames."""
SAME = 1e-6
"""By how much a DSSIM may differ when it is measured again: the decoders and the metric repeat to the last bits."""

First = Literal["curve", "transform", "network", "remembered", "none"]
Note = Literal["no_quality", "over_max_resolution", "deep", "max_bytes", "first_frame", "side_limited", Absent]
TRUSTING = 1.0
"""The allowed error from which on a network is trusted: no DSSIM is further off."""


@dataclass(frozen=True)
class Result:
    """What was chosen, and how it came about; the command line, the header and the charts all read it.

    Args:
        format: the name of the file's format.
        method: what was asked for.
        quality: what was chosen, None where the format has none.
        data: the file.
        dssim: of the file to the picture, 0..1; None where it was not measured.
        met: whether |dssim - target| <= allowed error (`size`: whether the file fits); None where nothing was asked.
        kept: whether the file is at or under the ceiling.
        why: what ended the search.
        first: what chose the first quality.
        encodes: calls of the encoder on the whole picture.
        probes: what was seen, in order.
        notes: what a reader should know besides: `first_frame`, `no_quality`, `over_max_resolution`, `deep` (16 bit,
            which are not searched), `max_bytes`, `side_limited`; with method `ml` why it searched as `dssim` does:
            `no_network`, `no_ml_extra`, `network_damaged`, `network_failed`.
        worst_frame: DSSIM of the worst frame of an animation, whose mean is `dssim`; None where there is one frame, or
            where it was not measured now.
    """

    format: str
    method: str
    quality: int | None
    data: builtins.bytes
    dssim: float | None
    met: bool | None
    kept: bool | None
    why: Why
    first: First
    encodes: int
    probes: tuple[Probe, ...] = ()
    notes: tuple[Note, ...] = ()
    worst_frame: float | None = None

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return len(self.data)

    @property
    def encoded(self) -> float:
        """How much was given to the encoder, in whole pictures: `encodes`, and mosaics by their share."""
        return self.encodes + sum(probe.area for probe in self.probes if probe.seen == "mosaic")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file to `path`, over what is there."""
        Path(path).write_bytes(self.data)


def never() -> bool:
    """Return False: a search that nobody stops."""
    return False


def find(
    picture: Picture,
    codec: Codec,
    goal: Autoquality,
    settings: Any = None,
    *,
    stop: Callable[[], bool] = never,
    predictor: Predictor | Absent = "no_network",
    remembered: Remembered = NOTHING,
    workers: int = 1,
) -> Result:
    """Find the quality at which `picture` in this codec is as good, or as small, as `goal` asks.

    Args:
        picture: exactly as it goes into the encoder. All frames of an animation get one quality; the mean of their
            DSSIM counts, and no more than three encodes are made.
        codec: the format of the result.
        goal: a method other than `none`, its target, bounds and allowed error.
        settings: of the codec, its defaults when None; with method `ml` a JPEG is always written with the best ones.
        stop: asked between encodes; once it is true the best so far is returned.
        predictor: who says the first quality with method `ml`, see `foveola.networks`, or why nobody does. The
            user's own network is always asked; the one that came with foveola only for what the transform can't
            foresee, which foresees the rest better. With an allowed error of 1 what they say is not verified.
        remembered: what earlier searches have found. An answer costs one encode, and what is reported of it was
            measured then; where its file comes out otherwise, the search begins anew without it.
        workers: 2 to encode at two qualities side by side, in two threads, where one may not be enough: sooner done,
            for more work.

    Returns:
        The file and what is true of it. Missing a target is never an error.

    Raises:
        ArgumentError: method `none` has nothing to find.
        CodecError: the encoder failed.
    """
    _check(picture, codec, goal, workers)
    if len(picture.frames) > 1:
        goal = replace(goal, max_encodes=min(goal.max_encodes or MOST_OF_ANIMATION, MOST_OF_ANIMATION))
    settings = settings_for(codec, goal, settings)
    notes: tuple[Note, ...] = (predictor,) if goal.method == "ml" and isinstance(predictor, str) else ()
    if codec.qualities is None:
        return _without_quality(picture, codec, goal, settings, notes)
    bench = Bench(picture, codec, settings, goal)
    answer = remembered.answer
    if answer and (again := _again(bench, answer, remembered.check)):
        return _result(bench, again, (again,), answer.why, "remembered", notes)
    steps = steps_of(goal, [(q, codec.setting(q, settings)) for q in _within(codec, goal)])
    foresight = bench.foresight(steps) if len(steps) > 1 else None
    first: First = "none" if len(steps) == 1 else "transform" if foresight else "curve"
    if foresight and not answer and _hint(foresight, bench, remembered.hints):
        first = "remembered"
    said: int | None = None
    if goal.method == "ml" and not isinstance(predictor, str) and (predictor.own or first == "curve"):
        said = bench.said(predictor, steps)
        first, notes = (first, ("network_failed",)) if said is None else ("network", ())
    search = Search(Target.of(goal), steps, foresight.curve if foresight else bench.family(steps), said)
    if goal.method == "ml" and goal.allowed_error >= TRUSTING and not notes:
        return _trusted(bench, search, foresight, first)
    why = _run(search, bench, foresight, stop, workers)
    assert search.best is not None
    return _result(bench, bench.written(search.best), search.probes, why, first, notes)


def _trusted(bench: Bench, search: Search, foresight: Foresight | None, first: First) -> Result:
    """Return the file of the quality that is foreseen, which nobody has measured."""
    index = search.ask()
    if foresight and not search.pinned:
        index = _foreseen(search, foresight, index, sure=math.inf)
    assert index is not None
    step = search.steps[index]
    data = bench.codec.encode(bench.picture, step.quality, bench.settings)
    probe = Probe(step.quality, step.setting, None, len(data), None, "foreseen")
    made = (bench.codec.name, bench.goal.method, step.quality, data, None, None, None)
    return Result(*made, "trusted", first, 1, (probe,))


def _check(picture: Picture, codec: Codec, goal: Autoquality, workers: int) -> None:
    if not whole(workers) or workers not in (1, 2):
        raise ArgumentError(expected("1 or 2", "workers", workers))
    if not isinstance(picture, Picture):
        raise ArgumentError(expected("a Picture", "picture", type(picture).__name__))
    if not hasattr(codec, "encode") or isinstance(codec, str):
        raise ArgumentError(expected("a Codec", "codec", codec))
    if not isinstance(goal, Autoquality):
        raise ArgumentError(expected("an Autoquality", "goal", goal))
    if goal.method == "none":
        raise ArgumentError(expected("size, dssim or ml", "method", "none"))


def settings_for(codec: Codec, goal: Autoquality, settings: Any = None) -> Any:
    """Return the settings that a search really encodes with (see `find`)."""
    if goal.method == "ml" and codec.name == "jpeg":
        return BEST_JPEG
    if settings is None:
        return make_settings(codec.name, {})
    kind = SETTINGS.get(codec.name)
    if kind is not None and not isinstance(settings, kind):
        raise ArgumentError(expected(kind.__name__, "settings", settings))
    return settings


def _again(bench: Bench, answer: Answer, check: bool) -> Probe | None:
    """Return the file of a remembered answer, None where it turns out to be another than was remembered."""
    assert bench.codec.qualities is not None
    told = bench.goal.method == "size" or answer.dssim is not None
    if not told or bench.codec.qualities.clamp(answer.quality) != answer.quality:
        return None
    setting = bench.codec.setting(answer.quality, bench.settings)
    probe = bench.written(Probe(answer.quality, setting, answer.dssim, None, None, "remembered"))
    assert probe.data is not None
    true = answer.dssim is None or not check or abs(bench.decoded(probe.data, answer.quality) - answer.dssim) <= SAME
    return probe if true and probe.bytes == answer.bytes else None


def _hint(foresight: Foresight, bench: Bench, hints: Sequence[Hint]) -> bool:
    """Move the foresight by what was seen before; return whether it was moved."""
    places = {step.setting: index for index, step in enumerate(foresight.steps)}
    found = [(places.get(bench.codec.setting(hint.quality, bench.settings)), hint) for hint in hints]
    inside = [(index, hint.above, hint.variance) for index, hint in found if index is not None]
    if foresight.exact or not inside:
        return False
    foresight.remembered(inside)
    return True


def _run(search: Search, bench: Bench, foresight: Foresight | None, stop: Callable[[], bool], workers: int) -> Why:
    """Let the search ask and the bench answer until one of them is done."""
    while (index := _ask(search, bench, foresight)) is not None:
        if search.best is not None:
            if stop():
                return "deadline"
            if not bench.affords(1):
                return "max_encodes"
            index = index if bench.affords(2) else _last(search, index)
        several = (
            workers > 1 and not search.pinned and foresight is not None and not foresight.exact and bench.affords(2)
        )
        indices = search.pair(index) if several and search.why is None else (index,)
        for at, probe in zip(indices, bench.looks([search.steps[i] for i in indices]), strict=True):
            if search.why != "met":
                _tell(search, foresight, at, probe)
    assert search.why is not None
    return search.why


def _last(search: Search, index: int) -> int:
    """Return the step for the last encode that is allowed: `index`, or a lower one if no file fits a number of bytes.

    What may not be larger is no longer asked of the step that is likeliest to come near, but of one that surely fits.
    """
    assert search.best is not None
    target, curve = search.target, search.curve
    if not target.rising or target.kept(target.value(search.best)):
        return index
    sure = curve.mean + CAUTION * curve.sd <= log(target.high)
    return max((step for step in range(index + 1) if sure[step]), default=0)


def _tell(search: Search, foresight: Foresight | None, index: int, probe: Probe) -> None:
    """Tell the search, and whoever foresees for it, what was seen at a step."""
    if foresight:
        probe = replace(probe, above=foresight.measured(index, search.target.value(probe)))
    search.tell(index, probe)
    if foresight:
        search.believe(foresight.curve)


def _ask(search: Search, bench: Bench, foresight: Foresight | None) -> int | None:
    """Return the step to look at next, after it and, if they are better, others were looked at without an encode."""
    index = search.ask()
    if foresight is None or search.pinned:
        return index
    index = _foreseen(search, foresight, index)
    tiles = bench.worth_a_mosaic(search, index) if index is not None and not search.probes else 0
    if index is not None and tiles:
        foresight.hinted(index, *bench.mosaic(search.steps[index], tiles))
        search.believe(foresight.curve)
        index = _foreseen(search, foresight, search.ask())
    return index if index is not None else _second_look(search, foresight)


def _foreseen(search: Search, foresight: Foresight, index: int | None, sure: float = SURE) -> int | None:
    """Return the step to look at next, after the transform was asked about it and, if it disagrees, about others."""
    for _ in range(PROBES):
        if index is None or search.hope(index) > sure or not foresight.look(index):
            break
        search.believe(foresight.curve)
        index = search.ask()
    return index


def _second_look(search: Search, foresight: Foresight) -> int | None:
    """Return a step beside a closed bracket that the transform sees inside the window, None if there is none.

    Curves are not quite monotone. Where a bracket closes between two steps, one just outside may still meet the target.
    An exact foresight costs nothing; a number of bytes is worth a few encodes, for files of some codecs become smaller
    where they change their ways (JPEG XL at quality 19).
    """
    worth = foresight.exact or (search.target.rising and search.beside < BESIDE)
    if search.why != "between_steps" or not worth:
        return None
    for index in search.near(REACH):
        foresight.look(index)
    mean = foresight.curve.mean
    inside = [index for index in search.near(REACH) if search.target.inside(math.exp(mean[index]))]
    return min(inside, key=lambda index: abs(mean[index] - log(search.target.aim)), default=None)


def _result(
    bench: Bench, best: Probe, probes: Sequence[Probe], why: Why, first: First, notes: tuple[Note, ...]
) -> Result:
    target = Target.of(bench.goal)
    value = target.value(best)
    kept = target.kept(value)
    met = kept if bench.goal.method == "size" else target.inside(value)
    assert best.data is not None
    return Result(
        bench.codec.name,
        bench.goal.method,
        best.quality,
        best.data,
        best.dssim,
        met,
        kept,
        why,
        first,
        bench.encodes,
        (*bench.partial, *(replace(best, data=None) if p.quality == best.quality else p for p in probes)),
        notes,
        bench.worst.get(best.quality),
    )


def _within(codec: Codec, goal: Autoquality) -> range:
    """Return the qualities that the codec has within the goal's bounds."""
    assert codec.qualities is not None
    return range(codec.qualities.clamp(goal.bounds.min), codec.qualities.clamp(goal.bounds.max) + 1)


def _without_quality(
    picture: Picture, codec: Codec, goal: Autoquality, settings: Any, notes: tuple[Note, ...]
) -> Result:
    """Write a format that has no quality, once."""
    data = codec.encode(picture, 0, settings)
    return Result(codec.name, goal.method, None, data, None, None, None, "fixed", "none", 1, (), (*notes, "no_quality"))
