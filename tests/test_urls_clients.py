"""URLs that clients of imgproxy build are verified and read."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from foveola import urls
from foveola.errors import FoveolaError
from foveola.goal import Asked
from foveola.info.options import InfoOptions
from foveola.options import ProcessingOptions
from foveola.options.values import Crop, Duotone, Extend, Gravity, Trim, Unsharp, Watermark
from foveola.urls import Grammar, ImageUrl, Keys
from foveola.urls.grammar import ORDINARY

KEY = "943b421c9eb07c830af81030552c86009268de4e532ba2ee2eab8247c6da0881"
SALT = "520f986b998545b4785e0defbc4f3c1203f22de2374a3d53cb7a7fe9fea309c5"
KEYS = Keys(((bytes.fromhex(KEY), bytes.fromhex(SALT)),))
HOST = "https://images.example.com"
SOURCE = "https://example.com/host/pic 1.png?v=2"
SIMPLE = "https://example.com/host/pic.png"
"""The JavaScript client does not encode a plain source: that is for its user to do."""
SECRET = bytes(range(32))


def read(url: str, grammar: Grammar = ORDINARY) -> ImageUrl:
    """Return what a signed URL says."""
    signature, path = urls.split(url.removeprefix(HOST))
    urls.verify(signature, path, KEYS)
    return urls.parse(path, grammar)


@pytest.mark.parametrize(
    ("advanced", "said", "options"),
    [
        ((), {}, ProcessingOptions("auto")),
        ((), {"width": 600, "height": 300, "resizing_type": "fill"}, ProcessingOptions("fill", width=600, height=300)),
        ((), {"gravity": "sm", "enlarge": True}, ProcessingOptions("auto", gravity=Gravity("sm"), enlarge=True)),
        ((), {"extension": "webp"}, ProcessingOptions("auto", format="webp")),
        (("pd:10:10:10:10", "bg:F00"), {}, ProcessingOptions("auto", padding=(10, 10, 10, 10), background=(255, 0, 0))),
        (("bl:0.5", "aq:dssim:0.02"), {}, ProcessingOptions("auto", blur=0.5, autoquality=Asked("dssim", 0.02))),
    ],
)
def test_the_python_client_is_understood(
    advanced: tuple[str, ...], said: dict[str, Any], options: ProcessingOptions
) -> None:
    imgproxy = pytest.importorskip("imgproxy")

    url = imgproxy.ImgProxy(SOURCE, proxy_host=HOST, key=KEY, salt=SALT, advanced=advanced, **said)()

    assert read(url) == ImageUrl(options, SOURCE)


def test_imgproxykit_is_understood() -> None:
    kit = pytest.importorskip("imgproxykit", reason="imgproxykit needs Python 3.12", exc_type=ImportError)
    client = kit.Client(HOST, key=KEY, salt=SALT)

    url = client.url(SOURCE, transform=kit.Transform(width=300, quality=85, format="webp", auto_rotate=False))

    asked = ProcessingOptions(width=300, quality=85, format="webp", auto_rotate=False)
    assert read(url) == ImageUrl(asked, SOURCE)


SAID: list[tuple[dict[str, Any], ProcessingOptions]] = [
    ({}, ProcessingOptions()),
    ({"adjust": {"brightness": 10, "contrast": 2}}, ProcessingOptions(brightness=10, contrast=2)),
    (
        {"autoquality": {"method": "ml", "target": 0.02, "min_quality": 7, "max_quality": 80, "allowed_error": 0.1}},
        ProcessingOptions(autoquality=Asked("ml", 0.02, 7, 80, 0.1)),
    ),
    ({"auto_rotate": 0}, ProcessingOptions(auto_rotate=False)),
    ({"avif_options": {"subsample": "on"}}, ProcessingOptions(avif_options=(("subsample", "on"),))),
    ({"background": {"r": 1, "g": 2, "b": 3}}, ProcessingOptions(background=(1, 2, 3))),
    (
        {"background": "ff0000", "background_alpha": 0.5},
        ProcessingOptions(background=(255, 0, 0), background_alpha=0.5),
    ),
    ({"blur": 2.5, "sharpen": 1, "pixelate": 3}, ProcessingOptions(blur=2.5, sharpen=1, pixelate=3)),
    (
        {"crop": {"width": 100, "height": 0.5, "gravity": {"type": "fp", "x": 0.1, "y": 0.2}}},
        ProcessingOptions(crop=Crop(100, 0.5, Gravity("fp", 0.1, 0.2))),
    ),
    ({"crop_aspect_ratio": {"aspect_ratio": 1.5, "enlarge": True}}, ProcessingOptions(crop_aspect_ratio=(1.5, True))),
    (
        {"duotone": {"intensity": 0.5, "color1": "111", "color2": "eee"}},
        ProcessingOptions(duotone=Duotone(0.5, (0x11, 0x11, 0x11), (0xEE, 0xEE, 0xEE))),
    ),
    (
        {"extend": {"extend": 1, "gravity": {"type": "no", "y_offset": 5}}},
        ProcessingOptions(extend=Extend(True, Gravity("no", 0, 5))),
    ),
    ({"extend_aspect_ratio": {"extend": True}}, ProcessingOptions(extend_aspect_ratio=Extend(True))),
    ({"filename": {"name": "cat", "encoded": False}}, ProcessingOptions(filename="cat")),
    ({"flip": {"horizontal": True}}, ProcessingOptions(flip=(True, False))),
    (
        {"format_quality": [{"format": "jpg", "quality": 80}, {"format": "webp", "quality": 70}]},
        ProcessingOptions(format_quality=(("jpeg", 80), ("webp", 70))),
    ),
    (
        {"gravity": {"type": "soea", "x_offset": 5}, "expires": 4102444800},
        ProcessingOptions(gravity=Gravity("soea", 5), expires=4102444800),
    ),
    (
        {"jpeg_options": {"progressive": True, "quant_table": 3}},
        ProcessingOptions(jpeg_options=(("progressive", True), ("quant_table", 3))),
    ),
    (
        {"png_options": {"quantize": True, "quantization_colors": 16}},
        ProcessingOptions(png_options=(("quantization_colors", 16), ("quantize", True))),
    ),
    ({"padding": {"top": 1, "left": 5}}, ProcessingOptions(padding=(1, 1, 1, 5))),
    ({"page": 1, "pages": 2, "disable_animation": True}, ProcessingOptions(page=1, pages=2, disable_animation=True)),
    (
        {"resize": {"resizing_type": "fill", "width": 5, "height": 6, "enlarge": 1, "extend": {"extend": 1}}},
        ProcessingOptions("fill", width=5, height=6, enlarge=True, extend=Extend(True)),
    ),
    ({"skip_processing": ["jpg", "png"]}, ProcessingOptions(skip_processing=("jpeg", "png"))),
    (
        {"trim": {"threshold": 10, "color": "fff", "equal_hor": 1}},
        ProcessingOptions(trim=Trim(10, (255, 255, 255), True)),
    ),
    ({"unsharp_masking": {"mode": "always", "weight": 2}}, ProcessingOptions(unsharp_masking=Unsharp("always", 2))),
    (
        {"watermark": {"opacity": 0.5, "position": "ch", "x_offset": 1, "y_offset": 2, "scale": 0.5}},
        ProcessingOptions(watermark=Watermark(0.5, "ch", 1, 2, 0.5)),
    ),
    ({"watermark_size": {"width": 5, "height": 6}}, ProcessingOptions(watermark_size=(5, 6))),
    (
        {"webp_options": {"compression": "lossless", "smart_subsample": True}},
        ProcessingOptions(webp_options=(("compression", "lossless"), ("smart_subsample", True))),
    ),
    ({"zoom": 2, "dpr": 1.5, "dpi": 300}, ProcessingOptions(zoom=(2, 2), dpr=1.5, dpi=300)),
    ({"format": "avif", "quality": 50, "max_bytes": 9}, ProcessingOptions(format="avif", quality=50, max_bytes=9)),
]
OUT: list[tuple[dict[str, Any], str]] = [
    ({"style": "abc"}, "style"),
    ({"crop_objects": {"scale_factor": 1}}, "crop_objects"),
    ({"gradient": {"opacity": 1}}, "gradient"),
    ({"colorize": {"opacity": 1}}, "colorize"),
    ({"watermark_text": "abc"}, "watermark_text"),
    ({"video_thumbnail_second": 1}, "video_thumbnail_second"),
    ({"blur_detections": {"sigma": 1}}, "blur_detections"),
]
SCRIPT = """
const { generateImageUrl, generateImageInfoUrl } = require("@imgproxy/imgproxy-node");
const { given, url, info, ...said } = JSON.parse(require("node:fs").readFileSync(0));
const forms = ["plain", "base64", "encrypted"];
const made = given.map((options) =>
  forms.map((displayAs) => generateImageUrl({ ...said, options, url: { value: url, displayAs } })));
console.log(JSON.stringify({ made, info: generateImageInfoUrl({ ...said, options: info, url }) }));
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the URLs that imgproxy's own JavaScript client builds."""
    npm, program = shutil.which("npm"), shutil.which("node")
    if not npm or not program:
        pytest.skip("There is no node or no npm")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text("{}")
    (folder / "urls.cjs").write_text(SCRIPT)
    said = {
        "given": [o for o, _ in (*SAID, *OUT)],
        "url": SIMPLE,
        "info": {"exif": 0, "blurhash": {"x_components": 4, "y_components": 3}},
    }
    said |= {"endpoint": HOST, "key": KEY, "salt": SALT, "encryptKey": SECRET.hex(), "encryptIV": "00" * 16}
    try:
        words = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "@imgproxy/imgproxy-node@1.1.0"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm can't install the client: {error}")
    done = subprocess.run([program, "urls.cjs"], cwd=folder, input=json.dumps(said), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_the_javascript_client_is_understood(node: dict[str, Any]) -> None:
    for (said, options), made in zip(SAID, node["made"], strict=False):
        found = [read(url, Grammar(encryption_key=SECRET)) for url in made]
        assert found == [ImageUrl(options, SIMPLE)] * 3, said


@pytest.mark.slow
def test_what_the_javascript_client_may_ask_in_vain_is_refused_by_name(node: dict[str, Any]) -> None:
    for (_, name), made in zip(OUT, node["made"][len(SAID) :], strict=True):
        for url in made:
            with pytest.raises(FoveolaError) as refused:
                read(url)
            assert refused.value.public == f"Option {name} is not supported by this server"


@pytest.mark.slow
def test_the_javascript_client_asks_for_information(node: dict[str, Any]) -> None:
    signature, path = urls.split(node["info"].removeprefix(HOST), "/info")

    urls.verify(signature, path, KEYS)
    assert urls.parse_info(path) == urls.InfoUrl(InfoOptions(exif=False, blurhash=(4, 3)), SIMPLE)
