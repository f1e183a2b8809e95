"""The rules around options: pipelines, replacements, encrypted sources, file names, time and bounds."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveola import kinds, urls
from foveola.errors import ArgumentError, UrlError
from foveola.info.options import InfoOptions
from foveola.options import ProcessingOptions
from foveola.options.values import Trim
from foveola.presets import LONGEST_CHAIN, Presets, infos
from foveola.urls import Grammar, ImageUrl, InfoUrl
from foveola.urls.signing import LONGEST

SOURCE = "http://e.com/i.jpg"
PLAIN = "plain/" + SOURCE
RULES = kinds.assigned(";")
ENCODED = base64.urlsafe_b64encode(SOURCE.encode()).decode().rstrip("=")
NODE_KEY = bytes.fromhex("1eb5b0e971ad7f45324c1bb15c947cb207c43152fa5c6c7f35c4f36e0c18e0f1")
ENC = "5mRTX1BdO2rpOf4RabIuLRo5XHgNeEqAfturvYUVzVXfh75f8b5ulIvbh2JawTzP"
ENCRYPTED = [
    ("e664535f505d3b6ae939fe1169b22e2d", "https://example.com/image.jpg", ENC),
    (
        "a79563a2b35d86cee6451c3c800f535a",
        "http://example.com/images/curiosity.jpg",
        "p5VjorNdhs7mRRw8gA9TWoRlGci3l1kuzqN43UQlRaRIQ0qtBKW3qFABIsx-ZRz_cVc8iVTYbhsNsxNBL1BHaQ",
    ),
]


@pytest.mark.parametrize(("iv", "source", "text"), ENCRYPTED)
def test_sources_are_encrypted_as_imgproxy_and_its_clients_encrypt_them(iv: str, source: str, text: str) -> None:
    grammar = Grammar(encryption_key=NODE_KEY)
    url = ImageUrl(ProcessingOptions(format="png"), source)

    assert urls.build(url, grammar, form="enc", iv=bytes.fromhex(iv)) == f"enc/{text}.png"
    assert urls.parse(f"enc/{text}.png", grammar) == url
    assert urls.parse(f"enc/{text[:16]}/{text[16:40]}/{text[40:]}", grammar).source == source


def test_an_encrypted_source_may_have_a_file_name() -> None:
    grammar = Grammar(encryption_key=NODE_KEY, filename=True)

    for path in (f"enc/{ENC}", f"enc/{ENC}/image.jpg", f"w:1/enc/{ENC[:10]}/{ENC[10:]}.webp/a.b.c"):
        assert urls.parse(path, grammar).source == "https://example.com/image.jpg"


def test_one_source_is_encrypted_to_one_url() -> None:
    """So that answers can be cached; two sources share nothing that can be seen."""
    grammar = Grammar(encryption_key=NODE_KEY)
    built = [urls.build(ImageUrl(ProcessingOptions(), f"{SOURCE}{n}"), grammar, form="enc") for n in (1, 1, 2)]

    assert built[0] == built[1]
    assert built[0][:10] != built[2][:10]


@pytest.mark.parametrize(
    "path",
    [
        "enc/",
        "enc/AAAA",
        f"enc/{ENC[:-4]}",
        f"enc/{'A' * 64}",
        f"enc/{ENC}.nope",
        f"enc/{ENC}.png.jpg",
        "enc/+/+",
    ],
)
def test_what_was_not_encrypted_with_the_key_is_not_found(path: str) -> None:
    for grammar in (Grammar(encryption_key=NODE_KEY), Grammar()):
        with pytest.raises(UrlError) as refused:
            urls.parse(path, grammar)

        assert (refused.value.status, refused.value.public) == (404, "Invalid URL")


@given(st.binary(max_size=100))
def test_any_bytes_are_decrypted_or_refused(data: bytes) -> None:
    text = base64.urlsafe_b64encode(data).decode().rstrip("=")
    try:
        found = urls.parse(f"enc/{text}", Grammar(encryption_key=NODE_KEY))
    except UrlError:
        return
    assert isinstance(found.source, str)


@pytest.mark.parametrize("key", [b"", b"short", bytes(33)])
def test_a_key_of_another_length_can_not_encrypt(key: bytes) -> None:
    with pytest.raises(ArgumentError, match="16, 24 or 32 bytes for encryption key"):
        urls.build(ImageUrl(ProcessingOptions(), SOURCE), Grammar(encryption_key=key), form="enc")


def test_an_initialisation_vector_has_16_bytes() -> None:
    with pytest.raises(ArgumentError, match='Expected 16 bytes for iv, got "15 bytes"'):
        urls.build(ImageUrl(ProcessingOptions(), SOURCE), Grammar(encryption_key=NODE_KEY), form="enc", iv=bytes(15))


def test_the_encryption_key_is_not_shown() -> None:
    assert "secret" not in repr(Grammar(encryption_key=b"secretsecretsecr"))


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("w:500/c:1000/-/trim:10/", ProcessingOptions(width=500, chained=(ProcessingOptions(trim=Trim(10)),))),
        ("-/t:10/", ProcessingOptions(chained=(ProcessingOptions(trim=Trim(10)),))),
        ("w:1/-/", ProcessingOptions(width=1, chained=(ProcessingOptions(),))),
        ("-/-/w:1/q:2/", ProcessingOptions(quality=2, chained=(ProcessingOptions(), ProcessingOptions(width=1)))),
    ],
)
def test_a_dash_begins_another_pipeline(path: str, options: ProcessingOptions) -> None:
    found = urls.parse(path + PLAIN).options

    assert replace(found, crop=options.crop) == options


@pytest.mark.parametrize(
    ("most", "dashes", "read"),
    [(0, 31, True), (1, 0, True), (1, 1, False), (3, 2, True), (3, 3, False), (32, 32, False), (99, 31, True)],
)
def test_pipelines_are_counted(most: int, dashes: int, read: bool) -> None:
    path = "-/" * dashes + PLAIN
    if read:
        assert len(urls.parse(path, Grammar(chained=most)).options.chained) == dashes
    else:
        with pytest.raises(UrlError, match=f"Expected at most {most} pipelines"):
            urls.parse(path, Grammar(chained=most))


@pytest.mark.parametrize("most", [0, 99])
def test_a_chain_is_never_endless(most: int) -> None:
    """A thousand pipelines in 4 kB of a URL were 140 ms of the front and 2 MB of memory, before any picture."""
    with pytest.raises(UrlError, match=f"Expected at most {LONGEST_CHAIN} pipelines"):
        urls.parse("-/" * LONGEST_CHAIN + PLAIN, Grammar(chained=most))


def test_pipelines_of_presets_count_too() -> None:
    with pytest.raises(UrlError, match="at most 2 pipelines"):
        urls.parse("w:1/-/pr:a/" + PLAIN, Grammar(chained=2, presets=Presets.read(["a=w:1/-/w:2"])))


@pytest.mark.parametrize(
    ("rules", "source", "replaced"),
    [
        ("mys3://=s3://my-bucket/", "mys3://a/b.png", "s3://my-bucket/a/b.png"),
        ("mycdn://*/=http://e.com/${1}/x/", "mycdn://cats/1.png", "http://e.com/cats/x/1.png"),
        ("a://*/*/=b://${2}/${1}/", "a://1/2/3", "b://2/1/3"),
        ("a://*=b://${2}${1}${0}", "a://x/y", "b://xa://x/y"),
        ("a://=b://;b://=c://", "a://x", "c://x"),
        ("b://=c://;a://=b://", "a://x", "b://x"),
        ("a.c/=z/", "abc/d", "abc/d"),
        ("http://e=x", "see http://e", "see http://e"),
        ("a://=", "a://b://c", "b://c"),
        ("a://=b://x=y", "a://z", "b://x=yz"),
        (" a://=b:// ; ", "a://z", "b://z"),
        ("a=$1", "abc", "$1bc"),
        ("", "a", "a"),
    ],
)
def test_beginnings_of_sources_are_replaced(rules: str, source: str, replaced: str) -> None:
    grammar = Grammar(replacements=urls.replacements(RULES.read(rules)))

    assert urls.parse(urls.build(ImageUrl(ProcessingOptions(), source)), grammar).source == replaced


@pytest.mark.parametrize("text", ["a", "a;b=c", "=b"])
def test_replacements_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text.split(";")[0]):
        RULES.read(text)


def test_a_source_is_replaced_first_and_then_completed() -> None:
    grammar = Grammar(
        base_url="http://e.com/", replacements=urls.replacements([("short:", "http://e.com/long/"), ("/", "")])
    )

    assert urls.parse("plain/short:i.jpg", grammar).source == "http://e.com/long/i.jpg"
    assert urls.parse("plain//i.jpg", grammar).source == "http://e.com/i.jpg"


@pytest.mark.parametrize(
    ("expires", "now", "read"),
    [(100, 100.9, True), (100, 101, False), (0, 1e9, True), (-5, 1e9, True), (100, None, True)],
)
def test_urls_expire(expires: int, now: float | None, read: bool) -> None:
    path = f"exp:{expires}/{PLAIN}"
    if read:
        assert urls.parse(path, now=now).options.expires == max(expires, 0)
    else:
        with pytest.raises(UrlError, match="Expired at 100") as refused:
            urls.parse(path, now=now)
        assert (refused.value.status, refused.value.public) == (404, "Invalid URL")


def test_an_extension_wins_over_the_option_but_not_with_raw() -> None:
    assert urls.parse(f"f:png/{PLAIN}@webp").options.format == "webp"
    assert urls.parse(f"f:png/raw:1/{PLAIN}@nonsense").options == ProcessingOptions(format="png", raw=True)
    assert urls.parse(f"raw:1/{ENCODED}.nonsense").options == ProcessingOptions(raw=True)
    with pytest.raises(UrlError):
        urls.parse(f"raw:0/{PLAIN}@nonsense")


@pytest.mark.parametrize(
    "format", ["jpg", "jpeg", "jxl", "png", "webp", "gif", "ico", "svg", "heic", "avif", "bmp", "tiff"]
)
def test_the_formats_of_imgproxy_are_known(format: str) -> None:
    name = "jpeg" if format == "jpg" else format

    for path in (
        f"{PLAIN}@{format}",
        f"{ENCODED}.{format}",
        f"ext:{format}/{PLAIN}",
        f"{ENCODED[:4]}/{ENCODED[4:]}.{format}",
    ):
        assert urls.parse(path).options.format == name


@pytest.mark.parametrize("format", ["tif", "heif", "PNG", "jpg ", "best", "mp4", "pdf"])
def test_other_formats_are_not(format: str) -> None:
    with pytest.raises(UrlError) as refused:
        urls.parse(f"{PLAIN}@{format}")

    assert refused.value.status == 404
    assert (refused.value.public == "Invalid URL") == (format not in ("best", "mp4", "pdf"))


def test_something_may_hold_before_the_url_says_anything() -> None:
    """Client hints come first, then the default preset, then the URL."""
    start, presets = ProcessingOptions(width=100, dpr=2), Presets.read(["default=w:50"])

    assert urls.parse(PLAIN, start=start).options == start
    assert urls.parse(PLAIN, Grammar(presets=presets), start=start).options == ProcessingOptions(width=50, dpr=2)


def test_a_path_is_not_endless() -> None:
    for target in ("/s/plain/" + "a" * 32768, "/s/" + "w:1/" * 20000 + PLAIN):
        with pytest.raises(UrlError, match="at most 32768 characters"):
            urls.split(target)
    with pytest.raises(UrlError, match="at most 1000 options"):
        urls.parse("w:1/" * 1001 + PLAIN)
    assert urls.parse("w:1/" * 1000 + PLAIN).options == ProcessingOptions(width=1)


@pytest.mark.parametrize(
    ("path", "source", "extension"),
    [
        (
            "plain/https%3A%2F%2Fimages.test%2Fimage.jpg%3Fversion%3D123@webp",
            "https://images.test/image.jpg?version=123",
            "webp",
        ),
        ("plain/https%3A%2F%2Fimages.test%2Florem%20ipsum.jpg", "https://images.test/lorem ipsum.jpg", ""),
        ("plain/https%3A%2F%2Fimages.test%2F%D0%B8.jpg", "https://images.test/и.jpg", ""),
        ("aHR0cHM6Ly9pbWFn/ZXMudGVzdC9pbWFn/ZS5qcGc", "https://images.test/image.jpg", ""),
        ("g:ce/rs:auto:0:0:0/aHR0cHM6Ly9waWNzdW0ucGhvdG9zLzEwMDA", "https://picsum.photos/1000", ""),
    ],
)
def test_sources_are_read_as_the_clients_write_them(path: str, source: str, extension: str) -> None:
    found = urls.parse(urls.repair(path))

    assert (found.source, found.options.format) == (source, extension)


def test_a_seo_filename_is_dropped() -> None:
    text = base64.urlsafe_b64encode(b"https://example.com/host/pic.png").decode().rstrip("=")

    assert urls.parse(f"{text}/pic.png", Grammar(filename=True)).source == "https://example.com/host/pic.png"


@pytest.mark.parametrize(
    ("path", "options"),
    [
        (PLAIN, InfoOptions()),
        ("exif:0/s:f/p:8/" + PLAIN, InfoOptions(exif=False, size=False, palette=8)),
        ("bh:4:3/" + ENCODED + ".png", InfoOptions(blurhash=(4, 3))),
        ("pr:a/p:9/" + PLAIN + "@nonsense", InfoOptions(average=True, palette=9, alpha=True)),
    ],
)
def test_paths_of_the_info_endpoint_are_read(path: str, options: InfoOptions) -> None:
    """What stands behind the source is no format: there is no result that could have one."""
    presets = Presets.read(["a=avg:1/p:4/pr:b", "b=a:1"], lay=infos(), start=InfoOptions(), chains=False)

    assert urls.parse_info(path, Grammar(info_presets=presets)) == InfoUrl(options, SOURCE)


def test_settings_of_the_info_endpoint_are_its_own() -> None:
    presets = Presets.read(["default=p:4", "a=p:5"], lay=infos(), start=InfoOptions(), chains=False)
    grammar = Grammar(
        allowed=frozenset({"w"}),
        only_presets=True,
        info_allowed=frozenset({"p"}),
        info_presets=presets,
        base_url="http://e.com/",
    )

    assert urls.parse_info("p:6/plain/i.jpg", grammar) == InfoUrl(InfoOptions(palette=6), SOURCE)
    assert urls.parse_info("plain/i.jpg", grammar).options.palette == 4
    assert urls.parse_info("a/plain/i.jpg", replace(grammar, info_only_presets=True)).options.palette == 5
    with pytest.raises(UrlError, match="Forbidden processing option avg"):
        urls.parse_info("avg:1/plain/i.jpg", grammar)


@pytest.mark.parametrize(
    "path", ["w:1/" + PLAIN, "-/" + PLAIN, "exp:5/" + PLAIN, "msr:1/" + PLAIN, "pr:a/" + PLAIN, "p:1/" + PLAIN]
)
def test_paths_that_are_none_of_the_info_endpoint_are_refused(path: str) -> None:
    with pytest.raises(UrlError):
        urls.parse_info(path, now=10)


@pytest.mark.parametrize("spare", [0, 1])
def test_a_path_that_is_too_long_is_told_so_before_its_signature_is_looked_at(spare: int) -> None:
    path = "/signature/plain/local:///"
    path += "a" * (LONGEST + spare - len(path))
    if not spare:
        assert urls.split(path + "?query")[0] == "signature"
        return
    with pytest.raises(UrlError, match="at most 32768 characters") as found:
        urls.split(path)
    assert (found.value.status, found.value.public) == (414, "URL is too long")


STARRED = st.text("ab*/", max_size=6)
