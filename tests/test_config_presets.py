"""The language of URLs is what the settings say: presets, replacements, keys, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from foveola import urls
from foveola.config import Settings, examine
from foveola.errors import UrlError
from foveola.urls import ImageUrl


def asked(path: str, **said: str) -> ImageUrl:
    return urls.parse(path, Settings.from_env({f"IMGPROXY_{n}": value for n, value in said.items()}).grammar)


def test_presets_are_read_from_the_variable_and_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "presets"
    path.write_text("# small ones\n\nsmall=w:10\n")
    said = {"PRESETS": "default=q:7|large=w:900", "PRESETS_SEPARATOR": "|", "PRESETS_PATH": str(path)}

    small, large = asked("pr:small/plain/x", **said), asked("pr:large/plain/x", **said)

    assert (small.options.width, small.options.quality) == (10, 7)
    assert (large.options.width, large.options.quality) == (900, 7)


def test_only_presets_can_be_asked_for() -> None:
    said = {"PRESETS": "small=w:10", "ONLY_PRESETS": "true"}

    assert asked("small/plain/x", **said).options.width == 10
    with pytest.raises(UrlError):
        asked("w:20/plain/x", **said)


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"PRESETS": "small"}, 'IMGPROXY_PRESETS: Expected name=option/option for preset, got "small"'),
        ({"PRESETS": "small=w:x"}, "IMGPROXY_PRESETS: Preset small: "),
        ({"PRESETS": "small=nope:1"}, "IMGPROXY_PRESETS: Preset small: "),
        ({"PRESETS": "small=mrd:5"}, "IMGPROXY_PRESETS: Preset small: "),
        ({"INFO_PRESETS": "small"}, 'IMGPROXY_INFO_PRESETS: Expected name=option/option for preset, got "small"'),
        ({"INFO_PRESETS": "small=nope:1"}, "IMGPROXY_INFO_PRESETS: Preset small: Unknown info option nope"),
        ({"INFO_PRESETS": "small=msr:1"}, "IMGPROXY_INFO_PRESETS: Preset small: Security option "),
        ({"PRESETS_PATH": "/none"}, 'IMGPROXY_PRESETS: Expected the path of a file for IMGPROXY_PRESETS_PATH, got "/'),
        ({"INFO_PRESETS_PATH": "/"}, "IMGPROXY_INFO_PRESETS: Expected the path of a file for IMGPROXY_INFO_PRESETS_"),
    ],
)
def test_presets_that_can_not_be_used_stop_the_start(environ: dict[str, str], problem: str) -> None:
    (sentence,) = examine({f"IMGPROXY_{name}": value for name, value in environ.items()}).problems

    assert sentence.startswith(problem)


def test_all_bad_presets_are_told() -> None:
    assert len(examine({"IMGPROXY_PRESETS": "a=w:x,b,c=w:1", "IMGPROXY_INFO_PRESETS": "d"}).problems) == 3


def test_presets_may_change_limits_where_urls_may() -> None:
    said = {"PRESETS": "small=mrd:5", "ALLOW_SECURITY_OPTIONS": "true"}

    assert asked("pr:small/plain/x", **said).options.max_result_dimension == 5
    with pytest.raises(UrlError):
        asked("mrd:5/plain/x")


def test_sources_are_replaced_before_the_base_is_put_before_them() -> None:
    said = {"URL_REPLACEMENTS": "my://*/=s3://${1}/;s3://old/=s3://new/", "BASE_URL": "s3://"}

    assert asked("plain/my://old/a.jpg", **said).source == "s3://new/a.jpg"
    assert asked("plain/b/a.jpg", **said).source == "s3://b/a.jpg"


def test_encrypted_sources_are_decrypted() -> None:
    """The example of imgproxy's documentation."""
    path = "enc/p5VjorNdhs7mRRw8gA9TWoRlGci3l1kuzqN43UQlRaRIQ0qtBKW3qFABIsx-ZRz_cVc8iVTYbhsNsxNBL1BHaQ"
    key = "1eb5b0e971ad7f45324c1bb15c947cb207c43152fa5c6c7f35c4f36e0c18e0f1"

    assert asked(path, SOURCE_URL_ENCRYPTION_KEY=key).source == "http://example.com/images/curiosity.jpg"
    with pytest.raises(UrlError):
        asked(path)


@pytest.mark.parametrize(
    ("said", "only"),
    [
        ({}, False),
        ({"ONLY_PRESETS": "1", "PRESETS": "a=w:1"}, True),
        ({"ONLY_PRESETS": "1", "PRESETS": "a=w:1", "INFO_ONLY_PRESETS": "0"}, False),
        ({"INFO_ONLY_PRESETS": "1"}, True),
    ],
)
def test_the_info_endpoint_takes_only_presets_where_pictures_do(said: dict[str, str], only: bool) -> None:
    found = Settings.from_env({f"IMGPROXY_{name}": value for name, value in said.items()})

    assert found.grammar.info_only_presets == only


def test_the_rest_is_handed_on() -> None:
    grammar = Settings.from_env(
        {
            "IMGPROXY_ALLOWED_PROCESSING_OPTIONS": "w, h",
            "IMGPROXY_ALLOWED_INFO_OPTIONS": "d",
            "IMGPROXY_MAX_CHAINED_PIPELINES": "2",
            "IMGPROXY_ARGUMENTS_SEPARATOR": "--",
            "IMGPROXY_BASE64_URL_INCLUDES_FILENAME": "t",
            "IMGPROXY_INFO_PRESETS": "a=d--1",
        }
    ).grammar

    assert (grammar.allowed, grammar.info_allowed) == (frozenset({"w", "h"}), frozenset({"d"}))
    assert (grammar.chained, grammar.separator, grammar.filename) == (2, "--", True)
    assert dict(grammar.info_presets.segments) == {"a": ("d--1",)}
