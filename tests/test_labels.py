"""Labels: what is measured, what is left out and why, and that stopping loses nothing and breaks nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foveola.codecs import codec
from foveola.errors import ArgumentError, FoveolaError
from foveola.metrics import compare
from foveola.settings import BEST_JPEG, AvifSettings, JpegSettings, WebpSettings
from foveola.train import labelling
from foveola.train.labelling import Row, distinct, label, measure, open_picture, pictures, qualities
from foveola.train.labels import VARIED, Labels, Recipe
from tests.nets import here
from tests.toys import photo

__all__ = ["here"]

QUICK = Recipe.of("jpeg", {})


def draw(path: Path, width: int = 120, height: int = 96, channels: int = 3, seed: int = 0, **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photo(width, height, channels, seed).frames[0].squeeze()).save(path, **how)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three pictures, one of them in a folder of its own."""
    for number, name in enumerate(("b.png", "a.jpg", "sub/c.webp")):
        draw(tmp_path / "in" / name, seed=number)
    return tmp_path / "in"


def some_labels(**changes: Any) -> Labels:
    made = Labels(
        QUICK,
        ("a.png", "sub/b.png"),
        np.array([[100, 80], [64, 64]]),
        (10, 50, 90),
        np.array([[0.1, 0.02, 0.003], [0.2, 0.05, 0.01]]),
        np.array([[100, 200, 300], [110, 220, 330]]),
        {"foveola": "1", "metric": "1"},
        "2026-01-31",
    )
    return replace(made, **changes)


# the file


def test_a_file_says_what_was_written(tmp_path: Path) -> None:
    recipe = Recipe.of("avif", {"speed": 6}, scale=0.5, longest=0, keep_lossless=True)
    written = some_labels(recipe=recipe, names=("ä\udce9.png", "sub/b.png"))

    written.write(tmp_path / "labels.npz")
    read = Labels.read(tmp_path / "labels.npz")

    assert (read.recipe, read.names, read.qualities, read.date) == (recipe, written.names, (10, 50, 90), "2026-01-31")
    assert (read.format, read.settings, read.scale) == ("avif", AvifSettings(speed=6), 0.5)
    assert np.array_equal(read.dssim, written.dssim)
    assert np.array_equal(read.bytes, written.bytes)
    assert np.array_equal(read.sizes, written.sizes)
    assert read.versions == written.versions
    assert [path.name for path in tmp_path.iterdir()] == ["labels.npz"]


def test_some_labels_keep_what_belongs_together() -> None:
    second = some_labels().only([1])

    assert (second.names, second.sources, len(second)) == (("sub/b.png",), ("sub",), 1)
    assert second.dssim.tolist() == [[0.2, 0.05, 0.01]]
    assert some_labels().sources == (".", "sub")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"names": ("a.png",)}, r"an array \(1, 2\) for sizes"),
        ({"names": ("a.png", "a.png")}, "paths, each once for names"),
        ({"names": ("a.png", "")}, "paths, each once for names"),
        ({"sizes": np.array([[100, 80], [0, 64]])}, "pixels for sizes"),
        ({"qualities": (10, 50)}, r"an array \(2, 2\) for dssim"),
        ({"qualities": (10, 90, 50)}, "rising integers 1..100 for qualities"),
        ({"qualities": (0, 50, 90)}, "rising integers 1..100 for qualities"),
        ({"qualities": (10, 50, 101)}, "rising integers 1..100 for qualities"),
        ({"dssim": np.array([[0.1, 0.02, np.nan]] * 2)}, "finite numbers 0..1 for dssim"),
        ({"dssim": np.array([[0.1, 0.02, -0.1]] * 2)}, "finite numbers 0..1 for dssim"),
        ({"dssim": np.array([[1.1, 0.02, 0.1]] * 2)}, "finite numbers 0..1 for dssim"),
        ({"bytes": np.zeros((2, 3), int)}, "positive numbers for bytes"),
    ],
)
def test_what_can_not_be_labels_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        some_labels(**changes)


@pytest.mark.parametrize("broken", [None, b"\x93NUMPY", b"", b"no archive"])
def test_a_broken_file_is_refused_by_its_name(tmp_path: Path, broken: bytes | None) -> None:
    path = tmp_path / "labels.npz"
    some_labels().write(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if broken is None else broken)

    with pytest.raises(ArgumentError, match="a label file of foveola") as caught:
        Labels.read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"about": np.array("{}")}, "for kind, got None"),
        ({"about": np.array("[1]")}, "for kind"),
        ({"about": np.array("{")}, "a label file of foveola"),
        ({"names": np.array([1, 2])}, "an array of another kind for names"),
        ({"dssim": np.array([["a", "b", "c"]] * 2)}, "an array of another kind for dssim"),
        ({"dssim": np.ones((2, 2))}, r"an array \(2, 3\) for dssim"),
        ({"names": np.array([object()], dtype=object)}, "a label file of foveola"),
    ],
)
def test_a_file_of_other_things_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = tmp_path / "labels.npz"
    some_labels().write(path)
    with np.load(path) as found:
        kept = dict(found)
    np.savez(path, **(kept | arrays))

    with pytest.raises(ArgumentError, match=message):
        Labels.read(path)


def test_an_array_is_no_label_file(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.zeros(3))

    with pytest.raises(ArgumentError, match="an npz archive, got one array"):
        Labels.read(tmp_path / "labels.npy")


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"format": "png"}, "one of jpeg, webp, avif, jxl for format"),
        ({"scale": 0}, "above 0, at most 1 for scale"),
        ({"scale": 1.5}, "above 0, at most 1 for scale"),
        ({"scale": float("nan")}, "above 0, at most 1 for scale"),
        ({"longest": -1}, "a number of pixels, or 0 for longest"),
        ({"values": {"effort": 9}}, "integer 1..6 for effort"),
        ({"values": {"speed": 9}}, "a setting of webp"),
    ],
)
def test_a_recipe_that_can_not_be_followed_is_refused(recipe: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Recipe.of(**({"format": "webp", "values": {}} | recipe))


def test_a_recipe_starts_from_what_method_ml_writes() -> None:
    assert Recipe.of("jpeg", {}).settings == BEST_JPEG
    assert Recipe.of("jpeg", {"progressive": "0", "optimize_scans": "0"}).settings == JpegSettings(
        trellis_quant=True, overshoot_deringing=True, quant_table=3
    )
    assert Recipe.of("webp", {"effort": "6"}).settings == WebpSettings(effort=6)
    assert [Recipe.of("jpeg", {}).usual, Recipe.of("jpeg", {"quant_table": 0}).usual] == [True, False]


# pictures


def test_pictures_are_found_by_their_names_below_a_folder(folder: Path) -> None:
    (folder / "notes.txt").write_text("no picture")
    draw(folder / ".hidden" / "d.png")
    draw(folder / ".e.png")
    draw(folder / "F.PNG")

    assert pictures(folder) == ["F.PNG", "a.jpg", "b.png", "sub/c.webp"]


def test_a_picture_is_scaled_and_no_longer_than_asked(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.jpg", 300, 200)

    sizes = [
        (picture.width, picture.height)
        for recipe in (QUICK, replace(QUICK, scale=1), replace(QUICK, longest=120), replace(QUICK, longest=0))
        for picture in [open_picture(path, recipe)]
    ]

    assert sizes == [(240, 160), (300, 200), (120, 80), (240, 160)]


@pytest.mark.parametrize(
    ("name", "how", "kept"),
    [
        ("a.png", {}, True),
        ("a.tiff", {}, True),
        ("a.gif", {}, True),
        ("a.webp", {"lossless": True}, True),
        ("a.webp", {"quality": 80}, False),
        ("a.jpg", {}, False),
    ],
)
def test_only_files_without_loss_are_kept_at_their_size(
    tmp_path: Path, name: str, how: dict[str, Any], kept: bool
) -> None:
    path = draw(tmp_path / name, 200, 100, **how)

    picture = open_picture(path, replace(QUICK, keep_lossless=True))

    assert picture.width == (200 if kept else 160)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    pixels = np.full((80, 80, 4), (200, 0, 100, 255), np.uint8)
    pixels[:40, :, 3], pixels[40:60, :, 3] = 0, 51
    Image.fromarray(pixels).save(tmp_path / "a.png")

    picture = open_picture(tmp_path / "a.png", replace(QUICK, scale=1))

    assert picture.frames.shape == (1, 80, 80, 3)
    assert [picture.frames[0, row, 0].tolist() for row in (0, 50, 70)] == [
        [255, 255, 255],
        [244, 204, 224],
        [200, 0, 100],
    ]


def test_a_picture_is_upright_its_first_frame_and_grey_stays_grey(tmp_path: Path) -> None:
    image = Image.new("RGB", (100, 70), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    frames = [Image.new("RGB", (80, 80), colour) for colour in ("blue", "yellow")]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    draw(tmp_path / "grey.png", channels=1)
    recipe = replace(QUICK, scale=1)

    turned, moving, grey = (open_picture(tmp_path / name, recipe) for name in ("turned.jpg", "moving.webp", "grey.png"))

    assert (turned.width, turned.height) == (70, 100)
    assert moving.frames.shape == (1, 80, 80, 3)
    assert moving.frames[0, 0, 0].tolist() == [0, 0, 255]
    assert grey.channels == 1
    assert open_picture(tmp_path / "grey.png", QUICK).channels == 1


def test_a_varied_picture_is_smaller_and_of_other_colours_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "gr\udce4y.png"):
        draw(tmp_path / name, 300, 200, channels=1 if name[0] == "g" else 3)
    plain = open_picture(tmp_path / "a.png", QUICK)

    varied = open_picture(tmp_path / f"a.png{VARIED}", QUICK)
    again = open_picture(tmp_path / f"a.png{VARIED}", QUICK)
    other = open_picture(tmp_path / f"b.png{VARIED}", QUICK)
    grey = open_picture(tmp_path / f"gr\udce4y.png{VARIED}", QUICK)

    assert 120 <= varied.width < plain.width == 240
    assert varied.frames.dtype == np.uint8
    assert np.array_equal(varied.frames, again.frames)
    assert varied.frames.shape != other.frames.shape
    assert np.abs(varied.frames.mean((0, 1, 2)) - plain.frames.mean((0, 1, 2))).max() > 5
    assert grey.channels == 1


@pytest.mark.usefixtures("here")
def test_varied_labels_are_of_each_picture_twice(folder: Path, tmp_path: Path) -> None:
    for name in ("a.jpg", "sub/c.webp"):
        draw(folder / name, 220, 190)

    labels = label(folder, tmp_path / "l.npz", replace(QUICK, varied=True), every=2).labels

    assert labels.names == ("a.jpg", "a.jpg~varied", "sub/c.webp", "sub/c.webp~varied")
    assert labels.varied.tolist() == [False, True, False, True]
    assert labels.sources == (".", ".", "sub", "sub")
    assert Labels.read(tmp_path / "l.npz").recipe.varied


# what is measured


def test_equal_settings_are_measured_once_at_their_lowest_quality() -> None:
    recipe = Recipe.of("avif", {})
    found, settings = codec("avif"), AvifSettings()
    lowest = distinct(found, settings)

    asked = qualities(recipe)

    assert set(asked) <= set(lowest)
    assert {found.setting(q, settings) for q in asked} == {found.setting(q, settings) for q in labelling.QUALITIES}
    assert qualities(Recipe.of("webp", {})) == labelling.QUALITIES


def test_a_row_is_what_the_encoder_writes_and_the_metric_says(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", 100, 90)
    recipe = Recipe.of("webp", {"effort": 1})

    row = measure("a.png", tmp_path, recipe)

    picture = open_picture(tmp_path / "a.png", recipe)
    files = [codec("webp").encode(picture, quality, recipe.settings) for quality in labelling.QUALITIES]
    assert (row.name, row.size) == ("a.png", (80, 72))
    assert row.bytes == tuple(map(len, files))
    assert row.dssim[7] == compare(picture, codec("webp").decode(files[7])).dssim
    assert row.dssim[0] > row.dssim[-1]


def test_labels_are_of_every_picture_in_the_order_of_names(folder: Path, tmp_path: Path) -> None:
    """In processes, as the command does it."""
    told = []

    done = label(folder, tmp_path / "l.npz", QUICK, processes=2, report=lambda *row: told.append(row))

    read = Labels.read(tmp_path / "l.npz")
    assert read.names == done.labels.names == ("a.jpg", "b.png", "sub/c.webp")
    assert (done.measured, done.skipped) == (3, {})
    assert read.sizes.tolist() == [[96, 77]] * 3
    assert (np.diff(read.bytes) > 0).all()
    assert read.dssim[0, 0] > 0.05 > 0.01 > read.dssim[0, -1]
    assert {"foveola", "metric", "mozjpeg", "libjpeg-turbo"} == set(read.versions)
    assert sorted(told)[0][:2] == (1, 3)
    assert not (tmp_path / "l.npz.partial").exists()


@pytest.mark.usefixtures("here")
def test_what_can_not_be_labelled_is_left_out_with_its_reason(folder: Path, tmp_path: Path) -> None:
    data = (folder / "a.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "letter.png").write_text("<html>")
    draw(folder / "tiny.png", 30, 200)
    (folder / "folder.png").mkdir()
    (folder / "gone.png").symlink_to("nowhere")

    done = label(folder, tmp_path / "l.npz", QUICK)

    assert done.labels.names == ("a.jpg", "b.png", "sub/c.webp")
    assert set(done.skipped) == {"cut.jpg", "empty.png", "letter.png", "tiny.png", "folder.png", "gone.png"}
    assert "got an empty file" in done.skipped["empty.png"]
    assert "an HTML page" in done.skipped["letter.png"]
    assert done.skipped["tiny.png"] == "Expected at least 64x64 pixels after scaling, got 24x160"
    assert done.skipped["gone.png"] == "No such file or directory"
    assert done.skipped["folder.png"] == "Is a directory"


@pytest.mark.usefixtures("here")
def test_a_folder_without_pictures_is_refused_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"x")

    with pytest.raises(ArgumentError, match=r"a folder with pictures .*, got none in"):
        label(tmp_path / "empty", tmp_path / "l.npz", QUICK)
    with pytest.raises(FoveolaError, match=r"got none of 1 \(a\.png: Expected a picture"):
        label(tmp_path / "broken", tmp_path / "l.npz", QUICK)
    with pytest.raises(ArgumentError, match="a file in a folder that exists for --out"):
        label(folder, tmp_path / "nowhere" / "l.npz", QUICK)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "empty", "in"]


# going on


def test_what_is_labelled_is_not_labelled_again(folder: Path, tmp_path: Path, here: list[str]) -> None:
    out = tmp_path / "l.npz"
    first = label(folder, out, QUICK, every=2)
    assert here == ["a.jpg", "sub/c.webp"] == list(first.labels.names)

    second = label(folder, out, QUICK)
    assert here[2:] == ["b.png"]
    assert (second.measured, second.labels.names) == (1, ("a.jpg", "b.png", "sub/c.webp"))
    assert np.array_equal(second.labels.only([0, 2]).dssim, first.labels.dssim)

    written = out.read_bytes()
    third = label(folder, out, QUICK, every=2)
    assert (len(here), third.measured, third.labels.names) == (3, 0, ("a.jpg", "sub/c.webp"))
    assert out.read_bytes() == written


def test_stopping_loses_the_picture_in_work_only(
    folder: Path, tmp_path: Path, here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "l.npz"

    def stop(done: int, *_: object) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label(folder, out, QUICK, report=stop)
    assert not out.exists()
    with (tmp_path / "l.npz.partial").open("ab") as file:
        file.write(b'{"name": "sub/c.we')  # as a process leaves it that is killed while it writes

    monkeypatch.undo()
    done = label(folder, out, QUICK)

    assert here == ["a.jpg", "b.png"]
    assert (done.measured, done.labels.names) == (1, ("a.jpg", "b.png", "sub/c.webp"))
    assert not (tmp_path / "l.npz.partial").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (replace(QUICK, scale=0.5), r"Expected scale 0\.8, as .* was made with, got 0\.5"),
        (Recipe.of("webp", {}), "Expected format jpeg"),
        (Recipe.of("jpeg", {"quant_table": 2}), "Expected settings"),
    ],
)
@pytest.mark.parametrize("stopped", [True, False])
def test_labels_of_two_recipes_are_not_mixed(
    folder: Path, tmp_path: Path, recipe: Recipe, message: str, stopped: bool
) -> None:
    def stop(done: int, *_: object) -> None:
        if stopped and done == 2:
            raise KeyboardInterrupt

    try:
        label(folder, tmp_path / "l.npz", QUICK, report=stop)
    except KeyboardInterrupt:
        assert stopped

    with pytest.raises(ArgumentError, match=message):
        label(folder, tmp_path / "l.npz", recipe)


def test_labels_of_other_encoders_are_not_mixed_but_those_of_another_foveola(
    folder: Path, tmp_path: Path, here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    label(folder, tmp_path / "l.npz", QUICK, every=2)
    now = labelling.libraries(QUICK)

    monkeypatch.setattr(labelling, "libraries", lambda _: now | {"foveola": "99"})
    label(folder, tmp_path / "l.npz", QUICK)
    assert len(here) == 3

    monkeypatch.setattr(labelling, "libraries", lambda _: now | {"mozjpeg": "9.9"})
    with pytest.raises(ArgumentError, match=r"Expected mozjpeg .*, got 9\.9: move it"):
        label(folder, tmp_path / "l.npz", QUICK)


@pytest.mark.usefixtures("here")
def test_two_do_not_write_to_one_file(folder: Path, tmp_path: Path) -> None:
    def again(*_: object) -> None:
        label(folder, tmp_path / "l.npz", QUICK)

    with pytest.raises(ArgumentError, match="one process that writes to"):
        label(folder, tmp_path / "l.npz", QUICK, report=again)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "text", ["mine\nand yours\n", '{"a": 1}\n{"b": 2}\n', json.dumps({"recipe": 1, "versions": 2}) + "\n[]\n"]
)
def test_a_journal_of_somebody_else_is_left_alone(folder: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "l.npz.partial").write_text(text)

    with pytest.raises(ArgumentError, match=r"journal|recipe"):
        label(folder, tmp_path / "l.npz", QUICK)

    assert (tmp_path / "l.npz.partial").read_text() == text


def test_rows_become_labels_in_the_order_of_names() -> None:
    count = len(qualities(QUICK))
    rows = [Row(name, (64, 64), (0.1,) * count, (9,) * count) for name in ("b", "a")]

    assert labelling.collect(QUICK, rows, {}).names == ("a", "b")
