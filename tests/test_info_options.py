"""Options of the info endpoint: every word of the table, and what is refused."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import foveola.info.options
from foveola.errors import UrlError
from foveola.info.options import INFO_OPTIONS, UNANSWERED, InfoOptions, apply
from foveola.options.values import Crop, Gravity

DEFAULT = InfoOptions()
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
WORDS = {
    *("size", "s", "format", "f", "dimensions", "d", "exif", "iptc", "xmp", "colorspace", "cs", "bands", "b"),
    *("sample_format", "sf", "pages_number", "pn", "alpha", "a", "crop", "c", "palette", "p", "average", "avg"),
    *("dominant_colors", "dc", "blurhash", "bh", "thumb_hash", "th", "perceptual_hash", "phash", "ph"),
    *("calc_hashsums", "chs", "page", "pg", "cachebuster", "cb", "expires", "exp", "preset", "pr", "hashsum", "hs"),
    *("max_src_resolution", "msr", "max_src_file_size", "msfs"),
}


def said(*options: str, **more: Any) -> InfoOptions:
    found = DEFAULT
    for option in options:
        name, *texts = option.split(":")
        found = apply(found, name, texts, **more)
    return found


def test_the_words_are_those_of_the_documentation() -> None:
    assert {word for option in INFO_OPTIONS for word in option.words} == WORDS


def test_only_what_needs_no_pixel_is_on_unless_asked() -> None:
    on = {field.name for field in fields(DEFAULT) if getattr(DEFAULT, field.name) is True}

    assert on == {"size", "format", "dimensions", "exif", "iptc", "xmp", "ignore_transparent"}


@pytest.mark.parametrize(
    ("option", "changed"),
    [
        *((f"{word}:0", {name: False}) for name, word in [("size", "s"), ("format", "f"), ("dimensions", "d")]),
        *((f"{name}:false", {name: False}) for name in ("exif", "iptc", "xmp")),
        *((f"{word}:yes", {name: False}) for name, word in [("size", "size"), ("xmp", "xmp")]),
        *(
            (f"{word}:1", {name: True})
            for name, word in [("colorspace", "cs"), ("bands", "b"), ("sample_format", "sf")]
        ),
        *((f"{word}:t", {name: True}) for name, word in [("pages_number", "pn"), ("alpha", "a"), ("average", "avg")]),
        *((f"{word}:true", {name: True}) for name, word in [("dominant_colors", "dc"), ("thumb_hash", "th")]),
        *((f"{word}:1", {"perceptual_hash": True}) for word in ("perceptual_hash", "phash", "ph")),
        ("exif:1:1", {"canonical_names": True}),
        ("exif::1", {"canonical_names": True}),
        ("alpha:1:1", {"alpha": True, "check_transparency": True}),
        ("average:1:0", {"average": True, "ignore_transparent": False}),
        ("dc:1:1", {"dominant_colors": True, "build_missed": True}),
        ("p:8", {"palette": 8}),
        ("palette:256", {"palette": 256}),
        ("bh:4:3", {"blurhash": (4, 3)}),
        ("bh:4", {"blurhash": (4, 0)}),
        ("c:0.5:200", {"crop": Crop(0.5, 200)}),
        ("crop:10:20:no:0:5", {"crop": Crop(10, 20, Gravity("no", 0, 5))}),
        ("crop:10:20:fp:0.5:0.25", {"crop": Crop(10, 20, Gravity("fp", 0.5, 0.25))}),
        ("chs:sha256:md5:sha256", {"calc_hashsums": ("md5", "sha256")}),
        ("chs:", {"calc_hashsums": ()}),
        ("pg:3", {"page": 3}),
        ("cb:any text", {"cachebuster": "any text"}),
        ("exp:32503669200", {"expires": 32503669200}),
        (f"hs:md5:{MD5.upper()}", {"hashsum": ("md5", MD5)}),
        ("hs:none", {}),
    ],
)
def test_an_option_sets_its_fields(option: str, changed: dict[str, Any]) -> None:
    assert said(option) == replace(DEFAULT, **changed)


@pytest.mark.parametrize(
    "option",
    [
        *("palette:1", "palette:257", "palette:-1", "palette:", "palette:8:9", "bh:10:3", "bh:3:10", "bh:a:1"),
        *("chs:crc32", "hs:md5:zz", "hs:md5", "hs:sha1:" + MD5, "page:-1", "page:x", "crop:-1:1", "crop:1:1:xx"),
        *("crop:1:1:obj:face", "crop:1:1:sm:1", "crop:1:1:fp:2:2", "size:1:1", "preset:mine", "rs:fill:1:1", "", "S:1"),
    ],
)
def test_what_can_not_be_read_is_no_url(option: str) -> None:
    with pytest.raises(UrlError) as raised:
        said(option)

    assert raised.value.status == 404


@pytest.mark.parametrize(("word", "name"), UNANSWERED.items())
def test_what_is_not_answered_is_refused_by_name(word: str, name: str) -> None:
    with pytest.raises(UrlError, match=name) as raised:
        apply(DEFAULT, word, ["1"])

    assert raised.value.status == 404
    assert name in raised.value.public


def test_what_is_not_answered_may_be_switched_off() -> None:
    assert said("video_meta:0", "do:false", "vm:f") == DEFAULT


@pytest.mark.parametrize(
    ("option", "changed"),
    [("msr:0.5", {"max_src_resolution": 0.5}), ("max_src_file_size:1000", {"max_src_file_size": 1000})],
)
def test_limits_are_changed_only_where_that_is_allowed(option: str, changed: dict[str, Any]) -> None:
    assert said(option, security=True) == replace(DEFAULT, **changed)
    with pytest.raises(UrlError) as raised:
        said(option)
    assert raised.value.status == 403


@given(st.sampled_from(sorted(WORDS)), st.lists(st.text("01.:tfabsmed-", max_size=5), min_size=1, max_size=5))
def test_any_text_is_read_or_refused(name: str, texts: list[str]) -> None:
    try:
        apply(DEFAULT, name, texts)
    except UrlError as error:
        assert error.status in (403, 404)  # noqa: PT017  # both outcomes are right


def test_every_field_is_documented() -> None:
    (kind,) = [
        node
        for node in ast.walk(ast.parse(Path(foveola.info.options.__file__).read_text()))
        if isinstance(node, ast.ClassDef) and node.name == "InfoOptions"
    ]
    lines = (ast.get_docstring(kind) or "").splitlines()

    assert [line.strip().split(":")[0] for line in lines if line.startswith("    ")] == [
        f.name for f in fields(DEFAULT)
    ]


def test_the_options_load_no_picture_library() -> None:
    """The server's front reads URLs and has no pixels."""
    code = "import sys, foveola.info.options; print({'numpy', 'pyvips', 'PIL', 'xml.parsers.expat'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert loaded.stdout == "set()\n"
