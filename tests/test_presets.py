"""Presets are sets of options under a name: they nest, chain and replace options, and are all tried at the start."""

from __future__ import annotations

import logging

import pytest

from foveola import presets, urls
from foveola.errors import ConfigError, UrlError
from foveola.options import ProcessingOptions
from foveola.options.values import Trim
from foveola.presets import Presets
from foveola.urls import Grammar

SOURCE = "http://e.com/i.jpg"
PLAIN = "plain/" + SOURCE


def read(path: str, *texts: str, **grammar: object) -> ProcessingOptions:
    """Return what a path says where the given presets are known."""
    return urls.parse(path, Grammar(presets=Presets.read(texts), **grammar)).options  # type: ignore[arg-type]


def test_presets_are_read_from_texts_and_lines() -> None:
    found = Presets.read(["a=w:1/h:2", " ", " b = q:3 "], "# a comment\n\nc=f:png\n  d=el:1  \n")

    assert found.segments == {"a": ("w:1", "h:2"), "b": ("q:3",), "c": ("f:png",), "d": ("el:1",)}


def test_a_later_preset_of_a_name_wins() -> None:
    assert Presets.read(["a=w:1"], "a=w:2").segments == {"a": ("w:2",)}


@pytest.mark.parametrize(
    ("path", "texts", "options"),
    [
        ("pr:a/", ["a=w:100/q:50"], ProcessingOptions(width=100, quality=50)),
        ("preset:a:b/", ["a=w:100/q:50", "b=w:200"], ProcessingOptions(width=200, quality=50)),
        ("w:300/pr:a/", ["a=w:100"], ProcessingOptions(width=100)),
        ("pr:a/w:300/", ["a=w:100"], ProcessingOptions(width=300)),
        ("", ["default=w:100"], ProcessingOptions(width=100)),
        ("w:7/", ["default=w:100/h:100"], ProcessingOptions(width=7, height=100)),
        ("pr:a/", ["default=q:1", "a=w:100"], ProcessingOptions(width=100, quality=1)),
        ("pr:b/", ["a=w:100/h:1", "b=pr:a/h:2"], ProcessingOptions(width=100, height=2)),
        ("pr:a/", ["default=w:5/h:6", "a=h:7/pr:default"], ProcessingOptions(width=5, height=6)),
        ("skp:jpg/pr:a/", ["a=skp:png"], ProcessingOptions(skip_processing=("jpeg", "png"))),
    ],
)
def test_presets_are_laid_where_they_stand(path: str, texts: list[str], options: ProcessingOptions) -> None:
    assert read(path + PLAIN, *texts) == options


@pytest.mark.parametrize("format", ["w:400/-/preset:test/width:500/-/width:600/"])
def test_pipelines_of_a_preset_are_merged_into_those_of_the_url(format: str) -> None:
    """The example of imgproxy's documentation."""
    found = read(format + PLAIN, "test=width:300/height:300/-/width:200/height:200/-/width:100/height:200")

    sizes = [(stage.width, stage.height) for stage in (found, *found.chained)]
    assert sizes == [(400, 0), (500, 300), (600, 200), (100, 200)]


def test_what_concerns_the_whole_request_is_said_by_any_pipeline() -> None:
    found = read("w:1/-/trim:10/q:5/-/pr:a/" + PLAIN, "a=f:png/blur:2")

    assert found == ProcessingOptions(
        width=1,
        quality=5,
        format="png",
        chained=(ProcessingOptions(trim=Trim(10)), ProcessingOptions(blur=2)),
    )


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (["a=w:1/pr:a/h:2"], ProcessingOptions(width=1, height=2)),
        (["a=w:1/pr:b", "b=h:2/pr:a"], ProcessingOptions(width=1, height=2)),
    ],
)
def test_a_preset_that_comes_back_to_itself_is_left_out_there(
    texts: list[str], options: ProcessingOptions, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert read("pr:a/" + PLAIN, *texts) == options

    assert "Preset 'a' comes back to itself by" in caplog.text


def test_an_unknown_preset_is_not_found() -> None:
    with pytest.raises(UrlError, match="Unknown preset b") as refused:
        read("pr:a:b/" + PLAIN, "a=w:1")

    assert (refused.value.status, refused.value.public) == (404, "Invalid URL")


def test_options_in_presets_need_not_be_allowed_but_presets_do() -> None:
    allowed = {"allowed": frozenset({"pr", "h"})}

    assert read("pr:a/h:2/" + PLAIN, "a=w:1/preset:b", "b=q:3", **allowed) == ProcessingOptions(
        width=1, height=2, quality=3
    )
    for segment in ("w:1", "preset:a"):
        with pytest.raises(UrlError, match="Forbidden processing option"):
            read(f"{segment}/" + PLAIN, "a=w:1", **allowed)


def test_only_presets_may_be_named_where_the_settings_say_so() -> None:
    texts = ("default=q:9", "a=w:1", "b=h:2", "fit=w:3")

    assert read("a:b/" + PLAIN, *texts, only_presets=True) == ProcessingOptions(width=1, height=2, quality=9)
    assert read("fit/" + PLAIN + "@png", *texts, only_presets=True) == ProcessingOptions(
        width=3, quality=9, format="png"
    )
    for path in ("w:1/" + PLAIN, PLAIN, "a/b/" + PLAIN, "a:/" + PLAIN):
        with pytest.raises(UrlError):
            read(path, *texts, only_presets=True)


def test_arguments_of_presets_are_separated_as_those_of_urls() -> None:
    found = Grammar(separator=",", presets=Presets.read(["a=rs,fill,1,2"], separator=","))

    assert urls.parse("pr,a/" + PLAIN, found).options == ProcessingOptions("fill", width=1, height=2)
    assert urls.parse("pr,a/" + PLAIN, Grammar(separator=",", presets=found.presets, only_presets=False)) is not None


def test_all_that_is_wrong_with_presets_is_said_at_once() -> None:
    texts = [
        "a",
        "=w:1",
        "b=",
        "c=w:1=2",
        "d=w:x",
        "e=nope:1",
        "f=w:1/plain",
        "g=pr:missing",
        "h=w:1",
        "i=msr:1",
        "j=vts:1",
    ]

    with pytest.raises(ConfigError) as refused:
        Presets.read(texts)

    assert str(refused.value).splitlines() == [
        'Expected name=option/option for preset, got "a"',
        'Expected name=option/option for preset, got "=w:1"',
        'Expected name=option/option for preset, got "b="',
        'Expected name=option/option for preset, got "c=w:1=2"',
        'Preset d: Expected integer 0 or more for width, got "x"',
        "Preset e: Unknown processing option nope",
        'Preset f: Expected options only for preset f, got "plain"',
        "Preset g: Unknown preset missing",
        "Preset i: Security option max_src_resolution is not allowed",
        "Preset j: Option video_thumbnail_second is not supported by this server",
    ]


def test_presets_may_change_limits_where_urls_may() -> None:
    found = Presets.read(["i=msr:1"], lay=presets.pictures(security=True))

    assert urls.parse("pr:i/" + PLAIN, Grammar(presets=found, security=True)).options.max_src_resolution == 1


def test_presets_that_would_never_end_are_refused() -> None:
    """Each names the next twice: the last would be laid a million times."""
    texts = [f"p{n}=pr:p{n + 1}:p{n + 1}" for n in range(20)]

    with pytest.raises(ConfigError, match="at most 1000 options"):
        Presets.read([*texts, "p20=w:1"])


def test_presets_use_each_other_in_a_row_that_ends() -> None:
    texts = [f"p{n}=pr:p{n + 1}" for n in range(40)]

    with pytest.raises(ConfigError) as refused:
        Presets.read([*texts, "p40=w:1"])

    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == [f"Preset p{n}" for n in range(9)]


def test_other_options_than_those_of_pictures_have_presets_too() -> None:
    def lay(said: tuple[str, ...], at: int, name: str, texts: object) -> tuple[str, ...]:
        assert at == 0
        if name == "bad":
            raise UrlError("bad")
        return (*said, f"{name}={texts}")

    found = Presets.read(["a=x:1/pr:b", "b=y:2:3"], lay=lay, start=(), chains=False)
    walk = presets.Walk(presets.Language(lay, found.segments, chains=False), ())

    assert walk.run(["pr:a", "-", "rest"]) == ["-", "rest"]
    assert walk.said == ("x=['1']", "y=['2', '3']")
    with pytest.raises(ConfigError, match="Preset c: bad"):
        Presets.read(["c=bad:1"], lay=lay, start=())
