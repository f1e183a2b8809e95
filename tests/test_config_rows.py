"""Every row of the table of settings reads what it says, refuses what it does not, and says so in one form."""

from __future__ import annotations

import ast
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import foveola
from foveola.config import GROUPS, OTHERS, RENAMED, SETTINGS, Settings, examine
from foveola.config.environment import FILE
from foveola.errors import ConfigError
from foveola.pipeline import Defaults
from foveola.settings import PREDICTED
from foveola.sources.base import Stores
from foveola.variables import Setting

KINDS: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "text": ("a b", "a b", ()),
    "true or false": ("T", True, ("yes", "2", "tRUE", " true")),
    "integer 0 or more": ("7", 7, ("-1", "1.5", "x", "1s", " 1")),
    "integer 1 or more": ("7", 7, ("0", "-1", "1.5", "10s")),
    "integer 1..32": ("8", 8, ("0", "33", "x")),
    "integer 1..100": ("50", 50, ("0", "101", "50%")),
    "integer 0..100": ("50", 50, ("-1", "101")),
    "integer 1..1024": ("2", 2, ("0", "1025")),
    "integer 0..8": ("3", 3, ("-1", "9")),
    "integer 0..9": ("3", 3, ("-1", "10")),
    "integer 1..6": ("3", 3, ("0", "7")),
    "integer 1..9": ("3", 3, ("0", "10")),
    "integer 2..256": ("16", 16, ("1", "257")),
    "0 or integer 100..599": ("404", 404, ("99", "600", "-1")),
    "number 0 or more": ("1.5", 1.5, ("-0.1", "nan", "inf", "1,5", "0x1p3")),
    "number 0 or more, which is rounded": ("72.4", 72, ("-1", "x", "inf")),
    "number 0..1": ("0.25", 0.25, ("-0.1", "1.1", "nan")),
    "number above 0": ("0.25", 0.25, ("0", "0.0", "-1", "inf")),
    "number above 0, up to 1": ("0.25", 0.25, ("0", "1.1")),
    "base64": ("AAEC", b"\0\1\2", ("A", "AA-_", "é", "AAE")),
    "hexadecimal digits of 16, 24 or 32 bytes": ("ab" * 24, b"\xab" * 24, ("ab" * 23, "x" * 32, "")),
    "path of URLs, beginning with a slash": ("a/b/?c#d", "/a/b", ()),
    "address `http://…` or `https://…`": ("https://e.com", "https://e.com", ("e.com", "ftp://e.com", "http://")),
    "time of RFC 3339 (2006-01-02T15:04:05Z)": (
        "2026-01-02T03:04:05+02:00",
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))),
        ("2026-01-02", "2026-13-02T03:04:05Z", "2026-01-02 03:04:05Z", "Fri, 02 Jan 2026 03:04:05 GMT", "now"),
    ),
    'list of text, separated by ","': (" a ,b,,", ("a", "b"), ()),
    'list of hexadecimal digits, separated by ","': ("aa, BB", (b"\xaa", b"\xbb"), ("a", "xx", "aa;bb", "a a")),
    'list of a format, separated by ","': ("jpg, avif", ("jpeg", "avif"), ("JPG", "cat")),
    'list of pattern=text, separated by ";"': ("a*=b=${1}; c=", (("a*", "b=${1}"), ("c", "")), ("a", "=b", "a=b;c")),
    'list of name=value, separated by "\\;"': ("A=1;2\\;B=3", (("A", "1;2"), ("B", "3")), ("A", "A=1\\;B")),
    "list of format=value with integer 1..100": ("jpg=5,png=6", {"jpeg": 5, "png": 6}, ("jpg", "jpg=0", "cat=5", "=5")),
    "list of format=value with integer 0..100": ("jpg=0", {"jpeg": 0}, ("jpg", "jpg=101", "jpg=")),
    "`none` or the path of a `.pb` or `.onnx` file": ("/a.onnx", "/a.onnx", ()),
    "`memory`, `off`, a path with a slash, or an address `redis://…`": ("./a", "./a", ("on", "a")),
}
"""Of each kind a text, what it is, and texts that it is not."""

PRESETS = str(Path(__file__).parent / "data" / "presets.txt")
ROWS: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "presets": ("a=w:1, b=h:2", ("a=w:1", "b=h:2"), ()),
    "info_presets": ("a=d:1, b=s:1", ("a=d:1", "b=s:1"), ()),
    "presets_path": (PRESETS, PRESETS, ()),
    "info_presets_path": (PRESETS, PRESETS, ()),
}
"""Likewise of settings that have to be more than their kind says."""

BESIDE = {"IMGPROXY_KEY": {"IMGPROXY_SALT": "aa,bb"}, "IMGPROXY_SALT": {"IMGPROXY_KEY": "aa,bb"}} | {
    "IMGPROXY_ONLY_PRESETS": {"IMGPROXY_PRESETS": "a=w:1"},
    "IMGPROXY_USE_ABS": {"IMGPROXY_ABS_NAME": "a"},
}
"""What else has to be said."""


def told(row: Setting) -> tuple[str, Any, tuple[str, ...]]:
    if row.kind.what.startswith("one of "):
        words = row.kind.what.removeprefix("one of ").split(", ")
        return words[-1], words[-1], ("", "cat", f"{words[0]},{words[1]}")
    if row.kind.what.startswith("list of one of "):
        return "webp, jpg", ("webp", "jpeg"), ("cat", "webp;jpg", "JPG", " ", ",")
    return ROWS.get(row.field) or KINDS[row.kind.what]


def value_of(found: Settings, row: Setting) -> Any:
    group = found.codecs[row.format] if row.format else getattr(found, row.group)
    return getattr(group, row.field)


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_a_row_reads_its_kind(row: Setting) -> None:
    text, value, _ = told(row)
    laid_over = {"webp": 79, "avif": 63, "jxl": 77} if row.field == "format_quality" else {}

    found = examine({row.name: text} | BESIDE.get(row.name, {}))

    assert found.problems == ()
    assert found.warnings == ()
    assert value_of(found.settings, row) == ({**laid_over, **value} if laid_over else value)
    assert found.origins[row.name] == "environment"


@pytest.mark.parametrize(
    ("row", "text"),
    [(row, text) for row in SETTINGS for text in told(row)[2] if text],
    ids=lambda part: part.name if isinstance(part, Setting) else part,
)
def test_a_row_refuses_what_it_is_not(row: Setting, text: str) -> None:
    found = examine({row.name: text} | BESIDE.get(row.name, {}))
    shown = "…" if row.secret else text

    assert f'Expected {row.kind.what} for {row.name}, got "{shown}"' in found.problems
    assert value_of(found.settings, row) == row.default
    assert row.name not in found.origins


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_an_empty_text_is_as_if_it_were_not_there(row: Setting) -> None:
    found = examine({row.name: ""})

    if row.field == "source_url_query_separator":
        assert value_of(found.settings, row) == ""
    else:
        assert (found.settings, dict(found.origins), found.problems) == (Settings(), {}, ())


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_what_a_row_says_is_read_back(row: Setting) -> None:
    found = Settings.from_env({row.name: told(row)[0]} | BESIDE.get(row.name, {}))

    again = Settings.from_env({each.name: found.text(each) for each in SETTINGS})

    assert again == found


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"PROMETHEUS_BIND": ":80", "BIND": ":80"}, "Expected another address than IMGPROXY_BIND for IMGPROXY_PROM"),
        ({"PROMETHEUS_BIND": ":8080"}, "Expected another address than IMGPROXY_BIND for IMGPROXY_PROMETHEUS_BIND"),
        ({"WATERMARK_DATA": "AA==", "WATERMARK_URL": "x"}, "Expected one of IMGPROXY_WATERMARK_DATA, IMGPROXY_WATER"),
        ({"FALLBACK_IMAGE_PATH": "a", "FALLBACK_IMAGE_URL": "x"}, "Expected one of IMGPROXY_FALLBACK_IMAGE_PATH, "),
        ({"ONLY_PRESETS": "1"}, "Expected presets in IMGPROXY_PRESETS or IMGPROXY_PRESETS_PATH for IMGPROXY_ONLY_"),
        ({"USE_ABS": "1"}, "Expected the name of an account for IMGPROXY_ABS_NAME with IMGPROXY_USE_ABS, got none"),
        ({"SALT": "aa"}, "Expected as many salts as keys (0) for IMGPROXY_SALT, got 1"),
        ({"QUALITY": "x" * 1000}, 'for IMGPROXY_QUALITY, got "' + "x" * 100 + '…"'),
    ],
)
def test_what_does_not_go_together_is_told(environ: dict[str, str], problem: str) -> None:
    (sentence,) = examine({f"IMGPROXY_{name}": value for name, value in environ.items()}).problems

    assert problem in sentence


def test_lists_are_separated_by_what_another_variable_says() -> None:
    found = Settings.from_env(
        {
            "IMGPROXY_PRESETS": "a=fn:1,2; b=h:2",
            "IMGPROXY_INFO_PRESETS": "c=d:1;e=d:1",
            "IMGPROXY_PRESETS_SEPARATOR": ";",
            "IMGPROXY_CUSTOM_REQUEST_HEADERS": "A=1|B=2",
            "IMGPROXY_CUSTOM_HEADERS_SEPARATOR": "|",
        }
    )

    assert found.urls.presets == ("a=fn:1,2", "b=h:2")
    assert found.urls.info_presets == ("c=d:1", "e=d:1")
    assert found.server.custom_request_headers == (("A", "1"), ("B", "2"))


def test_words_are_read_in_any_case_as_imgproxy_does() -> None:
    found = Settings.from_env({"IMGPROXY_LOG_FORMAT": "JSON", "IMGPROXY_AUTOQUALITY_METHOD": "Dssim"})

    assert (found.log.log_format, found.quality.autoquality_method) == ("json", "dssim")


def test_a_time_says_its_zone() -> None:
    found = Settings.from_env({"IMGPROXY_LAST_MODIFIED_BUSTER": "2026-01-02t03:04:05z"})

    assert found.server.last_modified_buster == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


TEXTS = st.one_of(
    st.text(max_size=20),
    st.from_regex(r"[0-9,.:;=\\a-f/*$-]{0,12}", fullmatch=True),
    st.sampled_from([text for good, _, bad in KINDS.values() for text in (good, *bad)]),
)
NAMES = st.one_of(
    st.sampled_from([row.name for row in (*SETTINGS, *OTHERS)] + [*RENAMED, FILE, "PORT"]),
    st.from_regex(r"(IMGPROXY|IMGRPOXY|FOVEOLA)_[A-Z]{0,9}", fullmatch=True),
)


@given(st.dictionaries(NAMES, TEXTS, max_size=12))
def test_no_environment_raises_anything_but_an_error_of_the_settings(environ: dict[str, str]) -> None:
    """And settings that are read without one can be used."""
    told = examine(environ)
    if told.problems:
        with pytest.raises(ConfigError, match=r"IMGPROXY_|FOVEOLA_"):
            Settings.from_env(environ)
        return

    found = Settings.from_env(environ)

    assert found == told.settings
    assert found.keys is not None
    assert found.grammar is not None
    assert found.defaults is not None
    assert found.reach.allowed == found.security.allowed_sources
    assert found.varies in (False, True)
    again = Settings.from_env({row.name: found.text(row) for row in SETTINGS})
    assert again == found


def test_no_setting_is_read_by_nobody() -> None:
    """By its name, as a default of the pipeline or of stores, as what separates another, or by a name that is made."""
    package = Path(foveola.__file__).parent
    modules = [path for path in package.rglob("*.py") if path.stem not in GROUPS or path.parent.name != "config"]
    named = {
        node.attr
        for path in modules
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
    }
    handed = {field.name for kind in (Defaults, Stores) for field in fields(kind)}
    separators = {row.separator for row in SETTINGS}
    made = {"decisions", "decisions_size", "decisions_check"}
    made |= {f"{way}_{name}" for way in ("auto", "enforce") for name in ("jxl", "avif", "webp")}
    made |= {f"autoquality_{name}_net" for name in PREDICTED} | {
        f"unsharp_masking_{part}" for part in ("mode", "weight", "divider")
    }

    assert [r.name for r in SETTINGS if not r.format and r.field not in named | handed | separators | made] == []
