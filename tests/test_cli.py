"""The command line: what is written where, what is printed on which stream, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from foveola.cli import main
from foveola.cli.rows import Row
from foveola.cli.show import size
from foveola.picture import sniff
from foveola.samples import gradient_alpha, landscape

CONTRACT = [
    *("source", "output", "format", "method", "quality", "dssim", "bytes", "source_bytes"),
    *("encodes", "met", "kept", "why", "first", "notes", "seconds", "error"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory of a test, with three small pictures and a file that is none."""
    landscape((96, 64)).save(tmp_path / "photo.png")
    landscape((80, 80)).save(tmp_path / "holiday.jpeg", quality=95)
    gradient_alpha((64, 64)).save(tmp_path / "drop.png")
    (tmp_path / "letter.txt").write_text("Dear reader")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str | float | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# encode: places


@pytest.mark.parametrize(
    ("arguments", "written", "format"),
    [
        (["photo.png", "-o", "small.webp"], "small.webp", "webp"),
        (["photo.png", "-o", "small.JPG"], "small.JPG", "jpeg"),
        (["photo.png", "-o", "small.tif"], "small.tif", "tiff"),
        (["photo.png", "-o", "small.bin", "-f", "avif"], "small.bin", "avif"),
        (["photo.png", "-o", "small"], "small", "png"),
        (["photo.png", "-o", "new/small.jxl"], "new/small.jxl", "jxl"),
        (["photo.png", "-o", "new/", "-f", "jpg"], "new/photo.jpg", "jpeg"),
        (["holiday.jpeg", "-o", "new/"], "new/holiday.jpeg", "jpeg"),
        (["holiday.jpeg", "-o", ".", "-f", "webp"], "holiday.webp", "webp"),
        (["holiday.jpeg", "photo.png", "-o", "new", "-f", "webp"], "new/photo.webp", "webp"),
        (["holiday.jpeg", "photo.png", "-o", "new.webp/", "-f", "webp"], "new.webp/photo.webp", "webp"),
    ],
)
def test_the_output_is_where_and_what_it_was_asked_to_be(
    folder: Path, arguments: list[str], written: str, format: str
) -> None:
    result = run("encode", *arguments, "-q", 50)

    assert result.exit_code == 0, result.output
    assert sniff((folder / written).read_bytes()) == format


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photo.png"], "either -o or --in-place"),
        (["photo.png", "-o", "a.webp", "--in-place"], "either -o or --in-place"),
        (["photo.png", "-o", "photo.png"], "--in-place to overwrite the source photo.png"),
        (["photo.png", "-o", "."], "--in-place to overwrite the source photo.png"),
        (["letter.webp", "letter.png", "-f", "webp", "-o", "."], "overwrite the source letter.webp"),
        (["photo.png", "-o", "link.png"], "--in-place to overwrite the source photo.png"),
        (["photo.png", "drop.png", "-o", "letter.txt"], "a folder for -o with 2 pictures"),
        (["photo.png", "drop.png", "-o", "-"], "a folder for -o with 2 pictures"),
        (["photo.png", "drop.png", "-o", "two.webp"], 'a folder for -o with 2 pictures, got "two.webp"'),
        (["photo.png", "drop.png", "-o", "two.PNG", "-f", "webp"], "a folder for -o with 2 pictures"),
        (["photo.png", "-o", ""], 'Expected a file, a folder or - for -o, got ""'),
        (["photo.png", "-o", "new", "-f", ""], 'for format, got ""'),
        (["photo.png", "-o", "a.webp", "--width", "20000000"], "20000000 is not in the range 0<=x<=10000000"),
        (["photo.png", "-o", "a.webp", "--height", "10000001"], "10000001 is not in the range 0<=x<=10000000"),
        (["photo.png", "photo.png", "-o", "new"], "an output for each picture"),
        (["photo.png", "sub/photo.png", "-o", "new", "-f", "webp"], "an output for each picture"),
        (["photo.png", "--in-place", "-f", "webp"], "png can't become webp in place"),
        (["photo.png", "-o", "-", "--json"], "stdout holds one or the other"),
        (["photo.png", "-o", "new", "-q", "70", "-a", "size:900"], "either --autoquality or --quality"),
        (["photo.png", "-o", "new", "-q", "101"], "101"),
        (["photo.png", "-o", "new", "-a", "psnr:40"], "one of none, size, dssim, ml"),
        (["photo.png", "-o", "new", "-a", "size"], "a number of bytes"),
        (["photo.png", "-o", "new", "-f", "psd"], "for format"),
        (
            ["photo.png", "-o", "out.xyz"],
            ".avif, .bmp, .gif, .ico, .jpeg, .jpg, .jxl, .png, .tif, .tiff, .webp for -o, got",
        ),
        (["photo.png", "-o", "new", "--set", "effort"], "NAME=VALUE"),
        (["photo.png", "-o", "new", "--set", "width=3"], "NAME=VALUE"),
        (["photo.png", "-o", "new", "-f", "webp", "--set", "effort=9"], "integer 1..6 for effort"),
        (["photo.png", "-o", "new.webp", "--set", "effort=9"], "integer 1..6 for effort"),
        (["photo.png", "holiday.jpeg", "-o", "new", "--set", "progressive=1"], "a setting of png"),
        (["photo.png", "-o", "new", "--resize", "crop"], "crop"),
        (["-o", "new"], "IN..."),
    ],
)
def test_wrong_usage_is_2_and_nothing_is_done(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "link.png").symlink_to("photo.png")
    (folder / "letter.webp").write_text("no picture, but somebody's")
    (folder / "letter.png").write_bytes((folder / "photo.png").read_bytes())
    (folder / "sub").mkdir()
    (folder / "sub" / "photo.png").write_bytes((folder / "photo.png").read_bytes())
    before = contents(folder)

    result = run("encode", *arguments)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert contents(folder) == before


def test_in_place_replaces_the_file_behind_a_link_and_keeps_its_mode(folder: Path) -> None:
    photo, link = folder / "photo.png", folder / "link.png"
    photo.chmod(0o640)
    link.symlink_to("photo.png")
    before = photo.read_bytes()

    assert run("encode", link, "--in-place", "--width", 32).exit_code == 0
    assert link.is_symlink()
    assert photo.read_bytes() != before
    assert photo.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_mode_of_any_new_file(folder: Path) -> None:
    (folder / "any").touch()

    assert run("encode", "photo.png", "-o", "new.webp").exit_code == 0
    assert (folder / "new.webp").stat().st_mode == (folder / "any").stat().st_mode


def test_nothing_is_left_behind_where_a_file_cannot_be_written(folder: Path) -> None:
    (folder / "new" / "photo.webp").mkdir(parents=True)
    before = contents(folder)

    result = run("encode", "photo.png", "drop.png", "-o", "new", "-f", "webp")

    assert result.exit_code == 1
    assert set(contents(folder)) - set(before) == {folder / "new" / "drop.webp"}


def test_a_pipe_is_written_to_and_not_replaced(folder: Path) -> None:
    """As a device is: a rename would put a file in the place of /dev/null."""
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    assert run("encode", "photo.png", "-o", "pipe", "-f", "webp", "-q", 50).exit_code == 0
    assert sniff(os.read(reader, 100)) == "webp"
    assert (folder / "pipe").is_fifo()
    os.close(reader)


def test_a_place_that_cannot_be_written_is_named(folder: Path) -> None:
    result = run("encode", "photo.png", "-o", "letter.txt/small.webp")

    assert result.exit_code == 1
    assert result.stderr.startswith("foveola: photo.png: letter.txt/small.webp: ")
    assert (folder / "letter.txt").read_text() == "Dear reader"


# encode: what is said


def test_the_row_is_the_contract(folder: Path) -> None:
    result = run("encode", "photo.png", "-o", "new.webp", "--json")
    (row,) = rows(result)

    assert [f.name for f in fields(Row)] == CONTRACT
    assert list(row) == CONTRACT
    assert result.exit_code == 0
    assert (row["source"], row["output"], row["format"], row["method"]) == ("photo.png", "new.webp", "webp", "dssim")
    assert row["bytes"] == (folder / "new.webp").stat().st_size
    assert row["source_bytes"] == (folder / "photo.png").stat().st_size
    assert 1 <= row["quality"] <= 100
    assert 0 <= row["dssim"] <= 1
    assert row["encodes"] >= 1
    assert row["seconds"] > 0
    assert row["error"] is None


def test_bad_pictures_are_passed_over_and_listed_at_the_end(folder: Path) -> None:
    (folder / "cut.png").write_bytes((folder / "photo.png").read_bytes()[:900])
    bad = ["letter.txt", "missing.png", "cut.png"]

    result = run("encode", *bad, "photo.png", "-o", "new", "-f", "webp", "--json")
    errors = result.stderr.splitlines()

    assert result.exit_code == 1
    assert [row["source"] for row in rows(result)] == [*bad, "photo.png"]
    assert [row["error"] is None for row in rows(result)] == [False, False, False, True]
    assert [line.split(": ")[:2] for line in errors[:3]] == [["foveola", name] for name in bad]
    assert errors[1] == "foveola: missing.png: No such file or directory"
    assert errors[3] == "foveola: 3 of 4 pictures failed"
    assert [path.name for path in (folder / "new").iterdir()] == ["photo.webp"]


def test_strict_is_3_where_a_goal_is_not_kept_and_the_picture_is_written(folder: Path) -> None:
    arguments = ("encode", "photo.png", "-o", "new.webp", "-a", "size:40", "--json")

    assert run(*arguments).exit_code == 0
    result = run(*arguments, "--strict")

    assert result.exit_code == 3
    assert rows(result)[0]["kept"] is False
    assert (folder / "new.webp").stat().st_size == rows(result)[0]["bytes"]


def test_a_failure_weighs_more_than_a_goal_that_is_not_kept(folder: Path) -> None:
    assert run("encode", "photo.png", "no.png", "-o", "new", "-a", "size:40", "-f", "webp", "--strict").exit_code == 1
    assert (folder / "new" / "photo.webp").exists()


def test_stdout_takes_the_picture_and_stderr_the_line(folder: Path) -> None:
    before = contents(folder)

    result = run("encode", "photo.png", "-o", "-", "-f", "jpeg", "-q", "60")

    assert result.exit_code == 0
    assert sniff(result.stdout_bytes) == "jpeg"
    assert result.stderr.startswith("photo.png: ")
    assert "quality 60" in result.stderr
    assert contents(folder) == before


def test_a_size_and_a_setting_reach_the_encoder(folder: Path) -> None:
    many = ("--width", 30, "--height", 30, "--resize", "fill", "--set", "compression=lossless")

    assert run("encode", "photo.png", "-o", "new.webp", *many).exit_code == 0
    with Image.open(folder / "new.webp") as image:
        assert image.size == (30, 30)
    assert (folder / "new.webp").read_bytes()[12:16] == b"VP8L"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("jobs", [1, 3])
def test_rows_stand_in_the_order_of_the_inputs(jobs: int) -> None:
    names = ["photo.png", "holiday.jpeg", "drop.png"]

    result = run("encode", *names, "-o", "new", "-f", "webp", "--json", "-j", jobs)

    assert [row["source"] for row in rows(result)] == names
    assert [Path(row["output"]).stat().st_size for row in rows(result)] == [row["bytes"] for row in rows(result)]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (
            Row("a.png", "b.webp", "webp", "dssim", 76, 0.020412, 182_734, 2_411_802, 2, True, True, "met"),
            "a.png -> b.webp: 2.41 MB -> 183 kB, saved 92.4 %, quality 76, DSSIM 0.02041, 2 encodes, met",
        ),
        (
            Row("a.jpg", "a.jpg", "jpeg", "size", 10, 0.2, 1500, 1000, 1, False, False, "at_min"),
            "a.jpg: 1 kB -> 1.5 kB, grew by 50.0 %, quality 10, DSSIM 0.20000, 1 encode, missed, at_min",
        ),
        (
            Row("a.jpg", None, "jpeg", "dssim", 71, 0.0170, 900, 1000, 3, False, True, "between_steps"),
            "a.jpg: 1 kB -> 900 B, saved 10.0 %, quality 71, DSSIM 0.01700, 3 encodes, kept, between_steps",
        ),
        (
            Row("a.png", "b.png", "png", "none", None, None, 0, 0, 0, None, None, "fixed"),
            "a.png -> b.png: 0 B -> 0 B, fixed",
        ),
    ],
)
def test_a_line_says_before_after_saved_quality_dssim_encodes_and_why(row: Row, line: str) -> None:
    assert row.line() == line


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "?"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (12_340_000, "12.3 MB"),
    ],
)
def test_sizes_have_three_digits_in_decimal_units(count: int | None, text: str) -> None:
    assert size(count) == text


def test_a_bar_is_on_stderr_where_that_is_a_terminal_and_stdout_stays_data(folder: Path) -> None:
    terminal, side = pty.openpty()
    command = [sys.executable, "-c", "from foveola.cli import main; main()"]
    arguments = ["encode", "photo.png", "holiday.jpeg", "-o", "new", "-f", "webp", "--json"]

    done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, stderr=side, check=True, cwd=folder)
    os.close(side)
    shown = os.read(terminal, 100_000)

    assert b"Encoding" in shown
    assert b"2/2" in shown
    assert [json.loads(line)["error"] for line in done.stdout.splitlines()] == [None, None]


# the other commands


def test_a_picture_compared_with_itself_has_no_loss(folder: Path) -> None:
    result = run("compare", "photo.png", "photo.png", "--json")

    assert rows(result) == [{"dssim": 0.0, "ssim": 1.0, "worst": 0.0, "p95": 0.0}]
    assert "DSSIM  0.00000" in run("compare", "photo.png", folder / "photo.png").stdout


@pytest.mark.parametrize(("other", "code"), [("holiday.jpeg", 2), ("letter.txt", 1), ("missing.png", 2)])
def test_what_cannot_be_compared_is_one_sentence(folder: Path, other: str, code: int) -> None:
    result = run("compare", "photo.png", folder / other)

    assert result.exit_code == code
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_curve_is_a_table_a_chart_and_json(folder: Path) -> None:
    arguments = ("curve", "photo.png", "-f", "jpeg", "--min", 30, "--max", 90, "--step", 30, "--target", 0.1)

    shown = run(*arguments, "--chart", "chart.png")
    points = rows(run(*arguments, "--json"))

    assert [point["quality"] for point in points] == [30, 60, 90]
    assert points[0]["dssim"] > points[1]["dssim"] > points[2]["dssim"]
    assert points[0]["bytes"] < points[1]["bytes"] < points[2]["bytes"]
    assert len(shown.stdout.splitlines()) == 4
    assert shown.stdout.count("<-") == 1
    with Image.open(folder / "chart.png") as image:
        assert image.size == (1000, 720)


@pytest.mark.parametrize("target", ["nan", "-0.1", "0", "1.1", "inf", "low"])
def test_a_target_that_is_no_dssim_is_wrong_usage(folder: Path, target: str) -> None:
    before = contents(folder)

    result = run("curve", "photo.png", "-f", "jpeg", "--target", target, "--chart", "chart.png")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "--target" in result.stderr
    assert contents(folder) == before


def test_a_chart_never_overwrites_the_source(folder: Path) -> None:
    before = (folder / "photo.png").read_bytes()

    assert run("curve", "photo.png", "-f", "webp", "--chart", folder / "photo.png").exit_code == 2
    assert (folder / "photo.png").read_bytes() == before


def test_serve_lists_the_settings_in_its_help() -> None:
    from foveola.config import SETTINGS

    shown = run("serve", "--help").stdout

    assert [row.name for row in SETTINGS if row.name not in shown] == []


def test_serve_names_every_setting_it_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGPROXY_QUALITY", "loud")
    monkeypatch.setenv("IMGPROXY_BIND", "nowhere:at:all")

    result = run("serve")

    assert result.exit_code == 1
    assert "QUALITY" in result.stderr
    assert all(line.startswith("foveola: ") for line in result.stderr.splitlines())


def test_help_loads_no_codec() -> None:
    heavy = {"numpy", "PIL", "pyvips", "rich", "aiohttp"}
    call = "from foveola.cli import main; main(['--help'], standalone_mode=False)"
    code = f"import sys; {call}; print({heavy} & {{*sys.modules}})"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert seen.stdout.splitlines()[-1] == "set()"


def test_the_documented_words_of_a_row_are_those_of_the_search() -> None:
    from foveola.autoquality import First
    from foveola.search import Why

    told = {f.name: f.metadata.get("doc", "") for f in fields(Row)}

    assert [word for word in get_args(Why) if f"`{word}`" not in told["why"]] == []
    assert [word for word in get_args(First) if f"`{word}`" not in told["first"]] == []
