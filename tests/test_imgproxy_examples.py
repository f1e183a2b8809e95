"""The eight examples of imgproxy's page on autoquality serve a real picture as what they say.

Four blocks of settings and four options of URLs, letter for letter, each as JPEG, WebP and AVIF; what is served is
measured again from outside, by scikit-image. Source: https://docs.imgproxy.net/features/autoquality
"""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.data import chelsea
from skimage.metrics import structural_similarity

from foveola.config import Settings
from foveola.goal import Autoquality, Bounds
from foveola.picture import Header
from foveola.pipeline import plan, saving
from foveola.transform.load import header_of
from foveola.urls import parse
from tests.serving import Reply, Served, serving

NONE = """
IMGPROXY_AUTOQUALITY_METHOD="none"
"""
SIZE = """
IMGPROXY_AUTOQUALITY_METHOD="size"
IMGPROXY_AUTOQUALITY_TARGET=10240
IMGPROXY_AUTOQUALITY_MIN=10
IMGPROXY_AUTOQUALITY_MAX=80
IMGPROXY_AUTOQUALITY_FORMAT_MAX="avif=50"
"""
DSSIM = """
IMGPROXY_AUTOQUALITY_METHOD="dssim"
IMGPROXY_AUTOQUALITY_TARGET=0.02
IMGPROXY_AUTOQUALITY_ALLOWED_ERROR=0.001
IMGPROXY_AUTOQUALITY_MIN=70
IMGPROXY_AUTOQUALITY_MAX=80
IMGPROXY_AUTOQUALITY_FORMAT_MIN="avif=40"
IMGPROXY_AUTOQUALITY_FORMAT_MAX="avif=50"
"""
ML = """
IMGPROXY_AUTOQUALITY_METHOD="ml"
IMGPROXY_AUTOQUALITY_TARGET=0.02
IMGPROXY_AUTOQUALITY_ALLOWED_ERROR=0.001
IMGPROXY_AUTOQUALITY_MIN=70
IMGPROXY_AUTOQUALITY_MAX=80
IMGPROXY_AUTOQUALITY_FORMAT_MIN="avif=40"
IMGPROXY_AUTOQUALITY_FORMAT_MAX="avif=50"
"""
BLOCKS = {"none": NONE, "size": SIZE, "dssim": DSSIM, "ml": ML}
OPTIONS = {
    "none": "autoquality:none",
    "size": "autoquality:size:10240:10:80",
    "dssim": "autoquality:dssim:0.02:70:80:0.001",
    "ml": "autoquality:ml:0.02:70:80:0.001",
}
FORMATS = ("jpeg", "webp", "avif")
ORDINARY = {"jpeg": 80, "webp": 79, "avif": 63}


def goal(method: str, format: str, *, configured: bool) -> Autoquality | None:
    """Return what an example says; its bounds for AVIF are the block's own where the block has some."""
    avif = configured and format == "avif"
    if method == "none":
        return None
    if method == "size":
        return Autoquality("size", 10240, Bounds(10, 50 if avif else 80), 0.002)
    return Autoquality("ml" if method == "ml" else "dssim", 0.02, Bounds(40, 50) if avif else Bounds(70, 80), 0.001)


def variables(block: str) -> dict[str, str]:
    """Read a block as a shell would."""
    return dict(word.split("=", 1) for word in shlex.split(block))


def luma(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB").convert("L"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one picture, of which the file is what goes into the encoder."""
    root = tmp_path_factory.mktemp("pictures")
    Image.fromarray(chelsea()).save(root / "photo.png")
    return root


@pytest.fixture(scope="module", params=BLOCKS)
def configured(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Served]]:
    """A server with one block of settings."""
    block = {name.removeprefix("IMGPROXY_"): value for name, value in variables(BLOCKS[request.param]).items()}
    block |= {"LOCAL_FILESYSTEM_ROOT": str(folder), "ENABLE_DEBUG_HEADERS": "true", "WORKERS": "1"}
    with serving(tmp_path_factory.mktemp("server"), **block) as served:
        yield request.param, served


def check(reply: Reply, asked: Autoquality | None, format: str, original: bytes) -> None:
    """Hold what was served against what was asked for."""
    assert reply.status == 200
    assert reply.headers["content-type"] == f"image/{format}"
    assert header_of(reply.body).format == format
    facts = reply.autoquality
    if asked is None:
        assert facts == {}
        return
    quality = int(facts["quality"])
    assert facts["method"] == asked.method
    assert asked.bounds.min <= quality <= asked.bounds.max
    assert int(facts["bytes"]) == len(reply.body)
    if asked.method == "size":
        assert (len(reply.body) <= asked.target) == (facts["met"] == "true")
        assert facts["met"] == "true" or quality == asked.bounds.min
        return
    ssim = structural_similarity(
        luma(original), luma(reply.body), gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    dssim = (1 - ssim) / 2
    assert abs(float(facts["dssim"]) - dssim) <= 0.0003
    assert (abs(dssim - asked.target) <= asked.allowed_error + 0.0003) or facts["met"] == "false"
    missed = {"at_min": quality == asked.bounds.min, "at_max": quality == asked.bounds.max, "between_steps": True}
    assert facts["met"] == "true" or missed[facts["why"]]


@pytest.mark.parametrize("format", FORMATS)
def test_a_block_of_settings_serves_what_it_says(configured: tuple[str, Served], folder: Path, format: str) -> None:
    method, served = configured

    reply = served.get(f"/unsafe/plain/local:///photo.png@{format}")

    check(reply, goal(method, format, configured=True), format, (folder / "photo.png").read_bytes())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("method", OPTIONS)
def test_an_option_serves_what_it_says_whatever_is_configured(
    configured: tuple[str, Served], folder: Path, method: str, format: str
) -> None:
    block, served = configured

    reply = served.get(f"/unsafe/{OPTIONS[method]}/plain/local:///photo.png@{format}")

    asked = goal(method, format, configured=False)
    check(reply, asked, format, (folder / "photo.png").read_bytes())
    if asked is None:
        explicit = served.get(f"/unsafe/aq:none/q:{ORDINARY[format]}/plain/local:///photo.png@{format}")
        assert explicit.body == reply.body, block


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("method", BLOCKS)
def test_method_target_bounds_and_error_are_those_of_the_example(method: str, format: str) -> None:
    header = Header("png", 451, 300, 3, alpha=False)
    blank = parse(f"plain/local:///photo.png@{format}").options
    said = parse(f"{OPTIONS[method]}/plain/local:///photo.png@{format}").options

    by_block = plan(header, blank, Settings.from_env(variables(BLOCKS[method])).defaults)
    by_option = plan(header, said, Settings().defaults)

    for planned, configured in ((by_block, True), (by_option, False)):
        made = saving(planned, planned.geometry.result, False)
        asked = goal(method, format, configured=configured)
        assert made.searched == (asked is not None)
        assert asked is None or made.goal == asked
        assert made.quality == (ORDINARY[format] if asked is None else None)


def test_method_ml_writes_progressive_jpeg(configured: tuple[str, Served]) -> None:
    method, served = configured
    reply = served.get("/unsafe/plain/local:///photo.png@jpeg")

    assert (Image.open(io.BytesIO(reply.body)).info.get("progressive") == 1) == (method == "ml")
