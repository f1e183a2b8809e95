"""What jobs are estimated to cost: held against fresh processes, and in order for what can't be measured here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from foveola.info.options import InfoOptions
from foveola.options import ProcessingOptions
from foveola.picture import FORMATS, WRITTEN, Header
from foveola.pipeline import Defaults, plan
from foveola.pipeline.cost import LEAST, READ, WRITE, Cost, cost, cost_of_facts
from foveola.urls import ImageUrl, parse

ROOT = Path(__file__).parent.parent
MEASURE = """
import json, sys
from pathlib import Path
from bench.cost import Case, done, written
from foveola.server.worker import preload
preload()
for source, url in json.loads(sys.argv[1]):
    found = done(written(source, 2, Path(sys.argv[2])), Case(source, 2, "", url))
    print(source, url, found.memory, found.estimated_memory)
"""
CASES = (
    ("jpeg", "w:400/plain/x@webp"),
    ("jpeg", "plain/x@avif"),
    ("jpeg", "aq:dssim:0.02:60:80:0.01/plain/x@webp"),
    ("jpeg-progressive", "w:400/plain/x@jpeg"),
    ("png-interlaced", "w:1000/plain/x@jpeg"),
    ("png-16", "t:10/plain/x@jpeg"),
    ("webp", "w:1800/plain/x@jpeg"),
    ("avif", "w:400/plain/x@jpeg"),
    ("jxl", "w:400/plain/x@jpeg"),
    ("gif-frames", "plain/x@webp"),
)


@pytest.mark.slow
def test_workers_hold_about_what_was_estimated(tmp_path: Path) -> None:

    environ = os.environ | {"MALLOC_ARENA_MAX": "2", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-c", MEASURE, json.dumps(CASES), str(tmp_path)]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=True)

    ratios = {}
    for line in done.stdout.splitlines():
        source, url, held, estimated = line.split()
        ratios[source, url] = int(estimated) / int(held)
    assert len(ratios) == len(CASES)
    assert {case: ratio for case, ratio in ratios.items() if not 0.8 <= ratio <= 4} == {}


def header(format: str = "jpeg", megapixels: float = 12, **more: Any) -> Header:
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    return replace(Header(format, width, width * 3 // 4, 3, False), **more)


def of(source: Header, url: str, **defaults: Any) -> Cost:
    """Return the cost of a source, with what is asked as in a URL."""
    asked = parse(f"/{url}")
    assert isinstance(asked, ImageUrl)
    return cost(plan(source, asked.options, replace(Defaults(), **defaults)), 1_000_000)


def test_every_format_has_its_row() -> None:
    assert READ.keys() == FORMATS.keys()
    assert WRITE.keys() == {*WRITTEN, "palette"}


@pytest.mark.parametrize(
    ("source", "url", "heavy"),
    [
        (header(), "w:400/plain/x@webp", False),
        (header(), "w:800/plain/x@jpeg", False),
        (header(megapixels=40), "w:200/plain/x@jpeg", False),
        (header(megapixels=0.3), "aq:dssim:0.02/plain/x@webp", False),
        (header("png", 2), "w:400/plain/x@webp", False),
        (header(), "plain/x@webp", True),
        (header(), "w:1600/plain/x@avif", True),
        (header(megapixels=3), "plain/x@jxl", True),
        (header(megapixels=1), "pngo:0:1/plain/x@png", True),
        (header("png", 1, palette=True), "plain/x@png", True),
        (header("png", 1), "plain/x@png", False),
        (header(megapixels=3), "aq:dssim:0.02/plain/x@webp", True),
        (header("avif", 8), "w:100/plain/x@jpeg", True),
        (header(megapixels=3), "t:10/plain/x@jpeg", True),
    ],
)
def test_what_takes_long_is_heavy(source: Header, url: str, heavy: bool) -> None:
    assert of(source, url).heavy == heavy


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ((header(), "w:400/plain/x@jpeg"), (header(interlaced=True), "w:400/plain/x@jpeg")),
        ((header("png"), "w:400/plain/x@jpeg"), (header("png", bits=16), "w:400/plain/x@jpeg")),
        ((header("png"), "w:400/plain/x@jpeg"), (header("png", bands=4, alpha=True), "w:400/plain/x@jpeg")),
        ((header(), "w:400/plain/x@jpeg"), (header(), "w:3000/plain/x@jpeg")),
        ((header(), "w:3000/plain/x@jpeg"), (header(), "w:3000/plain/x@avif")),
        ((header(), "w:3000/plain/x@webp"), (header(), "w:3000/aq:dssim:0.02/plain/x@webp")),
        ((header(), "w:3000/plain/x@webp"), (header(), "w:3000/rot:90/plain/x@webp")),
        ((header(), "w:3000/plain/x@webp"), (header(orientation=6), "w:3000/plain/x@webp")),
        ((header(), "rs:fill:900:900/plain/x@jpeg"), (header(), "rs:fill:900:900/g:sm/plain/x@jpeg")),
        ((header(), "w:3000/plain/x@webp"), (header(), "w:3000/bl:3/plain/x@webp")),
        ((header(), "w:400/plain/x@jpeg"), (header(), "t:10/w:400/plain/x@jpeg")),
        ((header(), "w:400/plain/x@jpeg"), (header(), "w:4000/-/w:400/plain/x@jpeg")),
        ((header("tiff", 8), "plain/x@jpeg"), (header("tiff", 8, pages=3), "pgs:3/plain/x@jpeg")),
        ((header("svg", 0.1), "plain/x@png"), (header("svg", 0.1), "w:3000/plain/x@png")),
    ],
)
def test_what_is_held_whole_needs_more(less: tuple[Header, str], more: tuple[Header, str]) -> None:
    assert of(*more).memory > 1.15 * of(*less).memory


def test_frames_count() -> None:
    moving = header("gif", 1, frames=20, pages=20)
    from foveola.picture import Limits

    one, all_ = (of(moving, "plain/x@webp", limits=Limits(frames=frames)) for frames in (1, 20))

    assert all_.memory > 8 * one.memory - 8 * LEAST
    assert all_.seconds > 15 * one.seconds


def test_a_source_that_is_passed_on_is_light() -> None:
    assert not of(header("svg", 40), "plain/x").heavy
    assert of(header("svg", 40), "plain/x").memory < 30_000_000


def test_a_watermark_is_held_whole() -> None:
    planned = plan(header(), ProcessingOptions(width=100), Defaults())

    assert cost(planned, 0, header("png", 10)).memory - cost(planned, 0).memory >= 3 * 4 * 9_900_000


def test_two_encodes_at_a_time_hold_more() -> None:
    planned = plan(header(), parse("/aq:dssim:0.02/plain/x@avif").options, Defaults())

    assert cost(planned, 0, workers=2).memory > 1.3 * cost(planned, 0).memory


def test_facts_cost_pixels_only_where_they_are_looked_at() -> None:
    assert not InfoOptions().decodes
    assert InfoOptions(average=True).decodes
    assert InfoOptions(blurhash=(4, 3)).decodes
    assert not cost_of_facts(header(), 0).heavy
    assert cost_of_facts(header("avif"), 0).heavy
    assert cost_of_facts(header("png", bands=4, alpha=True), 0).memory > 2 * cost_of_facts(header("png"), 0).memory
