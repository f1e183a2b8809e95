"""`foveola sign`, `url` and `explain` say what a server of the same settings would."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from foveola import urls
from foveola.cli import main
from foveola.cli.explain import STEPS
from foveola.options import STAGE
from foveola.urls import Grammar, Keys

KEY = "943b421c9eb07c830af81030552c86009268de4e532ba2ee2eab8247c6da0881"
SALT = "520f986b998545b4785e0defbc4f3c1203f22de2374a3d53cb7a7fe9fea309c5"
KEYS = {"IMGPROXY_KEY": KEY, "IMGPROXY_SALT": SALT}
PAIR = (bytes.fromhex(KEY), bytes.fromhex(SALT))
SOURCE = "https://example.com/cat 1.jpg"


def run(*words: str, **environ: str) -> Result:
    """Run the command line in an environment without settings but those given."""
    import os

    ours = {name: None for name in os.environ if name.startswith(("IMGPROXY_", "FOVEOLA_"))}
    return CliRunner().invoke(main, list(words), env={**ours, **environ})


def explained(url: str, **environ: str) -> dict[str, Any]:
    """Return what `explain --json` says."""
    result = run("explain", url, "--json", **environ)
    found: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == int(found["status"] != 200)
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/aq:dssim:0.02:70:80:0.001/plain/local:///test1.jpg@webp",
        "aq:dssim:0.02:70:80:0.001/plain/local:/test1.jpg@webp",
    ],
)
def test_sign_prints_the_path_with_its_signature(path: str) -> None:
    signed = "/ChzAsqNMzo4X3vlWYXE4-xWV15tJyijk3ahh49nZuQ4/aq:dssim:0.02:70:80:0.001/plain/local:///test1.jpg@webp\n"

    assert run("sign", path, **KEYS).stdout == signed
    assert run("sign", path, "--key", KEY, "--salt", SALT, IMGPROXY_KEY="00", IMGPROXY_SALT="00").stdout == signed
    assert run("sign", path, "--base", "https://i.e.com/", IMGPROXY_PATH_PREFIX="/img", **KEYS).stdout == (
        "https://i.e.com/img" + signed
    )


@pytest.mark.parametrize("size", [["--size", "8"], []])
def test_signatures_have_the_size_that_is_asked_for(size: list[str]) -> None:
    given = {} if size else {"IMGPROXY_SIGNATURE_SIZE": "8"}

    assert (
        run("sign", "asd", "--key", b"test-key".hex(), "--salt", b"test-salt".hex(), *size, **given).stdout
        == "/oWaL7QoW5Ts/asd\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Expected --key and --salt, or IMGPROXY_KEY and IMGPROXY_SALT"),
        (["--key", "00"], "Expected --key and --salt together, or neither"),
        (["--key", "00", "--salt", "xy"], "Expected hexadecimal digits for --key and --salt"),
    ],
)
def test_sign_needs_a_key(words: list[str], sentence: str) -> None:
    result = run("sign", "w:1/plain/http://e.com/a.jpg", *words)

    assert result.exit_code == 2
    assert sentence in result.stderr


def test_url_writes_options_in_their_order() -> None:
    result = run("url", SOURCE, "-o", "rs:fill:300:200", "-o", "q:80", "-o", "-", "-o", "t:10", "-f", "webp", **KEYS)

    signature, path = urls.split(result.stdout.strip())
    assert path == "rs:fill:300:200/q:80/-/t:10/plain/https://example.com/cat%201.jpg@webp"
    urls.verify(signature, path, Keys((PAIR,)))
    assert result.stderr == ""


@pytest.mark.parametrize("form", ["plain", "base64"])
def test_url_writes_a_source_in_every_form(form: str) -> None:
    key = "00" * 32
    result = run("url", SOURCE, "--form", form, "-o", "w:5", **KEYS, IMGPROXY_SOURCE_URL_ENCRYPTION_KEY=key)

    _, path = urls.split(result.stdout.strip())
    found = urls.parse(path, Grammar(encryption_key=bytes(32)))
    assert (found.source, found.options.width) == (SOURCE, 5)
    assert path.startswith({"plain": "w:5/plain/", "base64": "w:5/aHR0", "enc": "w:5/enc/"}[form])


def test_url_without_keys_says_so() -> None:
    result = run("url", SOURCE, "--base", "https://i.e.com")

    assert result.stdout == "https://i.e.com/unsafe/plain/https://example.com/cat%201.jpg\n"
    assert "not signed" in result.stderr


def test_url_writes_the_separator_of_the_settings() -> None:
    assert run("url", SOURCE, "-o", "rs:fit:3", IMGPROXY_ARGUMENTS_SEPARATOR=",").stdout.startswith("/unsafe/rs,fit,3/")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["-o", "w:x"], 1, 'Expected integer 0 or more for width, got "x"'),
        (["-o", "nope:1"], 1, "Unknown processing option nope"),
        (["-o", "w"], 2, 'Expected NAME:ARGUMENT for -o, got "w"'),
        (["-f", "tif"], 1, 'for format, got "tif"'),
        (["-o", "fn:my cat"], 2, "Expected ASCII without blanks"),
        (["--form", "enc"], 2, "Expected 16, 24 or 32 bytes for encryption key"),
        (["-o", "h:1"], 1, "Forbidden processing option h"),
    ],
)
def test_url_refuses_what_a_server_would(words: list[str], code: int, sentence: str) -> None:
    result = run("url", SOURCE, *words, IMGPROXY_ALLOWED_PROCESSING_OPTIONS="w,fn,nope")

    assert result.exit_code == code
    assert sentence in result.stderr
    assert result.stdout == ""


def test_every_field_of_a_pipeline_is_in_one_step() -> None:
    assert sorted(field for names in STEPS.values() for field in names) == sorted(STAGE)


def test_explain_tells_signature_source_steps_format_and_quality() -> None:
    url = run(
        "url",
        SOURCE,
        "-o",
        "rs:fill:300:200",
        "-o",
        "t:10",
        "-o",
        "aq:dssim:0.03:60",
        "-o",
        "-",
        "-o",
        "wm:0.5",
        "-f",
        "avif",
        "--base",
        "https://i.e.com",
        **KEYS,
    )

    assert explained(url.stdout.strip() + "?utm=1", **KEYS) == {
        "status": 200,
        "signature": "valid",
        "source": SOURCE,
        "request": ["aq:dssim:0.03:60", "f:avif"],
        "raw": False,
        "pipelines": [
            [{"step": "trim", "options": ["t:10"]}, {"step": "resize", "options": ["rt:fill", "w:300", "h:200"]}],
            [{"step": "watermark", "options": ["wm:0.5"]}],
        ],
        "formats": ["avif"],
        "format_rule": "avif, as the URL says",
        "quality": [
            {"format": "avif", "method": "dssim", "target": 0.03, "min": 60, "max": 65, "allowed_error": 0.002}
        ],
    }


def test_explain_tells_it_to_people_too() -> None:
    result = run("explain", "/unsafe/w:300/aq:size:9000:10:80/-/plain/http://e.com/a.jpg")

    assert [line.split(maxsplit=1)[-1].strip() for line in result.stdout.splitlines()][:5] == [
        "found",
        "200",
        "not checked",
        "http://e.com/a.jpg",
        "aq:size:9000:10:80",
    ]
    assert "pipeline 1       resize w:300\npipeline 2       nothing\n" in result.stdout
    assert "quality of jpeg  the highest of 10..80 with at most 9000 bytes\n" in result.stdout
    assert "quality of png   none\n" in result.stdout
    searched = run("explain", "/unsafe/aq:ml:0.03/plain/http://e.com/a.jpg@webp").stdout
    assert "quality of webp  of 70..80 for a DSSIM of 0.03 ± 0.002 (ml)\n" in searched


@pytest.mark.parametrize(
    ("path", "quality", "environ"),
    [
        ("q:50/", {"method": "none", "quality": 50}, {}),
        ("fq:jpg:40/", {"method": "none", "quality": 40}, {}),
        ("", {"method": "none", "quality": 33}, {"IMGPROXY_QUALITY": "33"}),
        ("q:50/", {"method": "none", "quality": 50}, {"IMGPROXY_AUTOQUALITY_METHOD": "dssim"}),
        (
            "",
            {"method": "ml", "target": 0.05, "min": 1, "max": 80, "allowed_error": 0.002},
            {
                "IMGPROXY_AUTOQUALITY_METHOD": "ml",
                "IMGPROXY_AUTOQUALITY_TARGET": "0.05",
                "IMGPROXY_AUTOQUALITY_MIN": "1",
            },
        ),
    ],
)
def test_explain_lays_settings_under_the_url(path: str, quality: dict[str, Any], environ: dict[str, str]) -> None:
    found = explained(f"/unsafe/{path}plain/http://e.com/a.png@jpg", **environ)

    assert found["quality"] == [{"format": "jpeg", **quality}]


def test_explain_tells_what_the_client_changes() -> None:
    named = explained("/_/plain/http://e.com/a@png", IMGPROXY_ENFORCE_WEBP="1")
    unnamed = explained("/_/plain/http://e.com/a", IMGPROXY_AUTO_AVIF="1", IMGPROXY_PREFERRED_FORMATS="png")

    assert named["formats"] == ["png", "webp"]
    assert named["format_rule"] == "png, as the URL says; webp where the client accepts it"
    assert unnamed["formats"] == ["avif", "png"]
    assert unnamed["format_rule"].startswith(
        "avif where the client accepts it, else that of the source where it is one"
    )


def test_explain_tells_that_raw_is_sent_as_it_is() -> None:
    found = explained("/_/raw:1/w:5/plain/http://e.com/a")

    assert found["request"] == ["raw:1"]
    assert "pipelines" not in found
    assert "sent as it is" in run("explain", "/_/raw:1/plain/http://e.com/a").stdout


@pytest.mark.parametrize(
    ("url", "environ", "status", "public", "error"),
    [
        ("/unsafe/plain/http://e.com/a", KEYS, 403, "Forbidden", "Invalid signature"),
        ("/rs:fit:1/plain/http://e.com/a", {}, 403, "The signature looks like", "The signature has a colon"),
        ("/_/w:x/plain/http://e.com/a", {}, 404, "Invalid URL", "Expected integer"),
        ("/_/vts:3/plain/http://e.com/a", {}, 404, "Option video_thumbnail_second is not supported by this server", ""),
        ("/_/exp:100/plain/http://e.com/a", {}, 404, "Invalid URL", "Expired at 100"),
        ("/_/maf:3/plain/http://e.com/a", {}, 403, "Invalid URL", "Security option"),
        ("/_/aq:size/plain/http://e.com/a", {}, 404, "Invalid URL", "target"),
        (
            "/_/plain/http://e.com/a",
            {"IMGPROXY_ALLOWED_SOURCES": "http://f.com/"},
            404,
            "Invalid source URL",
            "not allowed",
        ),
        ("/_/plain/ftp://e.com/a", {}, 404, "Source is unreachable", "begins with one of http, https, local"),
        ("/_/plain/s3://pics/a", {}, 404, "Source is unreachable", "begins with one of http, https, local"),
        ("/", {}, 404, "Invalid URL", "Invalid path"),
    ],
)
def test_explain_tells_what_would_be_refused(
    url: str, environ: dict[str, str], status: int, public: str, error: str
) -> None:
    found = explained(url, **environ)

    assert found["status"] == status
    assert public in found["public"]
    assert error in found["error"]
    assert f"{status} {found['public']}: {found['error']}" in run("explain", url, **environ).stderr


def test_explain_tells_of_a_source_that_is_not_allowed_all_the_same() -> None:
    found = explained("/_/w:1/plain/http://e.com/a", IMGPROXY_ALLOWED_SOURCES="http://f.com/")

    assert found["source"] == "http://e.com/a"
    assert found["pipelines"] == [[{"step": "resize", "options": ["w:1"]}]]


def test_explain_tells_what_is_asked_about_a_picture() -> None:
    found = explained("/img/info/_/exif:0/bh:4:3/plain/http://e.com/a", IMGPROXY_PATH_PREFIX="/img")

    assert found == {
        "status": 200,
        "signature": "not checked",
        "source": "http://e.com/a",
        "info": {"exif": False, "blurhash": [4, 3]},
    }
    assert "info       blurhash [4, 3]" in run("explain", "/info/_/bh:4:3/plain/http://e.com/a").stdout


def test_the_fields_of_explain_are_those_of_the_page() -> None:
    text = (
        (Path(__file__).parent.parent / "docs" / "json-output.md").read_text().split("## `foveola explain --json`")[1]
    )
    urls = ("/_/w:1/plain/http://e.com/a", "/info/_/plain/http://e.com/a", "/_/w:x/plain/http://e.com/a")

    assert {name for url in urls for name in explained(url)} == set(re.findall(r"^\| `(\w+)`", text, re.M))


def test_url_encrypts_and_explain_decrypts() -> None:
    environ = {**KEYS, "IMGPROXY_SOURCE_URL_ENCRYPTION_KEY": "00" * 32}
    made = run("url", SOURCE, "--form", "enc", "-o", "w:5", **environ).stdout.strip()

    assert "/w:5/enc/" in made
    assert explained(made, **environ)["source"] == SOURCE


def test_explain_lays_presets_and_replaces_sources() -> None:
    environ = {
        "IMGPROXY_PRESETS": "default=q:70,small=w:100/-/bl:2",
        "IMGPROXY_URL_REPLACEMENTS": "cats://*/=https://${1}.example.com/",
        "IMGPROXY_MAX_CHAINED_PIPELINES": "2",
    }
    made = run("url", "cats://tom/1.jpg", "-o", "pr:small", "-o", "h:5", **environ).stdout.strip()

    assert made == "/unsafe/pr:small/h:5/plain/cats://tom/1.jpg"
    found = explained(made, **environ)
    assert found["source"] == "https://tom.example.com/1.jpg"
    assert found["request"] == ["q:70"]
    assert found["pipelines"] == [
        [{"step": "resize", "options": ["w:100", "h:5"]}],
        [{"step": "filter", "options": ["bl:2"]}],
    ]
    assert explained(made.replace("h:5", "-/-"), **environ)["error"] == "Expected at most 2 pipelines for -, got 3"


def test_url_and_explain_keep_to_presets_where_only_they_are_allowed() -> None:
    environ = {"IMGPROXY_PRESETS": "a=w:1,b=h:2", "IMGPROXY_ONLY_PRESETS": "true"}
    made = run("url", SOURCE, "-o", "a:b", **environ).stdout.strip()

    assert made.startswith("/unsafe/a:b/plain/")
    assert explained(made, **environ)["pipelines"] == [[{"step": "resize", "options": ["w:1", "h:2"]}]]
    assert run("url", SOURCE, "-o", "w:1", **environ).exit_code == 1


@pytest.mark.parametrize(
    ("prefix", "url", "status"),
    [
        ("/a", "/a/x/plain/local:///cat.jpg", 200),
        ("/a", "HTTP://e.com/a/x/plain/http://e.com/cat.jpg", 200),
        ("/a/", "/a/x/plain/http://e.com/cat.jpg", 200),
        ("/a", "/a/info/x/plain/http://e.com/cat.jpg", 200),
        ("/a", "/x/plain/http://e.com/cat.jpg", 404),
        ("/a", "/info/x/plain/http://e.com/cat.jpg", 404),
        ("/a", "/ab/x/plain/http://e.com/cat.jpg", 404),
        ("/a", "/a", 404),
    ],
)
def test_a_path_without_the_prefix_is_nothing(prefix: str, url: str, status: int) -> None:
    found = explained(url, IMGPROXY_PATH_PREFIX=prefix, IMGPROXY_LOCAL_FILESYSTEM_ROOT="/")

    assert found["status"] == status
    assert ("path that begins with" in found.get("error", "")) == (status == 404)
