"""The picture on the bench: everything that a search can have done to it, and how often the encoder was called.

`foveola.autoquality` decides what is done next; here it is done, each thing once, with what has been computed before.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from foveola.codecs import jpeg
from foveola.codecs.base import Codec
from foveola.errors import NetworkError
from foveola.foresight import mosaic as mosaics
from foveola.foresight.curves import Curve
from foveola.foresight.fitted import belief
from foveola.foresight.transform import Foresight, foresee_bytes, foresee_dssim, in_bytes, keeps_coefficients
from foveola.goal import Autoquality, Bounds
from foveola.metrics import Reference
from foveola.networks import Predictor
from foveola.picture import Picture
from foveola.search import Probe, Search, Step

_log = logging.getLogger("foveola.networks")


@dataclass
class Bench:
    """The picture on the bench: what can be done to it, and how often the encoder was called."""

    picture: Picture
    codec: Codec
    settings: Any
    goal: Autoquality
    encodes: int = 0
    partial: list[Probe] = field(default_factory=list)
    worst: dict[int, float] = field(default_factory=dict)

    @cached_property
    def reference(self) -> Reference:
        """The picture, prepared for looks."""
        return Reference(self.picture, whole=self.goal.verify == "always")

    def foresight(self, steps: Sequence[Step]) -> Foresight | None:
        """Return what the transform can say of the values at `steps`, None for a codec that it can't stand in for."""
        foresee = foresee_bytes if self.goal.method == "size" else foresee_dssim
        return foresee(self.reference, self.codec, self.settings, steps)

    def family(self, steps: Sequence[Step]) -> Curve:
        """Return what is believed of the values at `steps` of any picture in this codec."""
        if self.goal.method == "size":
            return in_bytes(belief(self.codec, self.settings, steps, "bits"), self.reference)
        return belief(self.codec, self.settings, steps, "dssim")

    def said(self, predictor: Predictor, steps: Sequence[Step]) -> int | None:
        """Return the quality of the step that a network says, None where it fails: a search needs none."""
        try:
            prediction = predictor.predict(self.picture)
        except NetworkError as error:
            _log.warning("Searching without a network: %s", error)
            return None
        quality = round(prediction.at(self.goal.target, self.codec, self.settings))
        setting = self.codec.setting(Bounds(steps[0].quality, steps[-1].quality).clamp(quality), self.settings)
        return next(step.quality for step in steps if step.setting == setting)

    def look(self, step: Step) -> Probe:
        """Return what is seen at a step: by the transform where it may be reported, else in the decoded file."""
        value = None if self.goal.method == "size" else self._shown(step.quality)
        if value is not None:
            return Probe(step.quality, step.setting, value, None, None, "transform")
        return self.written(Probe(step.quality, step.setting, None, None, None, "decoded"))

    def looks(self, steps: Sequence[Step]) -> list[Probe]:
        """Return what is seen at one step, or at two at the same time."""
        if len(steps) == 1:
            return [self.look(steps[0])]
        self.reference.prepare()
        aside = replace(self, encodes=0)  # so that each counts by itself
        aside.reference = self.reference
        with ThreadPoolExecutor(1) as thread:
            other = thread.submit(aside.look, steps[1])
            probes = [self.look(steps[0]), other.result()]
        self.encodes += aside.encodes
        return probes

    def affords(self, encodes: int) -> bool:
        """Return whether so many more encodes are within what is allowed."""
        return self.goal.max_encodes is None or self.encodes + encodes <= self.goal.max_encodes

    def written(self, probe: Probe) -> Probe:
        """Return the probe with its file, encoded unless it is there, measured unless that is known or not asked."""
        if probe.data is not None:
            return probe
        self.encodes += 1
        data = self.codec.encode(self.picture, probe.quality, self.settings)
        dssim = probe.dssim
        if dssim is None and (self.goal.method != "size" or self.goal.verify == "always"):
            dssim = self.decoded(data, probe.quality)
        return replace(probe, data=data, bytes=len(data), dssim=dssim)

    def worth_a_mosaic(self, search: Search, index: int) -> int:
        """Return of how many tiles a partial encode is likely to save most, less what it costs; 0 where none is.

        A whole encode that does not end the search costs another; a mosaic costs its share and leaves a known doubt.
        """
        if self.goal.method == "size" or keeps_coefficients(self.settings):
            return 0
        sd = float(search.curve.sd[index])
        best, most = 0, search.hope(index)
        for offer in mosaics.offers(self.reference, self.codec, self.settings, search.steps[index].quality):
            hope = search.hope(index, sd * offer.doubt / math.hypot(sd, offer.doubt)) - offer.share
            if hope > most:
                best, most = offer.count, hope
        return best

    def mosaic(self, step: Step, count: int) -> tuple[float, float]:
        """Return how far the codec lies above the transform at a step, as so many tiles tell, and the variance."""
        mosaic = mosaics.encode_mosaic(self.reference, self.codec, self.settings, step, count)
        self.partial.append(mosaic.probe)
        return mosaic.above, mosaic.variance

    def decoded(self, data: bytes, quality: int) -> float:
        """Return the DSSIM that a decoder shows; of several frames the worst is kept in mind."""
        score = self.reference.full(self.codec.decode(data))
        if len(self.picture.frames) > 1:
            self.worst[quality] = score.worst_frame
        return score.dssim

    def _shown(self, quality: int) -> float | None:
        """Return the DSSIM that a decoder will show, where the coefficients tell it without an encode; else None."""
        if self.goal.verify == "always" or self.picture.alpha or not keeps_coefficients(self.settings):
            return None
        tables = jpeg.tables(quality, self.settings.quant_table)
        return self.reference.shown(*tables, jpeg.halved(quality, self.settings))
