"""The table of options is whole: every word means one thing, and every field can be said."""

from __future__ import annotations

from dataclasses import fields

import pytest

from foveola import options
from foveola.errors import UrlError
from foveola.goal import Asked
from foveola.options import OPTIONS, ProcessingOptions


def test_a_word_means_one_option() -> None:
    words = [word for option in OPTIONS for word in (option.name, *option.aliases)]

    assert len(words) == len(set(words))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_and_argument_is_documented(option: options.Option) -> None:
    assert option.doc.endswith(".")
    assert all(a.name and a.doc.endswith(".") and a.kind.what for a in option.arguments)
    assert option.edition in ("oss", "pro")


def test_every_field_is_written_by_one_option() -> None:
    said = ProcessingOptions("fill", 1, 2, True, 3, (("webp", 4),), Asked("dssim", 0.5, 5, 6, 0.25), 7, "png", "c")

    assert all(getattr(said, f.name) != getattr(ProcessingOptions(), f.name) for f in fields(said))
    assert options.write(said) == [
        ["rt", "fill"],
        ["w", "1"],
        ["h", "2"],
        ["el", "1"],
        ["q", "3"],
        ["fq", "webp", "4"],
        ["aq", "dssim", "0.5", "5", "6", "0.25"],
        ["mb", "7"],
        ["f", "png"],
        ["cb", "c"],
    ]


def test_nothing_is_written_for_nothing() -> None:
    assert options.write(ProcessingOptions()) == []


def test_an_alias_is_its_option() -> None:
    for option in OPTIONS:
        texts = ["1", "2"] if option.name == "format_quality" else [""] * min(len(option.arguments), 2)
        if option.name in ("resize", "size", "extend", "autoquality"):
            said = [options.apply(ProcessingOptions(), word, texts) for word in (option.name, *option.aliases)]
            assert said == [ProcessingOptions()] * len(said)


@pytest.mark.parametrize(
    ("name", "texts", "sentence"),
    [
        ("nope", ["1"], "Unknown processing option nope"),
        ("width", ["x"], 'Expected integer 0 or more for width, got "x"'),
        ("q", ["101"], 'Expected integer 0..100 for quality, got "101"'),
        ("rt", ["crop"], 'Expected one of fit, fill, fill-down, force, auto for resizing_type, got "crop"'),
        ("w", ["1", "2"], 'Expected at most 1 arguments for w, got "1:2"'),
        ("ex", ["1"], 'Expected false (extending is not served by this version) for extend, got "1"'),
        ("aq", ["best"], 'Expected one of none, size, dssim, ml for method, got "best"'),
    ],
)
def test_a_refusal_says_what_was_expected(name: str, texts: list[str], sentence: str) -> None:
    with pytest.raises(UrlError) as refused:
        options.apply(ProcessingOptions(), name, texts)

    assert str(refused.value) == sentence
