"""The table of options is whole: every word means one thing, and every field can be said and read back."""

from __future__ import annotations

import logging
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveola import options
from foveola.errors import ArgumentError, FoveolaError, UrlError
from foveola.goal import Asked
from foveola.options import OPTIONS, REFUSED, STAGE, ProcessingOptions
from foveola.options.rows import Option
from foveola.options.stages import STAGES
from foveola.options.values import Crop, Duotone, Extend, Gravity, Monochrome, Trim, Unsharp, Watermark
from tests import asked

BLANK = ProcessingOptions()


def said(*segments: str, security: bool = True) -> ProcessingOptions:
    """Return what segments of a URL say, one after the other."""
    found = BLANK
    for segment in segments:
        name, *texts = segment.split(":")
        found = options.apply(found, name, texts, security=security)
    return found


def test_a_word_means_one_option() -> None:
    words = [word for row in OPTIONS for word in row.words] + [word for row in REFUSED for word in row.words]

    assert len(words) == len(set(words))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_and_argument_is_documented(option: Option) -> None:
    assert option.doc.endswith(".")
    assert all(a.name and a.doc.endswith(".") and a.kind.what for a in option.arguments)
    assert option.edition in ("oss", "pro")


def test_every_field_is_written_by_one_option_and_stands_on_its_side() -> None:
    written = [field for option in OPTIONS if not option.meta for field in option.fields]

    assert sorted(written) == sorted({f.name for f in fields(ProcessingOptions)} - {"chained"})
    assert {field for option in STAGES for field in option.fields} == STAGE
    assert {option.name for option in OPTIONS if option.scope == "pipeline"} - {"preset"} == {o.name for o in STAGES}


def test_nothing_is_written_for_nothing() -> None:
    assert options.write(BLANK) == []


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_documented_defaults_are_those_of_an_empty_url(option: Option) -> None:
    texts = [a.default for a in option.arguments]
    while texts and not texts[-1]:
        texts.pop()

    if texts:
        assert options.apply(BLANK, option.name, texts) == BLANK
    else:
        blank = [getattr(BLANK, field) for field in option.fields]
        assert all(value in (None, "", (), Asked(), Unsharp(), Trim()) for value in blank)


def test_the_table_of_drawn_values_has_every_field() -> None:
    assert set(asked.FIELDS) == {f.name for f in fields(ProcessingOptions)} - {"chained"}


@pytest.mark.parametrize("field", asked.FIELDS)
@settings(max_examples=30)
@given(data=st.data())
def test_what_is_written_is_read_back(field: str, data: st.DataObject) -> None:
    asked_for = replace(BLANK, **{field: data.draw(asked.FIELDS[field])})
    found = BLANK
    for name, *texts in options.write(asked_for):
        found = options.apply(found, name, texts, security=True)

    assert found == asked_for


def test_pipelines_are_written_one_after_the_other() -> None:
    stage = ProcessingOptions(trim=Trim(10.0))

    assert options.write(ProcessingOptions(width=500, quality=3, chained=(stage, BLANK))) == [
        ["w", "500"],
        ["q", "3"],
        ["-"],
        ["t", "10"],
        ["-"],
    ]


EXAMPLES: list[tuple[list[str], ProcessingOptions]] = [
    (
        ["resize:fill:300:200:1:1:nowe:5:6"],
        ProcessingOptions("fill", width=300, height=200, enlarge=True, extend=Extend(True, Gravity("nowe", 5, 6))),
    ),
    (["rs:fit:300"], ProcessingOptions(width=300)),
    (["rs::300"], ProcessingOptions(width=300)),
    (["rs:"], BLANK),
    (["rs:fill-down:::"], ProcessingOptions("fill-down")),
    (["rs:force:1:2::0"], ProcessingOptions("force", width=1, height=2)),
    (
        ["size:200:300:1:1:nowe:5:6"],
        ProcessingOptions(width=200, height=300, enlarge=True, extend=Extend(True, Gravity("nowe", 5, 6))),
    ),
    (["s:100:100"], ProcessingOptions(width=100, height=100)),
    (["s::100::"], ProcessingOptions(height=100)),
    (["w:10", "s::5"], ProcessingOptions(width=10, height=5)),
    (["rt:auto"], ProcessingOptions("auto")),
    (["ra:nearest"], ProcessingOptions(resizing_algorithm="nearest")),
    (["w:+7"], ProcessingOptions(width=7)),
    (["w:-0"], BLANK),
    (["width:10", "height:20"], ProcessingOptions(width=10, height=20)),
    (["min-width:10", "mh:20"], ProcessingOptions(min_width=10, min_height=20)),
    (["z:1.5"], ProcessingOptions(zoom=(1.5, 1.5))),
    (["zoom:2:.5"], ProcessingOptions(zoom=(2.0, 0.5))),
    (["dpr:2"], ProcessingOptions(dpr=2.0)),
    (["dpr:0x1p-1"], ProcessingOptions(dpr=0.5)),
    (["dpr:1e1"], ProcessingOptions(dpr=10.0)),
    (["el:t"], ProcessingOptions(enlarge=True)),
    (["el:yes"], BLANK),
    (["el:"], BLANK),
    (["ex:1"], ProcessingOptions(extend=Extend(True))),
    (["ex:t:nowe::5"], ProcessingOptions(extend=Extend(True, Gravity("nowe", 0, 5)))),
    (["ex:0:fp:0.1:1"], ProcessingOptions(extend=Extend(False, Gravity("fp", 0.1, 1)))),
    (["ex:1:so:1", "ex:1"], ProcessingOptions(extend=Extend(True, Gravity("so", 1)))),
    (["exar:1:no:3"], ProcessingOptions(extend_aspect_ratio=Extend(True, Gravity("no", 3)))),
    (["extend_ar:True"], ProcessingOptions(extend_aspect_ratio=Extend(True))),
    (["g:soea:10:-0.5"], ProcessingOptions(gravity=Gravity("soea", 10, -0.5))),
    (["g:sm"], ProcessingOptions(gravity=Gravity("sm"))),
    (["g:no:1:2", "g:sm"], ProcessingOptions(gravity=Gravity("sm"))),
    (["g:no:1:2", "g:so"], ProcessingOptions(gravity=Gravity("so", 1, 2))),
    (["gravity:fp:0.25:0.75"], ProcessingOptions(gravity=Gravity("fp", 0.25, 0.75))),
    (["c:100:0.5"], ProcessingOptions(crop=Crop(100, 0.5))),
    (["c:100:200:nowe:10:20"], ProcessingOptions(crop=Crop(100, 200, Gravity("nowe", 10, 20)))),
    (["crop:0:0:sm", "c:5"], ProcessingOptions(crop=Crop(5, 0, Gravity("sm")))),
    (["car:1.5:1"], ProcessingOptions(crop_aspect_ratio=(1.5, True))),
    (["crop_ar:1.5"], ProcessingOptions(crop_aspect_ratio=(1.5, False))),
    (["t:10:ffaa00:1:t"], ProcessingOptions(trim=Trim(10, (255, 170, 0), True, True))),
    (["trim:10::1"], ProcessingOptions(trim=Trim(10, None, True))),
    (["t:10:fff", "t:"], BLANK),
    (["t:10:fff:1", "t:5"], ProcessingOptions(trim=Trim(5, None, True))),
    (["pd:10"], ProcessingOptions(padding=(10, 10, 10, 10))),
    (["pd:10:20"], ProcessingOptions(padding=(10, 20, 10, 20))),
    (["pd:10:20:30"], ProcessingOptions(padding=(10, 20, 30, 20))),
    (["padding:10:20:30:40"], ProcessingOptions(padding=(10, 20, 30, 40))),
    (["pd::20"], ProcessingOptions(padding=(0, 20, 0, 20))),
    (["pd::::5"], ProcessingOptions(padding=(0, 0, 0, 5))),
    (["pd:9", "pd:10:20"], ProcessingOptions(padding=(10, 20, 10, 20))),
    (["ar:0"], ProcessingOptions(auto_rotate=False)),
    (["rot:90"], ProcessingOptions(rotate=90)),
    (["rotate:-90"], ProcessingOptions(rotate=270)),
    (["rot:720"], BLANK),
    (["fl:1"], ProcessingOptions(flip=(True, False))),
    (["flip::1"], ProcessingOptions(flip=(False, True))),
    (["bg:F00"], ProcessingOptions(background=(255, 0, 0))),
    (["bg:80aaFf"], ProcessingOptions(background=(0x80, 0xAA, 0xFF))),
    (["background:1:2:255"], ProcessingOptions(background=(1, 2, 255))),
    (["bg:fff", "bg:"], BLANK),
    (["bga:.5"], ProcessingOptions(background_alpha=0.5)),
    (["a:10:1.5:2"], ProcessingOptions(brightness=10, contrast=1.5, saturation=2)),
    (["adjust::1.5"], ProcessingOptions(contrast=1.5)),
    (["br:-255", "co:0.5", "sa:10"], ProcessingOptions(brightness=-255, contrast=0.5, saturation=10)),
    (["mc:0.5"], ProcessingOptions(monochrome=Monochrome(0.5))),
    (["monochrome:1:123456"], ProcessingOptions(monochrome=Monochrome(1, (0x12, 0x34, 0x56)))),
    (["dt:1::eee"], ProcessingOptions(duotone=Duotone(1, light=(0xEE, 0xEE, 0xEE)))),
    (["bl:0.5", "sh:1.5", "pix:8"], ProcessingOptions(blur=0.5, sharpen=1.5, pixelate=8)),
    (["ush:always:2:30"], ProcessingOptions(unsharp_masking=Unsharp("always", 2, 30))),
    (["ush:::12"], ProcessingOptions(unsharp_masking=Unsharp(divider=12))),
    (["wm:0.5"], ProcessingOptions(watermark=Watermark(0.5))),
    (["wm:1:soea:10:-20:0.5"], ProcessingOptions(watermark=Watermark(1, "soea", 10, -20, 0.5))),
    (["watermark:0.5:re:::.2:7:8"], ProcessingOptions(watermark=Watermark(0.5, "re", scale=0.2))),
    (["wm:0.5:ch:20:30"], ProcessingOptions(watermark=Watermark(0.5, "ch", 20, 30))),
    (["wmu:aHR0cDovL2UuY29tL3cucG5n"], ProcessingOptions(watermark_url="http://e.com/w.png")),
    (["wms:10"], ProcessingOptions(watermark_size=(10, 0))),
    (["watermark_size::20"], ProcessingOptions(watermark_size=(0, 20))),
    (["wm_rot:-45.5"], ProcessingOptions(watermark_rotate=-45.5)),
    (
        ["sm:0", "kcr:1", "scp:f", "ph:T", "eth:true"],
        ProcessingOptions(
            strip_metadata=False,
            keep_copyright=True,
            strip_color_profile=False,
            preserve_hdr=True,
            enforce_thumbnail=True,
        ),
    ),
    (["sm:maybe"], ProcessingOptions(strip_metadata=False)),
    (["dpi:300"], ProcessingOptions(dpi=300)),
    (["q:80"], ProcessingOptions(quality=80)),
    (["q:0"], BLANK),
    (["fq:jpg:85:webp:75:avif:65"], ProcessingOptions(format_quality=(("avif", 65), ("jpeg", 85), ("webp", 75)))),
    (["fq:png:85:webp:70", "fq:png:0"], ProcessingOptions(format_quality=(("webp", 70),))),
    (["aq:dssim:0.03:60:85:0.001"], ProcessingOptions(autoquality=Asked("dssim", 0.03, 60, 85, 0.001))),
    (["aq:dssim:0.01", "aq:::40"], ProcessingOptions(autoquality=Asked("dssim", 0.01, 40))),
    (["mb:1024"], ProcessingOptions(max_bytes=1024)),
    (
        ["jpego:1:0:1:0:1:5"],
        ProcessingOptions(
            jpeg_options=(
                ("no_subsample", False),
                ("optimize_scans", True),
                ("overshoot_deringing", False),
                ("progressive", True),
                ("quant_table", 5),
                ("trellis_quant", True),
            )
        ),
    ),
    (
        ["jpgo:1", "jpeg_options:::::1:3"],
        ProcessingOptions(jpeg_options=(("optimize_scans", True), ("progressive", True), ("quant_table", 3))),
    ),
    (
        ["pngo:0:1:128"],
        ProcessingOptions(png_options=(("interlaced", False), ("quantization_colors", 128), ("quantize", True))),
    ),
    (["webpo:lossless:1"], ProcessingOptions(webp_options=(("compression", "lossless"), ("smart_subsample", True)))),
    (["webp_options:::photo"], ProcessingOptions(webp_options=(("preset", "photo"),))),
    (["avifo:on"], ProcessingOptions(avif_options=(("subsample", "on"),))),
    (["f:jpg"], ProcessingOptions(format="jpeg")),
    (["ext:heic"], ProcessingOptions(format="heic")),
    (["pg:2", "pgs:3", "da:1"], ProcessingOptions(page=2, pages=3, disable_animation=True)),
    (["skp:jpg:svg", "skp:gif:svg"], ProcessingOptions(skip_processing=("jpeg", "svg", "gif"))),
    (["raw:1"], ProcessingOptions(raw=True)),
    (["fiu:aHR0cDovL2UuY29tL2YucG5n=="], ProcessingOptions(fallback_image_url="http://e.com/f.png")),
    (["cb:clear"], ProcessingOptions(cachebuster="clear")),
    (["cb:"], BLANK),
    (["exp:32503669200"], ProcessingOptions(expires=32503669200)),
    (["exp:-5"], BLANK),
    (["fn:cat"], ProcessingOptions(filename="cat")),
    (["fn:Y2F0IDE:1"], ProcessingOptions(filename="cat 1")),
    (["fn:Y2F0:0"], ProcessingOptions(filename="Y2F0")),
    (["filename:a%20b"], ProcessingOptions(filename="a%20b")),
    (["att:1"], ProcessingOptions(return_attachment=True)),
    (
        ["hs:md5:D41D8CD98F00B204E9800998ECF8427E"],
        ProcessingOptions(hashsum=("md5", "d41d8cd98f00b204e9800998ecf8427e")),
    ),
    (["hashsum:none"], BLANK),
    (["hashsum:none:nonsense"], BLANK),
    (
        ["msr:0.5", "msfs:100", "maf:3", "mafr:2", "mrd:1000"],
        ProcessingOptions(
            max_src_resolution=0.5,
            max_src_file_size=100,
            max_animation_frames=3,
            max_animation_frame_resolution=2,
            max_result_dimension=1000,
        ),
    ),
]


@pytest.mark.parametrize(("segments", "expected"), EXAMPLES, ids=["/".join(e[0]) for e in EXAMPLES])
def test_options_are_read_as_imgproxy_reads_them(segments: list[str], expected: ProcessingOptions) -> None:
    assert said(*segments) == expected


def test_every_word_of_the_table_but_presets_is_in_an_example() -> None:
    names = {options.known(segment.split(":")[0]).name for segments, _ in EXAMPLES for segment in segments}

    assert {option.name for option in OPTIONS} - names == {"preset"}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_alias_is_its_option(option: Option) -> None:
    for alias in option.aliases:
        assert options.known(alias) is options.known(option.name) is option


WRONG = [
    ("nope", ["1"], "Unknown processing option nope"),
    ("width", ["x"], 'Expected integer 0 or more for width, got "x"'),
    ("w", [""], 'Expected integer 0 or more for width, got ""'),
    ("min-width", ["-1"], 'Expected integer 0 or more for min_width, got "-1"'),
    ("q", ["101"], 'Expected integer 0..100 for quality, got "101"'),
    ("rt", ["crop"], 'Expected one of fit, fill, fill-down, force, auto for resizing_type, got "crop"'),
    ("w", ["1", "2"], 'Expected at most 1 argument for w, got "1:2"'),
    ("rs", ["fit"] * 9, 'Expected at most 8 arguments for rs, got "fit:fit:fit:fit:fit:fit:fit:fit:fit"'),
    ("s", ["1"] * 8, 'Expected at most 7 arguments for s, got "1:1:1:1:1:1:1:1"'),
    ("z", ["0"], 'Expected number above 0 for x, got "0"'),
    ("dpr", ["nan"], 'Expected number above 0 for dpr, got "nan"'),
    ("dpr", ["inf"], 'Expected number above 0 for dpr, got "inf"'),
    ("dpr", ["1_0"], 'Expected number above 0 for dpr, got "1_0"'),
    ("dpr", ["0x1p9999"], 'Expected number above 0 for dpr, got "0x1p9999"'),
    ("ex", ["1", "sm"], 'Expected one of ce, no, so, ea, we, noea, nowe, soea, sowe, fp for gravity, got "sm"'),
    ("ex", ["1", "no", "1", "2", "3"], 'Expected at most 4 arguments for ex, got "1:no:1:2:3"'),
    ("g", ["sm", "1"], 'Expected no offsets with sm for gravity, got "sm:1"'),
    ("g", ["fp", "1"], 'Expected two numbers 0..1 with fp for gravity, got "fp:1"'),
    ("g", ["fp", "0.5", "1.1"], 'Expected two numbers 0..1 with fp for gravity, got "fp:0.5:1.1"'),
    ("g", ["no", "1e999"], 'Expected a number for x, got "1e999"'),
    ("c", ["-1"], 'Expected number 0 or more for width, got "-1"'),
    ("c", ["1", "1", "middle"], 'for gravity, got "middle"'),
    ("t", ["1", "12345"], 'Expected RGB or RRGGBB in hexadecimal for colour, got "12345"'),
    ("pd", ["1", "2", "3", "4", "5"], 'Expected at most 4 arguments for pd, got "1:2:3:4:5"'),
    ("pd", ["-1"], 'Expected integer 0 or more for top, got "-1"'),
    ("rot", ["45"], 'Expected a multiple of 90 for rotate, got "45"'),
    ("bg", ["256", "0", "0"], 'Expected integer 0..255 for red, got "256"'),
    ("bg", ["1", "2"], 'Expected one argument, or three for background, got "1:2"'),
    ("bga", ["1.5"], 'Expected number 0..1 for background_alpha, got "1.5"'),
    ("br", ["256"], 'Expected integer -255..255 for brightness, got "256"'),
    ("sa", ["0"], 'Expected number above 0 for saturation, got "0"'),
    ("wm", ["2"], 'Expected number 0..1 for opacity, got "2"'),
    ("wm", ["1", "sm"], 'for position, got "sm"'),
    ("wm", ["1"] + [""] * 7, "Expected at most 7 arguments for wm"),
    ("wmu", ["+++"], 'Expected URL-safe base64 for watermark_url, got "+++"'),
    ("aq", ["best"], 'Expected one of none, size, dssim, ml for method, got "best"'),
    ("aq", ["", "", "80"], None),
    ("fq", ["webp"], 'Expected pairs of a format and a quality for format_quality, got "webp"'),
    ("fq", ["tif", "1"], 'for format, got "tif"'),
    ("jpgo", ["", "", "", "", "", "9"], 'Expected integer 0..8 for quant_table, got "9"'),
    ("pngo", ["1", "1", "1"], 'Expected integer 2..256 for quantization_colors, got "1"'),
    ("webpo", ["tight"], 'Expected one of lossy, near_lossless, lossless for compression, got "tight"'),
    ("f", ["PNG"], 'for format, got "PNG"'),
    ("f", [""], 'for format, got ""'),
    ("pgs", ["0"], 'Expected integer 1 or more for pages, got "0"'),
    ("skp", ["jpg", "bad_format"], "Invalid image format in skip_processing: bad_format"),
    ("exp", ["soon"], 'Expected seconds since 1970 for expires, got "soon"'),
    ("fn", ["YQo", "1"], 'Expected text without control characters for filename, got "a\n"'),
    ("fn", ["a", "1", "2"], 'Expected at most 2 arguments for fn, got "a:1:2"'),
    ("fn", ["_w", "1"], "for filename, got"),
    ("hs", ["md5", "abc"], 'Expected 32 hexadecimal digits of md5 for hashsum, got "abc"'),
    ("hs", ["crc", "abc"], 'Expected one of none, md5, sha1, sha256, sha512 for type, got "crc"'),
    ("maf", ["0"], 'Expected integer 1 or more for max_animation_frames, got "0"'),
    ("pr", ["none", "such"], "Unknown preset none"),
]


@pytest.mark.parametrize(("name", "texts", "sentence"), WRONG)
def test_a_refusal_says_what_was_expected(name: str, texts: list[str], sentence: str | None) -> None:
    if sentence is None:
        assert options.apply(BLANK, name, texts) == ProcessingOptions(autoquality=Asked(min=80))
        return
    with pytest.raises(UrlError) as refused:
        options.apply(BLANK, name, texts, security=True)

    assert sentence in str(refused.value)
    assert (refused.value.status, refused.value.public) == (404, "Invalid URL")


@pytest.mark.parametrize("word", [word for row in REFUSED for word in row.words])
def test_what_is_out_is_refused_by_its_name(word: str) -> None:
    name = next(row.words[0] for row in REFUSED if word in row.words)

    with pytest.raises(UrlError) as refused:
        options.apply(BLANK, word, ["1"])

    assert refused.value.status == 404
    assert refused.value.public == f"Option {name} is not supported by this server"


@pytest.mark.parametrize(
    ("segment", "sentence"),
    [
        ("g:obj:face", "Gravity obj is not supported by this server"),
        ("c:1:1:objw:face:2", "Gravity objw is not supported by this server"),
        ("f:best", "Format best is not supported by this server"),
        ("ext:mp4", "Format mp4 is not supported by this server"),
        ("fq:pdf:80", "Format pdf is not supported by this server"),
    ],
)
def test_values_that_are_out_are_refused_by_their_name(segment: str, sentence: str) -> None:
    with pytest.raises(UrlError) as refused:
        said(segment)

    assert (refused.value.status, refused.value.public) == (404, sentence)


@pytest.mark.parametrize("word", ["max_src_resolution", "msr", "msfs", "maf", "mafr", "mrd"])
def test_limits_are_changed_only_where_the_server_allows_it(word: str) -> None:
    with pytest.raises(UrlError) as refused:
        said(f"{word}:1", security=False)

    assert (refused.value.status, refused.value.public) == (403, "Invalid URL")
    assert said(f"{word}:1") != BLANK


def test_what_is_neither_true_nor_false_is_false_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert said("el:yes\n") == BLANK

    assert caplog.messages == ["enlarge: 'yes\\n' is neither true nor false, so it is read as false"]


@given(
    st.sampled_from(OPTIONS),
    st.lists(
        st.text(max_size=8) | st.sampled_from(["0", "1", "-1", "nan", "t", "ce", "fp", "sm", "fff", "webp"]),
        min_size=1,
        max_size=9,
    ),
)
def test_any_texts_are_read_or_refused(option: Option, texts: list[str]) -> None:
    """What is read can be written, and is read back."""
    try:
        found = options.apply(BLANK, option.name, texts, security=True)
    except FoveolaError:
        return
    again = BLANK
    for name, *written in options.write(found):
        again = options.apply(again, name, written, security=True)

    assert again == found


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_option_without_any_text_is_refused(option: Option) -> None:
    with pytest.raises(ArgumentError, match=rf"^Expected at least one text for {option.name}, got "):
        options.apply(ProcessingOptions(), option.name, [], security=True)
