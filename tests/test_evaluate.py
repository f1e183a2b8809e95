"""Evaluating a network: every way is held to what was measured, and the tables say what was found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foveola.autoquality import find
from foveola.codecs import codec
from foveola.errors import FoveolaError, NetworkError
from foveola.goal import Autoquality, Bounds
from foveola.networks import Network, Prediction
from foveola.networks.heads import crossing
from foveola.picture import Picture, sniff
from foveola.train import tables
from foveola.train.evaluate import WAYS, Question, evaluate
from foveola.train.figures import Figure, curves
from foveola.train.labelling import label, open_picture
from foveola.train.labels import Labels, Recipe
from tests.nets import SLOPE, here, quick, write_net
from tests.toys import photo

__all__ = ["here", "quick"]

pytestmark = pytest.mark.usefixtures("quick", "here")
RECIPE = Recipe.of("webp", {"effort": 1}, scale=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("sea/a.png", "sea/b.png", "town/c.png", "d.png")):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(150, 110, seed=number, grain=4 + 3 * number).frames[0]).save(path)
    write_net(tmp_path / "net.pb", 60, format="webp")
    return tmp_path


@pytest.fixture
def labels(folder: Path) -> Labels:
    return label(folder / "in", folder / "l.npz", RECIPE).labels


def question(folder: Path, **how: Any) -> Question:
    return Question(folder / "in", RECIPE, folder / "net.pb", **({"targets": (0.01, 0.02)} | how))


def test_every_way_has_figures_at_every_target_of_all_and_of_each_source(folder: Path, labels: Labels) -> None:
    told: list[Any] = []

    made = evaluate(question(folder), labels, report=lambda *row: told.append(row))

    assert {(row.target, row.source, row.way) for row in made.rows} == {
        (target, source, way) for target in (0.01, 0.02) for source in ("", ".", "sea", "town") for way in WAYS
    }
    assert [row.figures.pictures for row in made.rows if (row.target, row.way) == (0.02, "network")] == [4, 1, 2, 1]
    assert told == [(k + 1, 4, name, None) for k, name in enumerate(labels.names)]
    assert made.skipped == {}


def test_the_network_is_held_to_what_was_measured(folder: Path, labels: Labels) -> None:
    made = evaluate(question(folder, search=False), labels)

    truth = [crossing(curve, 0.02) for curve in curves(labels)]
    found = made.figures(0.02, "network")
    assert found is not None
    assert found.mae.value == pytest.approx(np.mean(np.abs(np.subtract(60, truth))), abs=0.01)
    assert made.truth[1] == pytest.approx(truth)
    assert made.foreseen[0.01, "network"].quality == pytest.approx([60 + np.log(2) / SLOPE] * 4, abs=0.01)
    assert made.figures(0.02, "ml") is None
    assert found.encodes is None


def test_a_search_is_held_to_its_first_encode(folder: Path, labels: Labels) -> None:
    made = evaluate(question(folder, targets=(0.02,), allowed_error=0.0005), labels)

    searched = made.foreseen[0.02, "dssim"]
    for index, name in enumerate(labels.names):
        picture = open_picture(folder / "in" / name, RECIPE)
        goal = Autoquality("dssim", 0.02, Bounds(1, 100), 0.0005)
        result = find(picture, codec("webp"), goal, RECIPE.settings)
        first = next(probe for probe in result.probes if probe.seen != "mosaic")
        assert (searched.quality[index], searched.dssim[index]) == (first.quality, first.dssim)
        assert searched.encodes is not None
        assert searched.encodes[index] == result.encoded >= 1
    found = made.figures(0.02, "dssim")
    assert found is not None
    assert found.allowed.value <= found.tolerable.value


def test_with_the_network_a_search_begins_where_that_says(folder: Path, labels: Labels) -> None:
    made = evaluate(question(folder), labels)

    assert made.foreseen[0.02, "ml"].quality.tolist() == [60] * 4
    assert made.foreseen[0.01, "ml"].quality.tolist() == [round(60 + np.log(2) / SLOPE)] * 4
    assert made.foreseen[0.02, "dssim"].quality.tolist() != [60] * 4


def test_looking_at_the_picture_beats_not_looking(folder: Path, labels: Labels) -> None:
    made = evaluate(question(folder, targets=(0.02,), search=False), labels)
    errors: dict[str, float] = {row.way: row.figures.mae.value for row in made.rows if not row.source}

    assert errors["transform"] < errors["constant"]
    assert errors["transform"] < errors["family"]


def test_the_constant_is_that_of_the_pictures_that_were_fitted_on(folder: Path, labels: Labels) -> None:
    others = labels.only([3])

    made = evaluate(question(folder, search=False), labels, against=others)

    assert made.foreseen[0.02, "constant"].quality == pytest.approx([crossing(curves(others)[0], 0.02)] * 4)


def test_a_network_that_fails_on_a_picture_misses_it(
    folder: Path, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, asked = Network.predict, []

    def moody(network: Network, picture: Picture) -> Prediction:
        asked.append(picture)
        if len(asked) == 2:  # the first is the test when it is loaded
            raise NetworkError("no")
        return predict(network, picture)

    monkeypatch.setattr(Network, "predict", moody)

    made = evaluate(question(folder, search=False), labels)

    assert np.isnan(made.foreseen[0.02, "network"].quality).tolist() == [True, False, False, False]
    found = made.figures(0.02, "network", ".")
    assert found is not None
    assert found.within_5.value == 0
    json.dumps([row.as_dict() for row in made.rows], allow_nan=False)


def test_pictures_that_are_gone_or_others_are_left_out(folder: Path, labels: Labels) -> None:
    (folder / "in" / "d.png").unlink()
    Image.fromarray(photo(200, 100).frames[0]).save(folder / "in" / "sea" / "a.png")

    made = evaluate(question(folder, search=False), labels)

    assert made.labels.names == ("sea/b.png", "town/c.png")
    assert made.skipped == {
        "d.png": "No such file or directory",
        "sea/a.png": "it is not the picture that was labelled",
    }


def test_without_a_picture_there_is_nothing_to_say(folder: Path, labels: Labels) -> None:
    for name in labels.names:
        (folder / "in" / name).unlink()

    with pytest.raises(FoveolaError, match=r"got none \(d\.png: No such file"):
        evaluate(question(folder), labels)
    with pytest.raises(FoveolaError, match="none was labelled"):
        evaluate(question(folder), labels.only([]))


# tables


def test_the_page_has_a_table_of_ways_for_each_target_and_of_sources(folder: Path, labels: Labels) -> None:
    (folder / "in" / "d.png").unlink()
    made = evaluate(question(folder, allowed_error=0.001), labels)

    page = tables.markdown(made)

    heads = re.findall(r"^#+ (.*)$", page, re.M)
    assert heads == [
        "net.pb for webp",
        "Target 0.01",
        "Target 0.02",
        *(f"{w} by source and target" for w in ("network", "ml")),
    ]
    assert (
        "| way | MAE | within 1 | within 2 | within 5 | first encode ±0.002 | first encode ±0.001 | encodes |" in page
    )
    assert {line.count("|") for line in page.split("## Target 0.02")[1].split("##")[0].splitlines() if "|" in line} == {
        9
    }
    assert [
        line.split(" | ")[0] for line in page.split("## network by")[1].split("##")[0].splitlines() if "| " in line
    ] == [
        "| source",
        "| ---",
        "| sea",
        "| town",
    ]
    assert "- d.png: No such file or directory" in page
    assert "effort=1" in page
    assert "libwebp" in page


def test_a_page_without_searches_speaks_of_none(folder: Path, labels: Labels) -> None:
    page = tables.markdown(evaluate(question(folder, search=False), labels))

    assert "first encode ±0.002 |\n" in page
    assert "| ml " not in page
    assert "**ml**" not in page


def test_cells_have_their_interval_and_bars_in_names_do_not_break_a_table() -> None:
    figure = Figure(0.784, 0.7, 0.8512)

    assert (tables.number(figure), tables.share(figure)) == ("0.78 (0.70 to 0.85)", "78 % (70 to 85)")
    assert tables.table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"


@pytest.mark.parametrize("search", [True, False])
def test_the_chart_is_a_picture(folder: Path, labels: Labels, search: bool, tmp_path: Path) -> None:
    made = evaluate(question(folder, search=search), labels)

    data = tables.chart(made)

    assert sniff(data) == "png"
    (tmp_path / "chart.png").write_bytes(data)
    with Image.open(tmp_path / "chart.png") as image:
        assert image.size == (1600 if search else 1100, 500)
        assert len(image.convert("RGB").getcolors(1 << 24) or ()) > 50


def test_a_missing_extra_is_said_with_the_way_to_get_it(
    folder: Path, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = evaluate(question(folder, search=False), labels)
    nothing: Callable[[str], None] = lambda _: None  # noqa: E731
    monkeypatch.setattr("foveola.train.extras.find_spec", nothing)

    with pytest.raises(FoveolaError, match=r"the extra \[train\], pip install 'foveola\[train\]', for --chart"):
        tables.chart(made)
