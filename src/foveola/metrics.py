"""The metric: how far a decoded file is from the picture that went into the encoder, as one number and three.

DSSIM = (1 - SSIM) / 2 on 8-bit luma, 0 for equal pictures (the `dssim` tool's 1 / SSIM - 1 is another scale). A search
compares one picture with many candidates, so everything that depends on the picture alone is computed once, when it is
first needed, and kept here. Source: Wang, Bovik, Sheikh, Simoncelli: Image quality assessment (IEEE TIP 13, 2004).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveola import kernels
from foveola.codecs.jfif import planes_of
from foveola.errors import ArgumentError, expected
from foveola.kernels import Coefficients, Prepared, Summary
from foveola.picture import Picture

Bytes = NDArray[np.uint8]
VERSION = 1
"""Of the metric: to be raised with any change of its values, because values are remembered."""
WHOLE_BELOW = 0.2
"""Megapixels under which every row of the map is computed: few rows vary more, and the whole map is cheap."""
KEPT_BELOW = 8.0
"""Megapixels up to which the statistics of the whole map are kept for the next candidate: eight bytes a pixel."""
LOOKED_AT = 8
"""Frames of an animation, from its first to its last, that the transform is asked about: they are kept in memory."""
SHORTEST = 10
"""Milliseconds up to which browsers show a frame for 100."""
_GROUNDS = (0, 255)
"""Black and white, over which pixels with alpha are laid; one of them will do without alpha."""


@dataclass(frozen=True)
class Score:
    """A candidate against its reference, by the whole SSIM map.

    Args:
        dssim: mean DSSIM, 0..1; the mean of the frames.
        worst: DSSIM of the worst 16x16 block of the map, in the worst frame.
        p95: 95th percentile of the blocks' DSSIM; the mean of the frames.
        worst_frame: mean DSSIM of the worst frame; `dssim` itself where there is one frame.
    """

    dssim: float
    worst: float
    p95: float
    worst_frame: float

    @property
    def ssim(self) -> float:
        """Mean SSIM of the whole map, -1..1: 1 - 2 DSSIM."""
        return 1 - 2 * self.dssim


class Reference:
    """A picture as it goes into the encoder, prepared once for all candidates.

    Pixels with alpha are composited over black and over white, and the worse of the two counts.

    Args:
        picture: 8-bit frames; they are kept and must not change.
        whole: compute every row of the SSIM map, not every third.

    Raises:
        ArgumentError: the frames are not uint8.
    """

    def __init__(self, picture: Picture, whole: bool = False) -> None:
        _check_depth(picture)
        self.picture = picture
        self.step = 1 if whole or picture.megapixels < WHOLE_BELOW else 3

    @property
    def pixels(self) -> int:
        """Pixels of all frames."""
        return len(self.picture.frames) * self.picture.width * self.picture.height

    def full(self, candidate: Picture) -> Score:
        """Measure a candidate by the whole SSIM map.

        Args:
            candidate: a decoded file of the same size and number of frames; frames that its encoder has merged, because
                they are equal or nearly so, are compared with the one that stands for them.

        Returns:
            Mean, worst block and 95th percentile.

        Raises:
            ArgumentError: size, number of frames or depth differ.
        """
        candidate = self._matched(candidate)
        frames = [
            _worse_of([plane.compare(frame, ground) for plane, ground in pairs])
            for pairs, frame in self._pairs(candidate)
        ]
        dssim, worst, p95 = zip(*frames, strict=True)
        return Score(_mean(dssim), max(worst), _mean(p95), max(dssim))

    def sampled(self, candidate: Picture) -> float:
        """Return the DSSIM of a candidate by the rows of the map that `step` says.

        Args:
            candidate: a decoded file of the same size and number of frames.

        Returns:
            DSSIM, 0..1; near the whole map's on photographs, up to 0.002 off where structure is regular.

        Raises:
            ArgumentError: size, number of frames or depth differ.
        """
        candidate = self._matched(candidate)
        return _mean(
            [
                max(_dssim(kernels.ssim(plane.prepared(self.step), frame, ground)) for plane, ground in pairs)
                for pairs, frame in self._pairs(candidate)
            ]
        )

    def transform(self, table: ArrayLike, dead_zone: float = 0.0, whole: bool = False) -> float:
        """Return the DSSIM that quantising the picture's DCT coefficients would give; nothing is encoded.

        Args:
            table: (8, 8) positive quantiser steps, vertical frequency first.
            dead_zone: 0..0.5, by how much rounding leans to zero.
            whole: by the whole map; else by the rows of it that `step` says.

        Returns:
            DSSIM, 0..1; before the decoder clips to the RGB gamut. Of a long animation the mean of eight frames.

        Raises:
            ArgumentError: a step or the dead zone is out of range.
        """

        def probed(plane: _Plane) -> float:
            return _dssim(plane.transform(table, dead_zone, 1 if whole else self.step))

        return _mean([max(map(probed, self._planes[number])) for number in self._looked_at])

    def prepare(self) -> None:
        """Compute now what candidates are compared with, so that several threads may compare."""
        for plane in (plane for frame in self._planes for plane in frame):
            plane.prepare()

    @property
    def single(self) -> bool:
        """Whether the picture is one frame without alpha."""
        return len(self.picture.frames) == 1 and not self.picture.alpha

    @property
    def luma(self) -> Bytes:
        """(H, W) uint8 of the first frame, over black where there is alpha."""
        return self._planes[0][0].luma

    @property
    def coefficients(self) -> Coefficients:
        """The transform of the luma of the first frame."""
        return self._planes[0][0].coefficients

    def mapped(self, table: ArrayLike, dead_zone: float = 0.0) -> NDArray[np.float64]:
        """Return what `transform` returns for each 16x16 block of the map of the first frame.

        Args:
            table: (8, 8) positive quantiser steps, vertical frequency first.
            dead_zone: 0..0.5, by how much rounding leans to zero.

        Returns:
            (rows, columns) DSSIM, over black where there is alpha; nothing is computed where `transform` saw it last.

        Raises:
            ArgumentError: a step or the dead zone is out of range.
        """
        return (1 - self._planes[0][0].probed(table, dead_zone, self.step)[1]) / 2

    def shown(self, luma_table: ArrayLike, chroma_table: ArrayLike, halved: bool) -> float:
        """Return the DSSIM of a JPEG with these tables, bit for bit as a decoder shows it; nothing is encoded.

        Args:
            luma_table: (8, 8) steps 1..255, vertical frequency first.
            chroma_table: (8, 8) steps for chroma; of no effect on a grey picture.
            halved: chroma of half the rows and columns (4:2:0), else of all.

        Returns:
            DSSIM, 0..1, by the whole map.

        Raises:
            ArgumentError: a step is out of range, or the picture has alpha or several frames.

        Source: libjpeg-turbo's jidctint.c, jdsample.c and jdcolor.c for the rounding and the clipping.
        """
        if not self.single:
            raise ArgumentError(expected("one frame without alpha", "picture", self.picture.frames.shape))
        plane = self._planes[0][0]
        if self.picture.channels == 1:
            return _dssim(plane.transform(luma_table, 0.0, 1))
        planes = planes_of(self.picture, halved, plane.coefficients)
        return _dssim(plane.compare(kernels.decoded_luma(planes, luma_table, chroma_table)).mean)

    def bits(
        self, luma_table: ArrayLike, chroma_table: ArrayLike, dead_zone: float = 0.0, halved: bool = True
    ) -> tuple[float, float]:
        """Return the bits of luma and of chroma of a baseline JPEG with optimal Huffman tables, all frames together.

        Args:
            luma_table: (8, 8) positive quantiser steps, vertical frequency first.
            chroma_table: (8, 8) steps for chroma; of no effect on a grey picture.
            dead_zone: 0..0.5, by how much rounding leans to zero.
            halved: chroma of half the rows and columns (4:2:0), else of all.

        Returns:
            Bits, without headers, of a long animation by eight of its frames; of pixels with alpha the luma over black
            and the chroma as it is.

        Raises:
            ArgumentError: a step or the dead zone is out of range.
        """
        luma = {number: self._planes[number][0].coefficients for number in self._looked_at}
        share = len(self._planes) / len(luma)
        of_luma = share * sum(kernels.bits(plane, luma_table, dead_zone) for plane in luma.values())
        if self.picture.channels == 1:
            return of_luma, 0.0
        frames = (planes_of(self.picture, halved, plane, number) for number, plane in luma.items())
        chroma = (Coefficients(planes.chroma_shape, of) for planes in frames for of in planes.chroma)
        return of_luma, share * sum(kernels.bits(plane, chroma_table, dead_zone) for plane in chroma)

    @cached_property
    def changing(self) -> float:
        """The share of the 8x8 blocks of all frames that differ from the frame before; the first frame counts whole."""
        frames = [frame[0].luma for frame in self._planes]
        height, width = (side - side % 8 for side in frames[0].shape)
        if not height or not width:
            return 1.0
        moved = ((b != a)[:height, :width].reshape(height // 8, 8, -1, 8) for a, b in pairwise(frames))
        return (1 + sum(float(blocks.any((1, 3)).mean()) for blocks in moved)) / len(frames)

    @cached_property
    def _planes(self) -> list[list[_Plane]]:
        """Of each frame one luma plane, or two with alpha: over black and over white."""
        grounds = _GROUNDS if self.picture.alpha else _GROUNDS[:1]
        kept = self.pixels <= KEPT_BELOW * 1e6
        return [[_Plane(kernels.luma(frame, ground), kept) for ground in grounds] for frame in self.picture.frames]

    @cached_property
    def _looked_at(self) -> list[int]:
        """The numbers of the frames that the transform is asked about."""
        last = len(self.picture.frames) - 1
        return sorted({round(share * last) for share in np.linspace(0, 1, LOOKED_AT)})

    def _pairs(self, candidate: Picture) -> Iterator[tuple[list[tuple[_Plane, int]], Bytes]]:
        """Yield each frame of the candidate with the planes to compare it with and the greys to lay it over."""
        grounds = _GROUNDS if self.picture.alpha or candidate.alpha else _GROUNDS[:1]
        for planes, frame in zip(self._planes, candidate.frames, strict=True):
            yield [(planes[i % len(planes)], ground) for i, ground in enumerate(grounds)], frame

    def _matched(self, candidate: Picture) -> Picture:
        """Return a candidate with a frame for each of ours."""
        _check_depth(candidate)
        if 1 <= len(candidate.frames) < len(self.picture.frames):
            candidate = replace(candidate, frames=candidate.frames[_shown_at(self.picture, candidate)])
        ours, theirs = self.picture.frames.shape[:3], candidate.frames.shape[:3]
        if ours != theirs:
            raise ArgumentError(expected("{} frame(s) of {} x {} rows and columns".format(*ours), "candidate", theirs))
        return candidate


class _Plane:
    """One luma plane with what was computed of it so far."""

    _last: tuple[tuple[bytes, float, int], tuple[float, NDArray[np.floating[Any]]]] | None = None

    def __init__(self, luma: Bytes, kept: bool = True) -> None:
        self.luma = luma
        self._small = kept and luma.size <= KEPT_BELOW * 1e6

    @cached_property
    def _whole(self) -> Prepared:
        return kernels.prepare(self.luma, 1)

    @cached_property
    def _thirds(self) -> Prepared:
        return kernels.prepare(self.luma, 3)

    @cached_property
    def coefficients(self) -> Coefficients:
        return kernels.forward_dct(self.luma)

    def prepare(self) -> None:
        """Compute the statistics of the whole map, where they are kept."""
        if self._small:
            self.prepared(1)

    def prepared(self, step: int) -> Prepared:
        return self._whole if step == 1 else self._thirds

    def compare(self, candidate: Bytes, ground: int = 0) -> Summary:
        """Return the whole map in three numbers."""
        if self._small:
            return kernels.ssim_map_summary(self._whole, candidate, ground)
        return kernels.compare_in_bands(self.luma, candidate, ground)

    def transform(self, table: ArrayLike, dead_zone: float, step: int) -> float:
        """Return the SSIM of the probe."""
        if step == 1 and not self._small:
            return self.compare(kernels.reconstruct(self.coefficients, table, dead_zone)).mean
        return self.probed(table, dead_zone, step)[0]

    def probed(self, table: ArrayLike, dead_zone: float, step: int) -> tuple[float, NDArray[np.floating[Any]]]:
        """Return the SSIM of the probe, and of each block; the last is kept."""
        key = np.asarray(table, np.float64).tobytes(), dead_zone, step
        if self._last is None or self._last[0] != key:
            seen = kernels.probe_means(self.prepared(step), self.coefficients, table, dead_zone)
            self._last = key, seen
        return self._last[1]


def compare(a: Picture, b: Picture) -> Score:
    """Measure how far `b` is from `a`.

    Args:
        a: the reference, 8 bit.
        b: the candidate, of the same size and number of frames.

    Returns:
        Mean, worst block and 95th percentile of the DSSIM.

    Raises:
        ArgumentError: size, number of frames or depth differ.
    """
    return Reference(a, whole=True).full(b)


def _shown_at(picture: Picture, candidate: Picture) -> NDArray[np.int64] | slice:
    """Return which frame of a candidate is shown when each of ours begins, all of it where the times tell nothing."""
    times = [_times(shown) for shown in (picture, candidate)]
    known = all(len(shown.frames) == of.size for shown, of in zip((picture, candidate), times, strict=True))
    if len(candidate.frames) == 1:
        return np.zeros(len(picture.frames), np.int64)
    if not known or times[0].sum() != times[1].sum():
        return slice(None)
    starts, ends = np.cumsum(times[0]) - times[0], np.cumsum(times[1])
    found: NDArray[np.int64] = np.searchsorted(ends[:-1], starts, side="right")
    return found


def _times(picture: Picture) -> NDArray[np.int64]:
    """Return how long each frame is shown, milliseconds; what is too short is shown for 100, and written so."""
    times = np.array(picture.delays, np.int64)
    return np.where(times <= SHORTEST, 100, times)


def _check_depth(picture: Picture) -> None:
    if picture.frames.dtype != np.uint8:
        raise ArgumentError(expected("uint8", "frames", str(picture.frames.dtype)))


def _dssim(ssim: float) -> float:
    """Return (1 - SSIM) / 2, within 0..1 whatever single precision did to the last digit of a perfect match."""
    return min(max((1 - ssim) / 2, 0.0), 1.0)


def _worse_of(summaries: Sequence[Summary]) -> tuple[float, float, float]:
    """Return mean, worst and percentile as DSSIM, each the worst of the summaries."""
    statements: tuple[Callable[[Summary], float], ...] = (lambda s: s.mean, lambda s: s.lowest, lambda s: s.low)
    mean, worst, p95 = (max(_dssim(of(summary)) for summary in summaries) for of in statements)
    return mean, worst, p95


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
