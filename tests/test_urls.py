"""URLs are read as imgproxy reads them; the vectors are those of its tests, its documentation and its clients."""

from __future__ import annotations

import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foveola import urls
from foveola.errors import ArgumentError, SignatureError, UrlError
from foveola.goal import Asked
from foveola.options import ProcessingOptions
from foveola.options.values import Extend, Gravity
from foveola.urls import FORMS, Form, Grammar, ImageUrl, Keys
from tests import asked

TEST = (b"test-key", b"test-salt")
DOCS = (bytes.fromhex("736563726574"), bytes.fromhex("68656C6C6F"))
NODE = (
    bytes.fromhex("943b421c9eb07c830af81030552c86009268de4e532ba2ee2eab8247c6da0881"),
    bytes.fromhex("520f986b998545b4785e0defbc4f3c1203f22de2374a3d53cb7a7fe9fea309c5"),
)
NODE_2 = (bytes.fromhex("4aca92a7c3c68440f2c1db980c856f39"), bytes.fromhex("6c28d7a545acc92d688d5f1d3e21087a"))
NODE_3 = (bytes.fromhex("db66ae1b1b73fe2851ad789a673d1698"), bytes.fromhex("bdfbf3df94315d0c2bc7a2ef691f5d99"))
KLEN = (bytes.fromhex("aa396160c50ea766910eab53"), bytes.fromhex("b3fb8f215827bda5d0e7313d"))
LONG = "/ar:t/cb:clear/ex:t/f:webp/g:noea:10:10/sa:10/w:300/plain/https://example.com/image.jpg"

SIGNATURES = [
    (TEST, "asd", 32, "oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20"),
    (TEST, "asd", 8, "oWaL7QoW5Ts"),
    ((b"test-key2", b"test-salt2"), "asd", 32, "jYz1UZ7j1BCdSzH3pZhaYf0iuz0vusoOTdqJsUT6WXI"),
    (TEST, "/rs:fill:4:4/plain/local:///test1.png", 32, "My9d3xq_PYpVHsPrCyww0Kh1w5KZeZhIlWhsa4az1TI"),
    (
        DOCS,
        "/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png",
        32,
        "oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8",
    ),
    (
        NODE,
        "/el:t/f:png/g:no/h:300/rt:fit/w:300/aHR0cHM6Ly9leGFtcGxlLmNvbS9pbWFnZS5qcGc",
        32,
        "zsdsCjFCqcAniKFCygMBToRh6l5jVZbL0bhrnnUGK58",
    ),
    (NODE, "/aHR0cHM6Ly9leGFtcGxlLmNvbS9pbWFnZS5qcGc", 32, "xOner18d7-LJwkl4bifXGbC1_4kZXxsPLnuuvsMtcWo"),
    (NODE, LONG, 32, "wBn_dnH124irD6jiEEJ9IMd5xzYZLTCThsapoJMvbwk"),
    (NODE_2, LONG, 32, "-1bXMFE3qm-pOAgAomSBHIoNeIC9vYR6TZV5s3vkvLk"),
    (NODE_3, LONG, 32, "K-7vJsYBybwq33VIfpgm9uWUBB48BX6Y5ygsxP9hCY8"),
    (
        (b"Hello", b"World"),
        "/s:100:100/plain/https://images.test/image.jpg",
        32,
        "6PuaY-dst3YwA3CwS_QDSWk4yA3oSr3pEHxT9kiEbOE",
    ),
    ((b"Hello", b"World"), "/s:100:100/plain/https://images.test/image.jpg", 5, "6PuaY-c"),
    (
        KLEN,
        "/g:ce/rs:auto:0:0:0/aHR0cHM6Ly9waWNzdW0ucGhvdG9zLzEwMDA",
        32,
        "Da25ef1zWhx4P9hhPWGdFRU8_dYcGvloGHvEZ1c3_0o",
    ),
    (
        KLEN,
        "/g:ce/rs:auto:600:0:0/aHR0cHM6Ly9waWNzdW0ucGhvdG9zLzEwMDA",
        32,
        "qcKAFfBJwpiKZ6xt-NT6GXGOGizkeq4sgyfoQ4h-080",
    ),
    (
        NODE,
        "/aq:dssim:0.02:70:80:0.001/plain/local:///test1.jpg@webp",
        32,
        "ChzAsqNMzo4X3vlWYXE4-xWV15tJyijk3ahh49nZuQ4",
    ),
    (
        NODE,
        "/autoquality:size:10240:10:80/plain/local:///test1.jpg@jpg",
        32,
        "V3fD6rsiY5CQvanTy9MY95Gc-puDYX7aTUm-5GfbDN8",
    ),
]


@pytest.mark.parametrize(("pair", "path", "size", "signature"), SIGNATURES)
def test_paths_are_signed_as_imgproxy_and_its_clients_sign_them(
    pair: tuple[bytes, bytes], path: str, size: int, signature: str
) -> None:
    path = path.removeprefix("/")

    assert urls.sign(path, *pair, size) == signature
    urls.verify(signature, path, Keys(((b"other", b"key"), pair), size))


@pytest.mark.parametrize(
    ("signature", "size"),
    [
        ("oWaL7QoW5Ts", 32),
        ("oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20", 8),
        ("oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20=", 32),
        ("oWaL7QoW5TsgbuiS9+5+DI8S3Ibbo1gdB2SteJh3a20", 32),
        ("pWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20", 32),
        ("oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a21", 32),
        ("oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a23", 32),
        ("oWaL7QoW5Tt", 8),
        ("a", 32),
        ("unsafe", 32),
        ("öffnen", 32),
    ],
)
def test_any_other_signature_is_refused(signature: str, size: int) -> None:
    with pytest.raises(SignatureError) as refused:
        urls.verify(signature, "asd", Keys((TEST,), size))

    assert (refused.value.status, refused.value.public) == (403, "Forbidden")


def test_a_trusted_signature_is_good_for_every_path() -> None:
    keys = Keys((TEST,), trusted=frozenset({"let-me-in"}))

    urls.verify("let-me-in", "anything", keys)


def test_without_keys_any_word_is_a_signature_but_an_option() -> None:
    urls.verify("unsafe", "anything", Keys())

    with pytest.raises(SignatureError) as refused:
        urls.verify("rs:fit:100:100", "plain/http://e.com/i.jpg", Keys())

    assert "processing option" in refused.value.public


def test_keys_are_not_shown() -> None:
    assert "test" not in repr(Keys((TEST,), trusted=frozenset({"test"})))


@pytest.mark.parametrize(
    ("path", "repaired"),
    [
        ("plain/http:/e.com/i.jpg", "plain/http://e.com/i.jpg"),
        ("plain/local:/image.jpg", "plain/local:///image.jpg"),
        ("plain/local:///image.jpg", "plain/local:///image.jpg"),
        ("/http:/e.com/i.jpg", "http:/e.com/i.jpg"),
        ("rs%3Afill%3A300%3A200/abc/abc", "rs:fill:300:200/abc/abc"),
        ("rs%3afill/abc", "rs%3afill/abc"),
        ("w%3A3/plain/http%3A//e.com/i.jpg", "w:3/plain/http%3A//e.com/i.jpg"),
        ("/plain/http:", "plain/http:"),
        ("/plain/http:/test", "plain/http://test"),
    ],
)
def test_what_browsers_do_to_a_path_is_undone(path: str, repaired: str) -> None:
    assert urls.repair(path) == repaired


@pytest.mark.parametrize(
    ("target", "prefix", "found"),
    [
        ("/sig/w:1/plain/http://e.com/i.jpg?utm=1", "", ("sig", "w:1/plain/http://e.com/i.jpg")),
        ("/img/sig/abc", "/img", ("sig", "abc")),
        ("sig/abc", "", ("sig", "abc")),
        ("//sig/w:1/abc", "", ("sig", "w:1/abc")),
        ("/img//sig/abc", "/img", ("sig", "abc")),
        ("//plain/http://e.com/i.jpg", "", ("plain", "http://e.com/i.jpg")),
    ],
)
def test_a_target_is_a_signature_and_a_path(target: str, prefix: str, found: tuple[str, str]) -> None:
    assert urls.split(target, prefix) == found


@pytest.mark.parametrize(
    "target", ["/", "//", "///", "/x", "//x", "/x/", "/?a/b", "", "///w:1/plain/http://e.com/i.jpg"]
)
def test_a_target_without_a_signature_or_a_path_is_refused(target: str) -> None:
    with pytest.raises(UrlError) as refused:
        urls.split(target)

    assert (refused.value.status, refused.value.public) == (404, "Invalid URL")


PLAIN = "plain/http://e.com/i.jpg"
SOURCE = "http://e.com/i.jpg"
ENCODED = base64.urlsafe_b64encode(SOURCE.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("path", "options", "source"),
    [
        (PLAIN, ProcessingOptions(), SOURCE),
        ("plain/http://e.com/a%20b%3Fc%40d@png", ProcessingOptions(format="png"), "http://e.com/a b?c@d"),
        ("plain/http://e.com/a+b@", ProcessingOptions(), "http://e.com/a+b"),
        ("plain/http://e.com/%D0%B8", ProcessingOptions(), "http://e.com/и"),
        (ENCODED, ProcessingOptions(), SOURCE),
        (ENCODED + "==.jpg", ProcessingOptions(format="jpeg"), SOURCE),
        (ENCODED[:16] + "/" + ENCODED[16:] + ".webp", ProcessingOptions(format="webp"), SOURCE),
        ("rs:fill:300:200:1/" + PLAIN, ProcessingOptions("fill", width=300, height=200, enlarge=True), SOURCE),
        ("resize:fit:300/" + PLAIN, ProcessingOptions(width=300), SOURCE),
        ("rs::300::1:0:ce/" + PLAIN, ProcessingOptions(width=300, enlarge=True), SOURCE),
        ("s:100:100/" + PLAIN, ProcessingOptions(width=100, height=100), SOURCE),
        (
            "s:200:300:0:0:nowe:5:6/" + PLAIN,
            ProcessingOptions(width=200, height=300, extend=Extend(False, Gravity("nowe", 5, 6))),
            SOURCE,
        ),
        ("w:10/width:20/" + PLAIN, ProcessingOptions(width=20), SOURCE),
        ("w:+7/" + PLAIN, ProcessingOptions(width=7), SOURCE),
        ("el:yes/" + PLAIN, ProcessingOptions(), SOURCE),
        ("el:t/" + PLAIN, ProcessingOptions(enlarge=True), SOURCE),
        ("ex:0/" + PLAIN, ProcessingOptions(), SOURCE),
        ("f:png/plain/http://e.com/i.jpg@webp", ProcessingOptions(format="webp"), SOURCE),
        ("q:80/" + PLAIN, ProcessingOptions(quality=80), SOURCE),
        (
            "fq:jpg:85:webp:75:avif:65/" + PLAIN,
            ProcessingOptions(format_quality=(("avif", 65), ("jpeg", 85), ("webp", 75))),
            SOURCE,
        ),
        ("fq:webp:75/fq:webp:0:heic:3/" + PLAIN, ProcessingOptions(format_quality=(("heic", 3),)), SOURCE),
        ("aq:none/" + PLAIN, ProcessingOptions(autoquality=Asked("none")), SOURCE),
        (
            "aq:dssim:0.03:60:85:0.001/" + PLAIN,
            ProcessingOptions(autoquality=Asked("dssim", 0.03, 60, 85, 0.001)),
            SOURCE,
        ),
        (
            "autoquality:dssim:0.004::100:0.001/" + PLAIN,
            ProcessingOptions(autoquality=Asked("dssim", 0.004, None, 100, 0.001)),
            SOURCE,
        ),
        ("aq:::65:95/" + PLAIN, ProcessingOptions(autoquality=Asked(min=65, max=95)), SOURCE),
        ("aq:ml::::0.007/" + PLAIN, ProcessingOptions(autoquality=Asked("ml", allowed_error=0.007)), SOURCE),
        ("aq:dssim:0:0:0:0/" + PLAIN, ProcessingOptions(autoquality=Asked("dssim", 0, allowed_error=0)), SOURCE),
        ("aq:dssim:0.01/aq:::40/" + PLAIN, ProcessingOptions(autoquality=Asked("dssim", 0.01, 40)), SOURCE),
        ("mb:1024/" + PLAIN, ProcessingOptions(max_bytes=1024), SOURCE),
        ("mb:0/q:0/" + PLAIN, ProcessingOptions(), SOURCE),
        ("cb:clear/" + PLAIN, ProcessingOptions(cachebuster="clear"), SOURCE),
    ],
)
def test_paths_are_read_as_imgproxy_reads_them(path: str, options: ProcessingOptions, source: str) -> None:
    assert urls.parse(path) == ImageUrl(options, source)


@pytest.mark.parametrize(
    "path",
    [
        "fill/300/200/ce/1/" + ENCODED,
        "nonsense:1/" + PLAIN,
        "w:/" + PLAIN,
        "w:-1/" + PLAIN,
        "w:1_0/" + PLAIN,
        "w: 10/" + PLAIN,
        "w:10:20/" + PLAIN,
        "w:٣/" + PLAIN,
        "rs:stretch:300:200/" + PLAIN,
        "rs:fill:1:2:3:4:5:6:7:8/" + PLAIN,
        "q:101/" + PLAIN,
        "q:88.2/" + PLAIN,
        "fq:webp/" + PLAIN,
        "fq:nope:80/" + PLAIN,
        "aq:best/" + PLAIN,
        "aq:dssim:nan/" + PLAIN,
        "aq:dssim:0.02:80:70/" + PLAIN,
        "aq:dssim:0.02:70:101/" + PLAIN,
        "aq:dssim:0.02:70:80:2/" + PLAIN,
        "aq:dssim:0.02:70:80:0.1:6/" + PLAIN,
        "mb:many/" + PLAIN,
        "f:nope/" + PLAIN,
        "plain/http://e.com/i.jpg@nope",
        "plain/http://e.com/i.jpg@png@jpg",
        "plain/@jpg",
        "plain/http://e.com/%zz",
        "plain/http://e.com/%e",
        "aHR0.png.jpg",
        "aHR0cDovL2V+YW1w",
        "a",
        ".png",
        "w:100",
    ],
)
def test_what_cannot_be_read_is_not_found(path: str) -> None:
    with pytest.raises(UrlError) as refused:
        urls.parse(path)

    assert (refused.value.status, refused.value.public) == (404, "Invalid URL")


@pytest.mark.parametrize(
    ("grammar", "path", "url"),
    [
        (Grammar(separator="--"), "w--300/q--80/" + PLAIN, ImageUrl(ProcessingOptions(width=300, quality=80), SOURCE)),
        (Grammar(base_url="http://e.com/"), "plain/i.jpg", ImageUrl(ProcessingOptions(), SOURCE)),
        (Grammar(base_url="http://e.com/"), PLAIN, ImageUrl(ProcessingOptions(), SOURCE)),
        (Grammar(filename=True), ENCODED + ".png/cat.png", ImageUrl(ProcessingOptions(format="png"), SOURCE)),
        (Grammar(filename=True), ENCODED, ImageUrl(ProcessingOptions(), SOURCE)),
        (Grammar(allowed=frozenset({"w"})), "w:300/" + PLAIN, ImageUrl(ProcessingOptions(width=300), SOURCE)),
    ],
)
def test_settings_change_how_paths_are_read(grammar: Grammar, path: str, url: ImageUrl) -> None:
    assert urls.parse(path, grammar) == url


def test_options_are_allowed_by_the_name_that_is_written() -> None:
    with pytest.raises(UrlError, match="Forbidden processing option width"):
        urls.parse("width:300/" + PLAIN, Grammar(allowed=frozenset({"w"})))


SOURCES = st.text(min_size=1) | st.text("htps:/.@%?#+local a", min_size=1)


KEY = bytes(range(32))
GRAMMARS = st.builds(
    Grammar,
    separator=st.sampled_from([":", "--", ",", "::", "%2C"]),
    filename=st.booleans(),
    encryption_key=st.binary(min_size=16, max_size=16) | st.binary(min_size=32, max_size=32),
    security=st.just(True),
)


@given(asked.options(), SOURCES, GRAMMARS, st.sampled_from(FORMS), st.booleans())
def test_what_is_built_is_read_back(
    options: ProcessingOptions, source: str, grammar: Grammar, form: Form, signs: bool
) -> None:
    """The law of the two directions; the way over the wire and through `repair` is part of it."""
    assume(not any("\ud800" <= c <= "\udfff" for c in source))
    url, keys = ImageUrl(options, source), Keys((NODE,) if signs else ())
    try:
        built = urls.build(url, grammar, form=form)
    except ArgumentError:
        assert grammar.separator != ":", "only a separator that is part of a text is in the way"
        return

    signature, path = urls.split(urls.signed(built, keys))

    urls.verify(signature, path, keys)
    assert path.isascii()
    assert urls.parse(path, grammar) == url


@given(asked.options(), SOURCES)
def test_what_is_read_is_built_the_same_again(options: ProcessingOptions, source: str) -> None:
    """A path that was built is the only one that is built for what it says."""
    assume(not any("\ud800" <= c <= "\udfff" for c in source))
    grammar = Grammar(security=True)
    path = urls.build(ImageUrl(options, source), grammar)

    assert urls.build(urls.parse(path, grammar), grammar) == path


@given(st.binary(min_size=1), st.sampled_from(FORMS))
def test_sources_of_any_bytes_are_read_back(data: bytes, form: Form) -> None:
    url, grammar = ImageUrl(ProcessingOptions(), data.decode("utf-8", "surrogateescape")), Grammar(encryption_key=KEY)

    assert urls.parse(urls.build(url, grammar, form=form), grammar) == url


@given(st.text())
def test_any_path_is_read_or_refused(path: str) -> None:
    try:
        url = urls.parse(urls.repair(path))
    except UrlError:
        return
    assert isinstance(url, ImageUrl)


@pytest.mark.parametrize("text", ["a/b", "a:b", "a?b", "a#b", "a b", "ö", "a%3Ab"])
def test_a_text_that_would_be_read_as_something_else_is_not_built(text: str) -> None:
    with pytest.raises(ArgumentError):
        urls.build(ImageUrl(ProcessingOptions(cachebuster=text), SOURCE))


def test_a_source_is_needed() -> None:
    with pytest.raises(ArgumentError):
        urls.build(ImageUrl(ProcessingOptions(), ""))


def test_a_signed_path_is_accepted() -> None:
    keys = Keys((NODE,), 20)

    signature, path = urls.split(urls.signed(urls.build(ImageUrl(ProcessingOptions(width=5), SOURCE)), keys))

    assert path == "w:5/plain/http://e.com/i.jpg"
    urls.verify(signature, path, keys)
