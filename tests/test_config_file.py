"""A file of settings is laid under the environment, in the syntax of imgproxy's documentation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from foveola.config import environment, examine
from foveola.config.environment import FILE, parse


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        (" A = 1 ", "1"),
        ("export A=1", "1"),
        ("A=", ""),
        ("A=a b", "a b"),
        ("A=a # why", "a"),
        ("A=a#b", "a#b"),
        ("A=#fff", "#fff"),
        ("A=  # nothing", ""),
        ("A=a=b", "a=b"),
        ('A="a b"', "a b"),
        ("A='a b'", "a b"),
        ('A="a # b"  # why', "a # b"),
        ("A=$B", "word"),
        ("A=${B}s", "words"),
        ('A="$B"', "word"),
        ('A="${B}"', "word"),
        ("A='$B'", "$B"),
        ("A='${B}'", "${B}"),
        (r"A=\$B", "$B"),
        ("A=$NONE", ""),
        (r'A="{\"hello\": \"json\"}"', '{"hello": "json"}'),
        (r'A="some\\value"', "some\\value"),
        (r'A="some\nvalue"', "some\nvalue"),
        (r"A=some\nvalue", r"some\nvalue"),
        ("A='a\u2028b\x85c'", "a\u2028b\x85c"),
    ],
)
def test_a_line_is_a_name_and_a_value(line: str, value: str) -> None:
    assert parse(f"# a comment\n\nB=word\n{line}\n", "x", {}) == ({"B": "word", "A": value}, [])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(end: str) -> None:
    assert parse(f"A=1{end}{end}B='2'{end}", "x", {}) == ({"A": "1", "B": "2"}, [])


@pytest.mark.parametrize("line", ["A", "=1", "1A=1", 'A="1', "A='1", 'A="1"2', "a-b=1"])
def test_a_line_that_is_none_is_named_by_its_number(line: str) -> None:
    found, problems = parse(f"B=1\n{line}\nC=2", "/etc/x", {})

    assert found == {"B": "1", "C": "2"}
    assert problems == [f"Expected NAME=value in line 2 of /etc/x ({FILE})"]


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text("IMGPROXY_TTL=5\nIMGPROXY_QUALITY=50\nIMGPROXY_CONCURRENCY=7\nIMGPROXY_METOD=1\n")

    found = examine({FILE: str(path), "IMGPROXY_QUALITY": "60"})

    assert (found.settings.server.ttl, found.settings.quality.quality, found.settings.server.workers) == (5, 60, 7)
    assert found.origins == {
        "IMGPROXY_TTL": "file",
        "IMGPROXY_QUALITY": "environment",
        "IMGPROXY_WORKERS": "file (IMGPROXY_CONCURRENCY)",
    }
    assert len(found.warnings) == 2


def test_the_later_name_in_a_file_counts_before_the_earlier_one_in_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text("IMGPROXY_WORKERS=5\n")

    assert examine({FILE: str(path), "IMGPROXY_CONCURRENCY": "3"}).settings.server.workers == 5


def test_other_programs_see_the_file_too(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text("AWS_REGION=eu\nIMGPROXY_QUALITY=50\n")
    environ = {FILE: str(path), "IMGPROXY_QUALITY": ""}

    environment.load(environ)

    assert environ == {FILE: str(path), "IMGPROXY_QUALITY": "", "AWS_REGION": "eu"}


def test_a_file_that_can_not_be_read_is_a_problem(tmp_path: Path) -> None:
    binary, pipe = tmp_path / "binary", tmp_path / "pipe"
    binary.write_bytes(b"\xff=1")
    os.mkfifo(pipe)

    for path in (tmp_path / "none", tmp_path, binary, pipe, "a\0b"):
        environ = {FILE: str(path)}
        (problem,) = examine(environ).problems
        environment.load(environ)

        assert problem.startswith("Expected the path of a ")
        assert f" for {FILE}, got " in problem
        assert environ == {FILE: str(path)}
