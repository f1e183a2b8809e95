"""Settings have imgproxy's names, kinds and defaults, and all that is wrong with them is said at once."""

from __future__ import annotations

import logging
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import foveola
from foveola import config, settings
from foveola.config import SETTINGS, Decisions, Settings
from foveola.errors import ConfigError
from foveola.goal import Asked, Autoquality, Bounds, resolve
from foveola.options.values import Unsharp
from foveola.picture import Limits
from foveola.pipeline import Accepted, Defaults
from foveola.settings import ONE_THREAD, Inference
from foveola.variables import Setting


def read(**environ: str) -> Settings:
    return Settings.from_env({f"IMGPROXY_{name}": value for name, value in environ.items()})


def at(found: Settings, place: str) -> object:
    group, field = place.split(".")
    return getattr(getattr(found, group), field)


def test_nothing_set_is_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ("server.bind", ":8080"),
        ("server.timeout", 10),
        ("server.download_timeout", 5),
        ("server.ttl", 31536000),
        ("urls.signature_size", 32),
        ("security.max_src_resolution", 50),
        ("security.max_redirects", 10),
        ("security.allow_loopback_source_addresses", False),
        ("security.allow_link_local_source_addresses", False),
        ("security.allow_private_source_addresses", True),
        ("quality.quality", 80),
        ("quality.format_quality", {"webp": 79, "avif": 63, "jxl": 77}),
        ("formats.preferred_formats", ("jpeg", "png", "gif")),
        ("quality.autoquality_method", "none"),
        ("quality.autoquality_allowed_error", 0.002),
        ("server.graceful_stop_timeout", 20),
    ],
)
def test_a_default_is_imgproxys(field: str, default: object) -> None:
    assert at(Settings(), field) == default


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_every_setting_is_documented_and_can_say_its_default(row: Setting) -> None:
    assert row.doc.endswith(".")
    if row.default not in (None, "", b"", (), {}):
        assert row.kind.read(row.kind.write(row.default)) == row.default


@pytest.mark.parametrize("where", ["memory", "off", "/var/lib/d.sqlite", "./d.sqlite", "redis://:word@host:6379/0"])
def test_a_place_for_decisions_is_read(where: str) -> None:
    found = Settings.from_env({"FOVEOLA_DECISIONS": where, "FOVEOLA_DECISIONS_SIZE": "7"})

    assert found.decisions == Decisions(where, 7, 100)
    assert "word" not in repr(found)


def test_a_place_for_decisions_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Expected `memory`, `off`, .* for FOVEOLA_DECISIONS, got"):
        Settings.from_env({"FOVEOLA_DECISIONS": "on"})


def test_a_misspelled_setting_of_ours_is_named() -> None:
    assert config.unknown({"FOVEOLA_DECISION_CHECK": "1", "FOVEOLA_SIMD": "generic"}) == [
        "FOVEOLA_DECISION_CHECK is not read by this version; did you mean FOVEOLA_DECISIONS_CHECK?"
    ]


def test_every_setting_of_a_codec_has_a_variable() -> None:
    named = {(row.format, row.field) for row in SETTINGS if row.format}

    assert named == {(name, f) for name, kind in settings.SETTINGS.items() for f in kind.__dataclass_fields__}


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("BIND", "127.0.0.1:80", "server.bind", "127.0.0.1:80"),
        ("KEY", "aa, bb", "urls.key", (b"\xaa", b"\xbb")),
        ("FORMAT_QUALITY", "webp=50,jpg=60", "quality.format_quality", {"webp": 50, "jpeg": 60, "avif": 63, "jxl": 77}),
        ("PREFERRED_FORMATS", "webp, jpg", "formats.preferred_formats", ("webp", "jpeg")),
        ("ENABLE_DEBUG_HEADERS", "t", "server.enable_debug_headers", True),
        ("QUALITY", "", "quality.quality", 80),
        ("SOURCE_URL_QUERY_SEPARATOR", "", "urls.source_url_query_separator", ""),
        ("AUTOQUALITY_TARGET", "10240", "quality.autoquality_target", 10240),
        ("AUTOQUALITY_JPEG_NET", "none", "quality.autoquality_jpeg_net", "none"),
        ("AUTOQUALITY_JXL_NET", "/nets/jxl.onnx", "quality.autoquality_jxl_net", "/nets/jxl.onnx"),
        ("ML_NUM_STREAMS", "2", "quality.ml_num_streams", 2),
        ("AUTOQUALITY_ML_EXECUTION_MODE", "accuracy", "quality.autoquality_ml_execution_mode", "accuracy"),
        ("TRUSTED_SIGNATURES", "a, b", "urls.trusted_signatures", ("a", "b")),
    ],
)
def test_a_variable_is_a_field(name: str, text: str, field: str, value: object) -> None:
    environ = {name: text} | ({"SALT": "cc,dd"} if name == "KEY" else {})

    assert at(read(**environ), field) == value


@pytest.mark.parametrize(
    ("name", "text", "format", "field", "value"),
    [
        ("JPEG_PROGRESSIVE", "true", "jpeg", "progressive", True),
        ("JPEG_QUANT_TABLE", "3", "jpeg", "quant_table", 3),
        ("WEBP_COMPRESSION", "lossless", "webp", "compression", "lossless"),
        ("WEBP_EFFORT", "6", "webp", "effort", 6),
        ("AVIF_SPEED", "5", "avif", "speed", 5),
        ("AVIF_SUBSAMPLE", "off", "avif", "subsample", "off"),
        ("JXL_EFFORT", "9", "jxl", "effort", 9),
        ("PNG_QUANTIZATION_COLORS", "16", "png", "quantization_colors", 16),
    ],
)
def test_a_variable_is_a_setting_of_a_codec(name: str, text: str, format: str, field: str, value: object) -> None:
    found = read(**{name: text})

    assert getattr(found.codecs[format], field) == value
    assert found.defaults.settings[format] == found.codecs[format]


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"QUALITY": "x"}, 'Expected integer 1..100 for IMGPROXY_QUALITY, got "x"'),
        ({"QUALITY": "0"}, 'Expected integer 1..100 for IMGPROXY_QUALITY, got "0"'),
        ({"TIMEOUT": "1.5"}, 'Expected integer 1 or more for IMGPROXY_TIMEOUT, got "1.5"'),
        ({"SIGNATURE_SIZE": "33"}, 'Expected integer 1..32 for IMGPROXY_SIGNATURE_SIZE, got "33"'),
        (
            {"ENABLE_DEBUG_HEADERS": "yes"},
            'Expected true or false for IMGPROXY_ENABLE_DEBUG_HEADERS, got "yes"',
        ),
        ({"KEY": "secret"}, 'for IMGPROXY_KEY, got "…"'),
        ({"KEY": "aa,bb", "SALT": "cc"}, "Expected as many salts as keys (2) for IMGPROXY_SALT, got 1"),
        ({"FORMAT_QUALITY": "webp:50"}, 'for IMGPROXY_FORMAT_QUALITY, got "webp:50"'),
        ({"PREFERRED_FORMATS": "heic"}, 'for IMGPROXY_PREFERRED_FORMATS, got "heic"'),
        ({"AVIF_SPEED": "10"}, 'Expected integer 0..9 for IMGPROXY_AVIF_SPEED, got "10"'),
        ({"WEBP_PRESET": "film"}, 'for IMGPROXY_WEBP_PRESET, got "film"'),
        ({"AUTOQUALITY_METHOD": "best"}, "Expected one of none, size, dssim, ml for IMGPROXY_AUTOQUALITY_METHOD"),
        ({"AUTOQUALITY_METHOD": "size"}, "IMGPROXY_AUTOQUALITY_*: Expected a number of bytes"),
        ({"AUTOQUALITY_MIN": "80", "AUTOQUALITY_MAX": "70"}, "IMGPROXY_AUTOQUALITY_*: Expected at most max (70)"),
        ({"AUTOQUALITY_FORMAT_MIN": "avif=70", "AUTOQUALITY_FORMAT_MAX": "avif=60"}, "IMGPROXY_AUTOQUALITY_*:"),
        ({"ML_INFERENCE_NUM_THREADS": "0"}, "Expected integer 1..1024 for IMGPROXY_ML_INFERENCE_NUM_THREADS"),
        ({"MAX_ML_CONCURRENCY": "9999999999"}, "Expected integer 1..1024 for IMGPROXY_MAX_ML_CONCURRENCY"),
        ({"ML_EXECUTION_MODE": "fast"}, "Expected one of performance, accuracy for IMGPROXY_ML_EXECUTION_MODE"),
        ({"ONLY_PRESETS": "true"}, "Expected presets in IMGPROXY_PRESETS or IMGPROXY_PRESETS_PATH for IMGPROXY_ONLY_"),
    ],
)
def test_a_bad_setting_is_named(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(**environ)

    assert sentence in str(refused.value)
    assert "secret" not in str(refused.value)


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        read(QUALITY="x", TIMEOUT="y", AUTOQUALITY_METHOD="size")

    assert len(str(refused.value).splitlines()) == 3


def test_an_unknown_name_is_said_with_the_nearest_known_one(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Settings.from_env(
            {
                "IMGPROXY_AUTOQUALITY_METOD": "dssim",
                "IMGPROXY_SPEED_OF_LIGHT": "x",
                "IMGRPOXY_SWIFT_TIMEOUT_SECONDS": "7",
                "IMGRPOXY_CAT": "7",
                "OTHER_KEY": "1",
            }
        )

    assert caplog.messages == [
        "IMGPROXY_AUTOQUALITY_METOD is not read by this version; did you mean IMGPROXY_AUTOQUALITY_METHOD?",
        "IMGPROXY_SPEED_OF_LIGHT is not read by this version",
        "IMGRPOXY_CAT is not read by this version",
        "IMGRPOXY_SWIFT_TIMEOUT_SECONDS is not read by this version; did you mean IMGPROXY_SWIFT_TIMEOUT_SECONDS?",
    ]


def test_a_port_is_where_to_listen() -> None:
    assert Settings.from_env({"PORT": "5000"}).server.bind == ":5000"
    assert Settings.from_env({"PORT": "5000", "IMGPROXY_BIND": ":80"}).server.bind == ":80"
    assert Settings.from_env({"PORT": "5000", "IMGPROXY_BIND": ""}).server.bind == ":5000"


def test_secrets_are_not_shown() -> None:
    shown = repr(read(KEY="5ec4e7", SALT="5a17", SECRET="hidden", TRUSTED_SIGNATURES="trusted"))

    assert not any(word in shown for word in ("\\x5e", "^\\xc4", "hidden", "trusted'"))


@pytest.mark.parametrize(
    ("environ", "accept", "accepted"),
    [
        ({}, "image/avif,image/webp", Accepted()),
        ({"AUTO_WEBP": "1"}, "image/avif,image/webp", Accepted(("webp",))),
        ({"AUTO_WEBP": "1", "AUTO_AVIF": "1"}, "image/avif,image/webp", Accepted(("avif", "webp"))),
        ({"ENFORCE_JXL": "1", "AUTO_WEBP": "1"}, "image/webp,image/jxl", Accepted(("jxl", "webp"), ("jxl",))),
        ({"ENFORCE_JXL": "1"}, "image/*", Accepted()),
    ],
)
def test_what_a_client_accepts_counts_where_settings_say_so(
    environ: dict[str, str], accept: str, accepted: Accepted
) -> None:
    found = read(**environ)

    assert found.accepted(accept) == accepted
    assert found.varies == bool(environ)


def test_settings_of_the_search_are_levels() -> None:
    found = read(
        AUTOQUALITY_METHOD="size",
        AUTOQUALITY_TARGET="10240",
        AUTOQUALITY_MIN="10",
        AUTOQUALITY_MAX="80",
        AUTOQUALITY_FORMAT_MAX="avif=50",
    )

    assert resolve("jpeg", Asked(), found.goal) == Autoquality("size", 10240, Bounds(10, 80))
    assert resolve("avif", Asked(), found.goal) == Autoquality("size", 10240, Bounds(10, 50))


def test_parts_of_the_settings_are_handed_on(tmp_path: Path) -> None:
    found = read(
        KEY="aa",
        SALT="bb",
        SIGNATURE_SIZE="8",
        ARGUMENTS_SEPARATOR="--",
        MAX_SRC_RESOLUTION="1.5",
        LOCAL_FILESYSTEM_ROOT=str(tmp_path),
        MAX_SRC_FILE_SIZE="5",
        AUTOQUALITY_MAX_RESOLUTION="2",
    )

    assert found.keys.pairs == ((b"\xaa", b"\xbb"),)
    assert found.keys.size == 8
    assert found.grammar.separator == "--"
    assert found.defaults.limits.pixels == 1_500_000
    assert found.defaults.max_resolution == 2
    assert (found.reach.local_root, found.reach.max_bytes) == (str(tmp_path), 5)


def test_names_are_unique() -> None:
    names: list[Any] = [row.name for row in SETTINGS]

    assert len(names) == len(set(names)) == len(config.NAMES)


@pytest.mark.parametrize(
    ("environ", "inference"),
    [
        ({}, ONE_THREAD),
        ({"ML_NUM_STREAMS": "3", "MAX_ML_CONCURRENCY": "5"}, Inference(streams=3)),
        ({"MAX_ML_CONCURRENCY": "5"}, Inference(streams=5)),
        ({"ML_INFERENCE_NUM_THREADS": "4", "AUTOQUALITY_ML_INFERENCE_NUM_THREADS": "2"}, Inference(threads=2)),
        ({"ML_CPU_PINNING": "true", "AUTOQUALITY_ML_CPU_PINNING": "false"}, Inference(pinning=False)),
        ({"ML_CPU_PINNING": "true", "ML_EXECUTION_MODE": "accuracy"}, Inference(mode="accuracy", pinning=True)),
    ],
)
def test_what_is_said_of_method_ml_goes_before_what_is_said_of_all_networks(
    environ: dict[str, str], inference: Inference
) -> None:
    assert read(**environ).defaults.inference == inference


def test_each_format_has_its_network() -> None:
    said = read(AUTOQUALITY_WEBP_NET="/webp.pb", AUTOQUALITY_AVIF_NET="none").defaults.networks

    assert said == {"jpeg": "", "webp": "/webp.pb", "avif": "none", "jxl": ""}


def test_where_pictures_come_from_is_handed_on() -> None:
    reach = read(
        USER_AGENT="cat/%current_version",
        IGNORE_SSL_VERIFICATION="true",
        CUSTOM_REQUEST_HEADERS="X-A=1",
        USE_S3="true",
        S3_DENIED_BUCKETS="a*",
        CLIENT_KEEP_ALIVE_TIMEOUT="7",
        MAX_REDIRECTS="0",
        DOWNLOAD_TIMEOUT="3",
        ALLOW_PRIVATE_SOURCE_ADDRESSES="false",
        ALLOWED_SOURCES="https://e.com/",
        SOURCE_URL_QUERY_SEPARATOR="",
    ).reach

    assert reach.user_agent == f"cat/{foveola.__version__}"
    assert (reach.verify, reach.proxy, reach.private) == (False, False, False)
    assert reach.request_headers == (("X-A", "1"),)
    assert (reach.stores.use_s3, reach.stores.s3_denied_buckets) == (True, ("a*",))
    assert (reach.max_redirects, reach.timeout, reach.keep_alive) == (0, 3, 7)
    assert (reach.allowed, reach.query_separator) == (("https://e.com/",), "")


def test_proxies_are_used_where_a_setting_of_ours_says_so() -> None:
    assert Settings.from_env({"FOVEOLA_USE_PROXIES": "true"}).reach.proxy
    assert not Settings.from_env({"HTTP_PROXY": "http://e.com"}).reach.proxy


def test_limits_are_handed_on_in_pixels() -> None:
    found = read(MAX_SRC_RESOLUTION="0.5", MAX_ANIMATION_FRAMES="7", MAX_ANIMATION_FRAME_RESOLUTION="0.1")

    assert found.defaults.limits == Limits(pixels=500_000, frames=7, frame_pixels=100_000)


def test_how_results_are_sharpened_is_one_value() -> None:
    found = read(UNSHARP_MASKING_MODE="always", UNSHARP_MASKING_WEIGHT="0.5", UNSHARP_MASKING_DIVIDER="12")

    assert found.looks.unsharp == Unsharp("always", 0.5, 12.0)


HANDED = {"autoquality", "max_resolution", "settings", "limits", "networks", "inference", "unsharp"}
"""What is made of several settings, or has another name."""


def test_every_default_of_the_pipeline_can_be_set() -> None:
    fixed = {"smallest_avif"}
    named = {field.name for field in fields(Defaults)} - HANDED - fixed

    assert named <= {row.field for row in SETTINGS}
    assert Settings().defaults.preferred_formats == read(PREFERRED_FORMATS="jpeg,png,gif").defaults.preferred_formats
    assert read(PREFERRED_FORMATS="gif").defaults.preferred_formats == ("gif",)
    assert read(MAX_RESULT_DIMENSION="7").defaults.max_result_dimension == 7
    assert read(QUALITY="7").defaults.quality == 7
