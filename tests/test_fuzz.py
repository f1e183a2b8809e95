"""The harness of the fuzz targets, what they begin with, and all that has broken them.

The readers themselves are fed with broken input by `python -m fuzz all`, which is a step of scripts/test.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from fuzz import mutate, plain, several
from fuzz.running import Target, named, names

ROOT = Path(__file__).parent.parent
CASES: tuple[tuple[str, bytes], ...] = (
    # names with letters that expat knows in ISO 8859-1 only: what was written was no XML
    ("svg", b"<?xml version='1.0' encoding='iso-8859-1'?><svg xmln\xaa='http://www.w3.org/2000/svg'/>"),
    ("svg", b"<?xml version='1.0' encoding='iso-8859-1'?><svg><g\xb5/></svg>"),
    # a value between quotation marks was two lines
    ("settings", "KEY=a\u2028b".encode()),
    ("settings", b"KEY=a\r"),
    # a copyright before the artist was written in that order, and the next time in the other
    (
        "exif",
        b"MM\0*\0\0\0\x08\0\2\x82\x98\0\2\0\0\0\6\0\0\0\x26\x01\x3b\0\2\0\0\0\6\0\0\0\x2c\0\0\0\0RIGHTSARTIST",
    ),
    # half of a surrogate pair could be read and not be written
    ("sidecar", b'{"settings": {"effort\\ud800": 4}}'),
    # a source that is no UTF-8 and has a scheme could be read and not be written
    ("urls", b"/unsafe/plain/ht%e2tp://e.com/a"),
    # an ETag that looks like ours and is not ASCII was an error of ours
    ("requests", b'/x\n\nif-none-match: "buster/\xe9"'),
    # passwords whose `//` or `@` is escaped stood in the log
    ("requests", b"/unsafe"),
    # a redirect from a path with escapes went to what they stand for
    ("redirects", b"https://a.com/\xc3\xb6/y\nz"),
    # hosts with blanks and control characters were looked up
    ("redirects", b"http://a\x14b/"),
    ("redirects", "http://7\u2006/".encode()),
    ("redirects", b"https://a.com/\nhttp://a=b; domain=/"),
    # yarl looked for the first sign of no host
    ("redirects", b"http://[]@/"),
    # what a star of an allowed source stands for was more than a part of the host
    ("sources", b"https://evil.com?.good.com/"),
    # two stars side by side took eight seconds
    ("sources", b"https://" + b"." * 30_000),
    # a worker could say sizes below 0 and qualities of any length
    ("replies", b'{"bytes": -1, "vips": [0, 0, 0]}'),
    # a BigTIFF names places that no machine has
    ("scans", b"II+\0\x08\0\0\0" + b"\xff" * 8),
    # the length of a segment, of 0 or 1, was lost on the way
    ("scans", b"\xff\xd8\xff\xe0\0\x01\x10JFIF\0\1\1\1\0H\0H\0\0\xff\xdb\0\x43\0\xff\xd9"),
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Each input may be worth a warning."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(("name", "data"), CASES)
def test_what_broke_it_once_does_not_again(name: str, data: bytes) -> None:
    named(name).feed(data)


@pytest.mark.parametrize("name", names())
def test_the_seeds_are_taken(name: str) -> None:
    target = named(name)

    assert target.seeds
    for data in target.seeds:
        target.feed(data)


def test_mutations_are_many_and_the_same_each_time() -> None:
    first, again, other = (list(islice(mutate.inputs((b"hello", b"world"), (b"x",), s), 300)) for s in (1, 1, 2))

    assert first == again != other
    assert len(set(first)) > 200
    assert first[:3] == [b"hello", b"world", b""]


def _break(data: bytes) -> None:
    if data:
        raise KeyError(data)


def _hang(_: bytes) -> None:
    while True:
        pass


def test_a_target_that_breaks_hangs_or_grows_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.running.SLOW", 0.05)

    with pytest.raises(AssertionError, match=r"more than 0\.05 s"):
        Target("a", (), (), _hang).feed(b"abc")
    with pytest.raises(KeyError):
        Target("a", (), (), _break).feed(b"abc")
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)
    monkeypatch.setattr("fuzz.running._most", iter([100 << 20, 400 << 20]).__next__)
    with pytest.raises(AssertionError, match="300 MB for 3 bytes"):
        Target("a", (), (), len).feed(b"abc")


def test_what_breaks_a_target_is_told_once_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count, broken = plain.run(Target("a", (b"abc",), (), _break), 0.1, 1, tmp_path / "cases")

    assert (count > 3, broken) == (True, 1)
    (case,) = (tmp_path / "cases").iterdir()
    assert case.read_bytes() == b"abc"
    assert f"{case}: KeyError" in capsys.readouterr().out


def test_all_targets_are_run_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each in a process of its own; one that can't even begin counts as broken, and says why."""
    arguments = ["--seconds", "1", "--plain", "--cases", str(tmp_path)]

    assert several.run(["addresses", "iptc"], arguments, 2) == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert [(name, guided, broken) for name, guided, *_, broken in rows] == [
        ("| addresses", "no", "no |"),
        ("| iptc", "no", "no |"),
    ]
    assert all(int(row[2]) > 10 for row in rows)
    assert several.run(["nothing"], arguments, 1) == 1
    assert "nothing was broken (exit status 2)" in capsys.readouterr().out


def test_what_libfuzzer_says_is_a_row() -> None:
    said = "#9\tNEW    cov: 12 ft: 30 corp: 1/2b\nDone 90 runs in 2 second(s)\nstat::number_of_executed_units: 90\n"
    broken = "#9\tNEW    cov: 12 ft: 30 corp: 1/2b\n === Uncaught Python exception: ===\nKeyError: 1\nTraceback\n"

    assert several.Ran("a", said, 0).row == "| a | yes | 90 | 12 | no |"
    assert several.Ran("a", broken, 77).row == "| a | yes | ? | 12 | yes |"
    assert several.Ran("a", broken, 77).reasons == " === Uncaught Python exception: ===\nKeyError: 1"


def test_one_case_is_fed_again(tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.write_bytes(CASES[0][1])
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}

    subprocess.run([sys.executable, "-m", "fuzz", CASES[0][0], str(case)], env=environ, check=True)
