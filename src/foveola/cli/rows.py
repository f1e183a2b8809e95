"""One row for one input of `foveola encode`: what `--json` prints, and the line that people read.

The row is a contract: names, types and units are in docs/json-output.md, whose table is made from this file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from foveola.cli.show import size


def _doc(text: str) -> Any:
    return field(default=None, metadata={"doc": text})


NOTES = {
    "first_frame": "only the first of several frames or pages was written",
    "deep": "16 bit a channel were kept, and only 8 are searched",
    "side_limited": "a side was too long for the format, so the picture was made smaller",
    "no_quality": "the format has no quality, so nothing was searched for",
    "no_network": "there is no network for method ml; it searched as dssim does",
    "no_ml_extra": 'networks need pip install "foveola[ml]"; it searched as dssim does',
    "network_damaged": "the network that came with foveola is damaged; it searched as dssim does",
    "network_failed": "the network failed on this picture; it searched as dssim does",
    "over_max_resolution": "the result has too many pixels for a search",
    "max_bytes": "the quality was lowered until the file fitted, or was given up",
}
"""What each note of a result says to people."""


@dataclass(frozen=True)
class Row:
    """What became of one input; null where it is not known."""

    source: str = field(metadata={"doc": "path of the input, as it was given"})
    output: str | None = _doc("path of the file that was written; null when nothing was")
    format: str | None = _doc("format of the output: `jpeg`, `webp`, `avif`, `jxl`, `tiff`, `png` or `gif`")
    method: str | None = _doc("method of the search: `none`, `size`, `dssim` or `ml`")
    quality: int | None = _doc("quality of the output on its codec's scale, 0..100; null where the format has none")
    dssim: float | None = _doc("DSSIM of the output against what went into the encoder, 0..1; null if not measured")
    bytes: int | None = _doc("bytes of the output")
    source_bytes: int | None = _doc("bytes of the input")
    encodes: int | None = _doc("calls of the encoder on the whole picture")
    met: bool | None = _doc("whether the output meets the goal: within the allowed error, or within the bytes")
    kept: bool | None = _doc("whether the output is at or under the ceiling: target + allowed error, or the bytes")
    why: str | None = _doc(
        "why the search ended: `met`, `at_min`, `at_max`, `between_steps`, `deadline`, `max_encodes`, `trusted` or "
        "`fixed`"
    )
    first: str | None = _doc("where the first guess came from: `curve`, `transform`, `network`, `remembered`, `none`")
    notes: tuple[str, ...] = field(
        default=(), metadata={"doc": "what a reader should know besides, in the words of the glossary; mostly empty"}
    )
    seconds: float | None = _doc("wall-clock seconds from reading the input to writing the output")
    error: str | None = _doc("what went wrong, one sentence; null when the output was written")

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON can hold it, in the order of the contract."""
        return asdict(self)

    def line(self) -> str:
        """Return the row as people read it: before, after, saved, quality, DSSIM, encodes, met or why."""
        name = self.source if self.output in (None, self.source) else f"{self.source} -> {self.output}"
        return f"{name}: " + ", ".join(part for part in self._parts() if part)

    def remark(self) -> str | None:
        """Return what went wrong, or the notes in words; None where there is nothing to say."""
        return self.error or "; ".join(NOTES[note] for note in self.notes) or None

    def _parts(self) -> tuple[str | None, ...]:
        return (
            f"{size(self.source_bytes)} -> {size(self.bytes)}",
            self._saved(),
            None if self.quality is None else f"quality {self.quality}",
            None if self.dssim is None else f"DSSIM {self.dssim:.5f}",
            None if not self.encodes else f"{self.encodes} encode{'s' if self.encodes > 1 else ''}",
            self._verdict(),
        )

    def _saved(self) -> str | None:
        if not self.source_bytes or self.bytes is None:
            return None
        change = 100 * (1 - self.bytes / self.source_bytes)
        return f"saved {change:.1f} %" if change >= 0 else f"grew by {-change:.1f} %"

    def _verdict(self) -> str | None:
        if self.met is None or self.met:
            return "met" if self.met else self.why
        return f"{'kept' if self.kept else 'missed'}, {self.why}"
