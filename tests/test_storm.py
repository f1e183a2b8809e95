"""Ten thousand URLs, valid ones and what typing errors and malice make of them: each answer was foreseen."""

from __future__ import annotations

import asyncio
import io
import logging
import random
from collections import Counter
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.soak.asking import SPOILED
from foveola.config import Settings
from foveola.picture import Picture, sniff
from foveola.server.front import Front
from tests.serving import encoded
from tests.toys import photo

COUNT = 10_000
SEED = 20_260_911
AT_ONCE = 8
TEXT = b"This is no picture."
PAGES = (b"<!doctype html>", b"{")
"""How the landing page and facts of a picture begin."""
LINES = (
    "rs:fit:20:10 rs:fill:16:16:1 rs:fill-down:40:5:0:1 rs:force:7:9 rs:auto:12 s:20:20:1:1:nowe:5:5 rt:fill w:12 h:9",
    "mw:30 mh:20 min-width:8 z:1.5 zoom:0.5:2 dpr:2 dpr:0.5 el:1 ex:1:ea:3:0 exar:1 extend_ar:t g:sm g:fp:0.3:0.7",
    "g:noea:2:-3 g:soea:0.1:0.1 c:10:10 c:0.5:0.25:no c:5:0 car:1.5:1 t:10 t:10:ff00ff:1:1 pd:1:2:3:4 pd:2 ar:0",
    "rot:90 rot:-270 rot:180 fl:1:1 bg:fff bg:12:200:3 bg: bga:0.5 a:10:1.2:0.8 br:40 co:1.4 sa:0.3 mc:0.8:ff8800",
    "dt:0.9:000:fff bl:1.5 sh:0.7 pix:3 ush:always:0.5:24 wm:0.5:ce:1:1:0.2 wm:1:re:2:2:0.3 sm:0 kcr:0 dpi:300 scp:0",
    "ph:1 eth:1 q:50 q:0 fq:jpeg:40:webp:50 mb:600 mb:1 aq:dssim:0.02:10:90:0.01 aq:size:700:1:100 aq:ml:0.02:70:80:1",
    "aq:none jpgo:1:0:1:1:1:3 pngo:1:1:16 webpo:lossless:1:photo avifo:on f:jpg f:webp ext:png f:gif f:tiff f:avif",
    "f:jxl f:bmp f:ico pg:1 pgs:2 da:1 skp:png:gif raw:1 cb:abc exp:32503669200 exp:1 fn:cat fn:Y2F0:1 att:1 pr:small",
    "hs:sha256:00 msr:1 msfs:100 maf:2 mafr:1 mrd:10 - ra:nearest ba:2 gr:0.4:ff0 cp:srgb",
)
OPTIONS = tuple(word for line in LINES for word in line.split())
INFO_LINES = (
    "s:1 size:0 f:0 d:1 exif:1:1 iptc:0 xmp:1 cs:1 b:1 sf:1 pn:1 a:1:1 c:5:5:no c:0.5:0.5:sm p:4 p:256 avg:1 avg:1:0",
    "dc:1:1 dc:1 bh:4:3 bh:9:9 th:1 phash:1 chs:md5:sha256 pg:1 cb:x exp:1 hs:md5:00 msr:1 msfs:10 do:1 vm:1",
)
INFO = tuple(word for line in INFO_LINES for word in line.split())
SOURCES = (
    *("cat.jpg", "clear.png", "frames.gif", "grey.png", "small.webp", "print.jpg", "deep.png", "text.jpg", "none.jpg"),
    *("drawing.svg", "old.bmp", "icon.ico", "scan.tiff", "new.avif"),
)
ENDS = ("", "", "", "@jpg", "@png", "@webp", "@gif", "@tiff")


def frames() -> bytes:
    """Return an animation of three frames."""
    pictures = [Image.new("P", (14, 9), colour) for colour in (1, 2, 3)]
    for picture in pictures:
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    file = io.BytesIO()
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=40, loop=2)
    return file.getvalue()


def saved(picture: Image.Image, format: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, format)
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a small picture of each kind."""
    folder = tmp_path_factory.mktemp("storm")
    deep = Image.fromarray(np.arange(24 * 16, dtype=np.uint16).reshape(16, 24) * 170)
    files = {
        "cat.jpg": encoded(photo(31, 17), "JPEG", quality=90),
        "clear.png": encoded(photo(24, 16, 4), "PNG"),
        "frames.gif": frames(),
        "grey.png": saved(photo(13, 21).pillow.convert("L"), "PNG"),
        "small.webp": encoded(Picture(photo(20, 20).frames), "WEBP"),
        "print.jpg": saved(photo(16, 16).pillow.convert("CMYK"), "JPEG"),
        "deep.png": saved(deep, "PNG"),
        "text.jpg": TEXT,
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><circle r="9"/></svg>',
        "old.bmp": saved(photo(15, 11).pillow, "BMP"),
        "icon.ico": saved(photo(16, 16, 4).pillow, "ICO"),
        "scan.tiff": saved(photo(19, 7).pillow, "TIFF"),
        "new.avif": saved(photo(32, 24).pillow, "AVIF"),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def valid(chance: random.Random) -> str:
    """Return a URL as a client would make it."""
    info = chance.random() < 0.1
    options = chance.sample(INFO if info else OPTIONS, chance.choice((0, 1, 1, 2, 2, 3, 4)))
    source = f"local:///{chance.choice(SOURCES)}{chance.choice(ENDS)}"
    return "/".join(("", *("info",) * info, "unsafe", *options, "plain", source))


def spoiled(url: str, chance: random.Random) -> str:
    """Return a URL with one thing changed: a part replaced, doubled, left out or moved, or characters put in."""
    parts = url.split("/")
    place = chance.randrange(len(parts))
    match chance.randrange(7):
        case 0:
            parts[place] = chance.choice(SPOILED)
        case 1:
            parts.insert(place, parts[place] * chance.choice((1, 1, 2)))
        case 2:
            del parts[place]
        case 3:
            parts[place], parts[-1] = parts[-1], parts[place]
        case 4 | 5:
            arguments = parts[place].split(":")
            arguments[chance.randrange(len(arguments))] = chance.choice(SPOILED)
            parts[place] = ":".join(arguments)
        case _:
            at = chance.randrange(len(url) + 1)
            return url[:at] + chance.choice(SPOILED) + url[at + chance.randrange(3) :]
    return "/".join(parts)


def urls() -> Iterator[str]:
    """Yield the URLs of the storm, the same in every run."""
    chance = random.Random(SEED)
    for number in range(COUNT):
        url = valid(chance)
        for _ in range(number % 3):
            url = spoiled(url, chance)
        yield "/" + url.lstrip("/")


async def ask(front: Front, url: str) -> tuple[int, bytes]:
    """Return the status and the body that the application answers."""
    sent: list[MutableMapping[str, Any]] = []
    events = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> MutableMapping[str, Any]:
        return next(events, None) or await asyncio.Future[MutableMapping[str, Any]]()

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    raw = url.encode("utf-8", "surrogateescape")
    scope = {"type": "http", "method": "GET", "path": url, "raw_path": raw, "query_string": b"", "scheme": "http"}
    headers = [(b"host", b"foveola"), (b"accept", b"image/avif,image/webp,*/*")]
    await front({**scope, "headers": headers, "client": ("127.0.0.1", 9)}, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], body


async def storm(front: Front) -> tuple[Counter[int], dict[str, int]]:
    """Return how often each status was answered, and the URLs that went wrong."""
    counts: Counter[int] = Counter()
    wrong: dict[str, int] = {}
    waiting = urls()

    async def client() -> None:
        for url in waiting:
            status, body = await ask(front, url)
            counts[status] += 1
            if status >= 500 or (status == 200 and not (sniff(body) or body == TEXT or body.startswith(PAGES))):
                wrong[url] = status

    await front.start()
    try:
        await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    finally:
        await front.stop()
    return counts, wrong


@pytest.mark.slow
@pytest.mark.no_cover  # the tests of each part reach the same lines
def test_no_url_is_a_surprise(
    folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    limits = {"MAX_RESULT_DIMENSION": "64", "TIMEOUT": "60", "MAX_ANIMATION_FRAMES": "3", "WORKERS": "2"}
    looks = {"WATERMARK_PATH": str(folder / "clear.png"), "PRESETS": "small=w:10/q:40", "MAX_CHAINED_PIPELINES": "3"}
    rights = {"ALLOW_SECURITY_OPTIONS": "true", "LOCAL_FILESYSTEM_ROOT": str(folder), "AUTO_WEBP": "true"}
    environ = {f"IMGPROXY_{name}": value for name, value in (limits | looks | rights).items()}
    caplog.set_level(logging.ERROR)

    counts, wrong = asyncio.run(storm(Front(Settings.read(environ)[0])))
    out, err = capfd.readouterr()

    assert wrong == {}
    assert [record.getMessage() for record in caplog.records] == []
    assert "Traceback" not in out + err
    assert "ended with" not in out + err
    assert set(counts) <= {200, 403, 404, 422}
    assert min(counts[200], counts[404]) > COUNT // 5
