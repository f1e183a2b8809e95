"""`foveola encode` beyond the usual: what is noted, names that are no text, and Ctrl-C."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from foveola.autoquality import Note
from foveola.cli import main
from foveola.cli.rows import NOTES
from tests.netfiles import save, seeing

FOVEOLA = [sys.executable, "-c", "from foveola.cli import main; main()"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory of a test, with a still picture and three of two frames or pages."""
    red, blue = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    red.save(tmp_path / "still.png")
    for name in ("moving.gif", "moving.png", "pages.tiff"):
        red.save(tmp_path / name, save_all=True, append_images=[blue])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["encode", *arguments])


@pytest.mark.parametrize("name", ["moving.gif", "moving.png", "pages.tiff"])
def test_that_only_the_first_frame_or_page_was_written_is_said(name: str) -> None:
    result = run(name, "-o", "out.webp", "-q", "80", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["notes"] == ["first_frame"]
    assert result.stderr == f"foveola: {name}: only the first of several frames or pages was written\n"


def test_several_notes_are_one_line_and_none_is_no_line() -> None:
    result = run("still.png", "moving.gif", "-o", "out", "-f", "png")

    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "foveola: still.png: the format has no quality, so nothing was searched for",
        "foveola: moving.gif: only the first of several frames or pages was written; "
        "the format has no quality, so nothing was searched for",
    ]
    assert run("still.png", "-o", "out.webp").stderr == ""


@pytest.mark.parametrize(
    "more", [["-o", "out.webp"], ["-o", "out.webp", "-j", "1", "--json"], ["-f", "webp", "-o", "-"]]
)
def test_a_pipe_is_read_once_and_to_its_end(folder: Path, more: list[str]) -> None:
    """Also where it is longer than what tells the format, and than what a pipe holds."""
    noise = Image.effect_noise((400, 400), 80)
    noise.save(folder / "noise.png")
    command = [*FOVEOLA, "encode", "/dev/stdin", "-q", "50", *more]
    data = (folder / "noise.png").read_bytes()

    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert run("noise.png", "-q", "50", "-o", "same.webp").exit_code == 0

    assert len(data) > 1 << 16
    got = done.stdout if "-" in more else (folder / "out.webp").read_bytes()
    assert got == (folder / "same.webp").read_bytes()


def test_a_pipe_is_not_overwritten(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")

    result = run("still.png", "pipe.png", "--in-place")

    assert result.exit_code == 2
    assert "Expected -o for pipe.png: a pipe can't be overwritten" in result.stderr


def test_every_note_has_its_words() -> None:
    assert set(NOTES) == set(get_args(Note))


@pytest.mark.parametrize(
    ("goal", "network", "message"),
    [
        (["-a", "ml:0.02"], "none.pb", "for --network, got none.pb: no such file"),
        (["-a", "ml:0.02"], "still.png", "for --network, got still.png: something that can't be read as either"),
        (["-a", "ml:0.02", "-f", "jpeg"], "webp.pb", "for --network, got webp.pb: a network for webp, not for jpeg"),
        (["-a", "dssim:0.02"], "none.pb", 'Expected --autoquality ml:… beside it for --network, got "none.pb"'),
        (["-q", "50"], "none", 'Expected --autoquality ml:… beside it for --network, got "none"'),
        ([], "none.pb", 'Expected --autoquality ml:… beside it for --network, got "none.pb"'),
    ],
)
def test_a_network_that_can_not_be_used_is_said_once(folder: Path, goal: list[str], network: str, message: str) -> None:
    save(seeing(), folder / "webp.pb")
    (folder / "webp.pb.json").write_text('{"format": "webp"}')

    result = run("still.png", "pages.tiff", "-o", "out/", "-f", "webp", *goal, "--network", network)

    assert result.exit_code == 2
    assert " ".join(result.stderr.split()).count(message) == 1
    assert not (folder / "out").exists()


def test_a_network_says_where_a_search_begins(folder: Path) -> None:
    save(seeing(base=41), folder / "net.pb")

    result = run("still.png", "-o", "out.webp", "-a", "ml:0.02:1:100:1", "--network", "net.pb", "--json")

    row = json.loads(result.stdout)
    assert (row["quality"], row["first"], row["why"], row["notes"]) == (42, "network", "trusted", [])


@pytest.mark.parametrize("form", [["--json"], []])
def test_a_name_that_is_no_text_is_printed_as_utf_8(folder: Path, form: list[str]) -> None:
    source = folder / os.fsdecode(b"caf\xe9.png")
    (folder / "still.png").rename(source)

    done = subprocess.run([*FOVEOLA, "encode", source, "-o", "out/", *form], capture_output=True, check=True)

    assert "caf\ufffd.png" in done.stdout.decode()
    assert (folder / "out" / source.name).exists()


INTERRUPTED = """
import os, signal, time
from foveola import cli, library
encode = library.encode
def stopped(*arguments, stop, **settings):
    os.kill(os.getpid(), signal.SIGINT)
    while not stop():
        time.sleep(0.01)
    return encode(*arguments, stop=stop, **settings)
library.encode = stopped
cli.main()
"""


WAITING = "foveola: interrupted: waiting for what is being encoded; Ctrl-C again to leave at once\n"


@pytest.mark.parametrize("more", [["-o", "out.webp"], ["moving.gif", "-o", "out", "-j", "1"], ["--in-place"]])
def test_ctrl_c_stops_the_search_and_writes_nothing(folder: Path, more: list[str]) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    command = [sys.executable, "-c", INTERRUPTED, "encode", "still.png", *more]

    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == WAITING + f"foveola: interrupted: 0 of {1 + ('moving.gif' in more)} pictures were written\n"
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


OVERTAKEN = """
import os, signal, time
from foveola import cli, library
encode = library.encode
def slow(data, *arguments, stop, **settings):
    if data.startswith(b"GIF"):
        return encode(data, *arguments, stop=stop, **settings)
    while not os.path.exists("out/moving.webp"):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
    while not stop():
        time.sleep(0.01)
    return encode(data, *arguments, stop=stop, **settings)
library.encode = slow
cli.main()
"""


def test_ctrl_c_loses_nothing_that_was_finished(folder: Path) -> None:
    """Also what stands behind a picture that is not."""
    options = ["-o", "out", "-f", "webp", "-q", "50", "-j", "2", "--json"]
    command = [sys.executable, "-c", OVERTAKEN, "encode", "still.png", "missing.png", "moving.gif", *options]

    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 130
    assert [(row["source"], row["output"]) for row in rows] == [
        ("missing.png", None),
        ("moving.gif", "out/moving.webp"),
    ]
    assert done.stderr == WAITING + (
        "foveola: missing.png: No such file or directory\n"
        "foveola: moving.gif: only the first of several frames or pages was written\n"
        "foveola: 1 of 2 pictures failed\n"
        "foveola: interrupted: 1 of 3 pictures were written\n"
    )
    assert [path.name for path in (folder / "out").iterdir()] == ["moving.webp"]


TWICE = """
import os, signal, time
from foveola import cli
def hang(_):
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    time.sleep(60)
os.fsync = hang
cli.main()
"""


def test_a_second_ctrl_c_leaves_at_once_and_no_part_of_a_file(folder: Path) -> None:
    command = [sys.executable, "-c", TWICE, "encode", "still.png", "-o", "out/new.webp"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, "", WAITING + "foveola: interrupted\n")
    assert list((folder / "out").iterdir()) == []


@pytest.mark.parametrize("form", [["--json"], []])
@pytest.mark.parametrize("kind", ["closed", "full"])
def test_without_stdout_the_work_goes_on_and_the_loss_is_said(folder: Path, kind: str, form: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [*FOVEOLA, "encode", "still.png", "moving.gif", "pages.tiff", "-o", "out", "-f", "webp", "-j", "1", *form]

    with os.fdopen(writer, "wb") as closed, Path("/dev/full").open("wb") as full:
        stdout = {"closed": closed, "full": full}[kind]
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == 1
    why = {"closed": "Broken pipe", "full": "No space left on device"}[kind]
    lost = "3 of 3 pictures could not be reported, 3 were written"
    assert done.stderr.splitlines()[2:] == [f"foveola: stdout: {why}: {lost}"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["moving.webp", "pages.webp", "still.webp"]


SHOWN = {
    "ascii": ("\xe9", "\ufffd"),  # click takes a stream of ASCII for one whose locale was forgotten
    "latin-1": ("\xe9", "\\ufffd"),
    "cp1251": ("\\xe9", "\\ufffd"),
    "utf-8": ("\xe9", "\ufffd"),
}


@pytest.mark.parametrize("encoding", SHOWN)
def test_any_name_can_be_printed_in_any_encoding_and_json_is_utf_8(folder: Path, encoding: str) -> None:
    names = [os.fsdecode("\xe9.png".encode()), os.fsdecode(b"\xff.png")]
    for name in names:
        (folder / name).write_bytes((folder / "still.png").read_bytes())
    command = [*FOVEOLA, "encode", *names, "gone \xe9.png", os.fsdecode(b"gone \xff.png"), "-o", "out", "-q", "50"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    spoken = "utf-8" if encoding == "ascii" else encoding

    plain = subprocess.run(command, capture_output=True, env=environment, check=False)
    rows = subprocess.run([*command, "--json"], capture_output=True, env=environment, check=False).stdout.decode()

    shown = [line.split(".png")[0] for line in plain.stdout.decode(spoken).splitlines()]
    said = [line.split(".png")[0] for line in plain.stderr.decode(spoken).splitlines()]
    assert plain.returncode == 1
    assert shown == [*SHOWN[encoding]]
    assert [line for line in said if "gone" in line] == [f"foveola: gone {text}" for text in SHOWN[encoding]]
    assert [json.loads(row)["source"] for row in rows.splitlines()] == [
        *("\xe9.png", "\ufffd.png", "gone \xe9.png", "gone \ufffd.png")
    ]
