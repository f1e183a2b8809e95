"""The server with networks: the fourth block of imgproxy's page, bad files at start, and who loads what.

The block is letter for letter that of the page. Its paths begin at the root of the system, so that it is run where the
root is another: all folders of this one, and `/networks`. Where that can't be had its paths are moved, too.
Source: https://docs.imgproxy.net/features/autoquality
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import chelsea

from foveola import sandbox
from foveola.codecs import codec
from foveola.config import Settings
from foveola.decisions.page import key_of
from foveola.errors import ConfigError
from foveola.networks import digest
from foveola.picture import Picture
from foveola.pipeline import Defaults, plan, saving
from foveola.sandbox import Fence
from foveola.server import networks
from foveola.server.networks import check
from foveola.settings import BEST_JPEG, make_settings
from foveola.transform.load import header_of
from foveola.urls import parse
from tests.graphs import logits, scalar, write
from tests.serving import _MAIN, Served, inside, serving

BLOCK = """
IMGPROXY_AUTOQUALITY_METHOD="ml"
IMGPROXY_AUTOQUALITY_TARGET=0.02
IMGPROXY_AUTOQUALITY_ALLOWED_ERROR=0.001
IMGPROXY_AUTOQUALITY_MIN=70
IMGPROXY_AUTOQUALITY_MAX=80
IMGPROXY_AUTOQUALITY_FORMAT_MIN="avif=40"
IMGPROXY_AUTOQUALITY_FORMAT_MAX="avif=50"
IMGPROXY_AUTOQUALITY_JPEG_NET="/networks/autoquality-jpeg.pb"
IMGPROXY_AUTOQUALITY_WEBP_NET="/networks/autoquality-webp.pb"
IMGPROXY_AUTOQUALITY_AVIF_NET="/networks/autoquality-avif.pb"
"""
_FOVEOLA = str(Path(sys.executable).with_name("foveola"))
BRIGHTNESS = {"jpeg": 0.62, "webp": 0.6, "avif": 1.04}
"""What the picture's brightness is divided by, so that each network says a quality within the bounds."""


_ELSEWHERE = """
root=$1 networks=$2; shift 2
for at in /*; do
  if [ -L "$at" ]; then cp -P "$at" "$root$at"
  elif [ -d "$at" ]; then mkdir "$root$at" && mount --rbind "$at" "$root$at" || exit; fi
done
mkdir -p "$root/networks" && mount --bind "$networks" "$root/networks" || exit
exec chroot "$root" sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
"""
"""Runs a command where the system's root is another folder; what is mounted ends with it, and nobody else sees it."""


def elsewhere(root: Path, networks: Path) -> list[str]:
    """Return what has to stand before a command that sees `networks` as `/networks`; skip where nothing can do that."""
    for options in ("-m", "-Urm"):
        tried, root = root / options, root / f"{options}-"
        for empty in (tried, root):
            empty.mkdir(parents=True)
        command = ["unshare", options, "sh", "-c", _ELSEWHERE, "sh"]
        if not subprocess.run([*command, str(tried), str(networks), "true"], capture_output=True).returncode:
            return [*command, str(root), str(networks)]
    pytest.skip("this system gives no namespace of mounts")


def block() -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(BLOCK))


def variables(folder: Path, **changes: str) -> dict[str, str]:
    """Return the block with its paths moved into a folder, and changes."""
    moved = {name: value.replace("/networks", str(folder / "networks")) for name, value in block().items()}
    return moved | {f"IMGPROXY_{name}": value for name, value in changes.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture, and a folder with the three networks of the block."""
    root = tmp_path_factory.mktemp("block")
    Image.fromarray(chelsea()).save(root / "photo.png")
    (root / "networks").mkdir()
    for format, most in BRIGHTNESS.items():
        write(logits(most=most), root / "networks" / f"autoquality-{format}.pb")
    return root


def served_by(folder: Path, where: Path, environ: dict[str, str], before: Sequence[str] = ()) -> Iterator[Served]:
    settings = {"LOCAL_FILESYSTEM_ROOT": str(folder), "ENABLE_DEBUG_HEADERS": "true", "WORKERS": "1"}
    with serving(where, environ, before=before, **settings) as served:
        yield served


def served_as(
    written: str, folder: Path, tmp_path_factory: pytest.TempPathFactory, changes: dict[str, str]
) -> Iterator[Served]:
    """Serve with the block as it is written, or with its paths moved."""
    where = tmp_path_factory.mktemp("server")
    if written == "moved":
        yield from served_by(folder, where, variables(folder) | changes)
        return
    before = elsewhere(tmp_path_factory.mktemp("root"), folder / "networks")
    yield from served_by(folder, where, block() | changes, before)


@pytest.fixture(scope="module", params=["as it is", "moved"])
def verified(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A server with the block."""
    yield from served_as(request.param, folder, tmp_path_factory, {})


@pytest.fixture(scope="module", params=["as it is", "moved"])
def trusted(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the block, an allowed error of 1, and settings of JPEG that method ml ignores."""
    changes = {"AUTOQUALITY_ALLOWED_ERROR": "1", "JPEG_PROGRESSIVE": "false", "JPEG_QUANT_TABLE": "0"}
    environ = {f"IMGPROXY_{name}": value for name, value in changes.items()}
    yield from served_as(request.param, folder, tmp_path_factory, environ)


@pytest.mark.parametrize("format", BRIGHTNESS)
def test_the_fourth_block_verifies_what_its_networks_say(verified: Served, format: str) -> None:
    reply = verified.get(f"/unsafe/plain/local:///photo.png@{format}")

    assert reply.status == 200
    facts = reply.autoquality
    assert facts["method"] == "ml"
    assert 0 < float(facts["dssim"]) < 0.1
    low, high = (40, 50) if format == "avif" else (70, 80)
    assert low <= int(facts["quality"]) <= high
    assert facts["why"] in ("met", "at_min", "at_max", "between_steps")


@pytest.mark.parametrize("format", BRIGHTNESS)
def test_with_an_allowed_error_of_1_what_they_say_is_what_is_served(trusted: Served, format: str) -> None:
    reply = trusted.get(f"/unsafe/plain/local:///photo.png@{format}")

    said = round(100 * chelsea().mean() / 255 / BRIGHTNESS[format]) + 1
    facts = reply.autoquality
    found = codec(format)
    settings = BEST_JPEG if format == "jpeg" else make_settings(format, {})
    low, high = (40, 50) if format == "avif" else (70, 80)
    quality = min(max(said, low), high)
    assert low < quality < high
    assert abs(int(facts.pop("quality")) - quality) <= 1
    assert facts == {"method": "ml", "bytes": str(len(reply.body)), "encodes": "1", "why": "trusted"}
    picture = Picture(chelsea()[None])
    files = [found.encode(picture, near, settings) for near in (quality - 1, quality, quality + 1)]
    assert reply.body in files


def test_the_front_never_loads_the_runtime_and_workers_do_when_they_need_it(verified: Served) -> None:
    verified.get("/unsafe/plain/local:///photo.png@webp")

    assert b"openvino" not in inside(verified.process.pid, "maps")
    assert b"openvino" not in inside(verified.forkserver, "maps")
    assert all(b"openvino" in inside(pid, "maps") for pid in verified.workers)


def test_a_url_with_another_method_needs_no_network(verified: Served) -> None:
    facts = verified.get("/unsafe/aq:dssim:0.02/plain/local:///photo.png@webp").autoquality

    assert facts["method"] == "dssim"


@pytest.mark.parametrize("word", ["", "none"])
def test_ours_and_none_serve(word: str, folder: Path, tmp_path: Path) -> None:
    environ = {f"IMGPROXY_AUTOQUALITY_{format}_NET": word for format in ("JPEG", "WEBP", "AVIF", "JXL")}
    for served in served_by(folder, tmp_path, environ):
        for format in ("jpeg", "webp", "avif", "jxl"):
            facts = served.get(f"/unsafe/aq:ml:0.02:1:100:0.004/plain/local:///photo.png@{format}").autoquality
            assert (facts["method"], facts["met"]) == ("ml", "true")


def test_networks_that_can_not_be_used_stop_the_server_at_its_start(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.pb").write_bytes((folder / "networks" / "autoquality-jpeg.pb").read_bytes()[:200])
    wrong = write(scalar(416), tmp_path / "wrong.pb", {"head": "logits"})
    environ = {**os.environ, **variables(folder), "IMGPROXY_BIND": "127.0.0.1:0"}
    environ |= {
        "IMGPROXY_AUTOQUALITY_JPEG_NET": str(tmp_path / "cut.pb"),
        "IMGPROXY_AUTOQUALITY_AVIF_NET": str(wrong),
        "IMGPROXY_AUTOQUALITY_JXL_NET": str(tmp_path / "missing.onnx"),
    }

    done = subprocess.run([sys.executable, "-c", _MAIN], env=environ, capture_output=True, text=True, timeout=60)

    assert done.returncode != 0
    for name, found in (
        ("JPEG", "can't be read as either"),
        ("AVIF", "1 outputs where"),
        ("JXL", "missing.onnx: no such file"),
    ):
        line = next(line for line in done.stderr.splitlines() if f"for IMGPROXY_AUTOQUALITY_{name}_NET, got" in line)
        assert found in line
    assert "WEBP_NET" not in done.stderr
    assert "GraphDef" not in done.stderr


def test_a_trial_that_breaks_says_why() -> None:
    """OpenVINO's words are left out, not ours."""
    command = [sys.executable, "-P", "-m", "foveola.server.networks", Fence().written()]
    done = subprocess.run(command, input="{", capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert "JSONDecodeError" in done.stderr


_HOSTILE = """
import logging, os, signal, socket, subprocess
def attempt(name, act):
    try:
        act()
    except OSError:
        name = "refused " + name
    logging.warning("OPENVINO %s", name)
attempt("network", lambda: open(os.environ["TMPDIR"] + "/net.pb").close())
attempt("secret", lambda: open(os.environ["TMPDIR"] + "/secret").close())
attempt("front", lambda: open(f"/proc/{os.getppid()}/environ").close())
attempt("writing", lambda: open(os.environ["TMPDIR"] + "/new", "w").close())
attempt("socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close())
attempt("signal", lambda: os.kill(os.getppid(), 0))
attempt("program", lambda: subprocess.run(["true"]))
logging.warning("OPENVINO %s", sorted(set(os.environ) & {"IMGPROXY_KEY", "AWS_SECRET_ACCESS_KEY"}))
"""
"""A library that a network has taken over as soon as it is asked to read one."""


@pytest.mark.parametrize("mode", ["on", "off"])
def test_a_network_that_takes_the_library_over_gets_nothing(
    mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = tmp_path / "library" / "openvino"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text(_HOSTILE)
    (tmp_path / "secret").write_bytes(b"x")
    write(logits(), tmp_path / "net.pb")
    environ = dict(os.environ, TMPDIR=str(tmp_path), IMGPROXY_KEY="aa", AWS_SECRET_ACCESS_KEY="b")
    environ["PYTHONPATH"] = f"{library.parent}:{environ.get('PYTHONPATH', '')}"
    settings = {"FOVEOLA_SANDBOX": mode, "IMGPROXY_AUTOQUALITY_WEBP_NET": str(tmp_path / "net.pb")}
    if not {"landlock", "seccomp"} <= sandbox.available():
        pytest.skip("this kernel has not every layer")

    with pytest.raises(ConfigError, match="IMGPROXY_AUTOQUALITY_WEBP_NET"):
        check(Settings.from_env(settings), environ)

    said = re.findall(r"OPENVINO (.*)", caplog.text)
    forbidden = ["secret", "front", "writing", "socket", "signal", "program"]
    assert said == ["network", *(name if mode == "off" else f"refused {name}" for name in forbidden), "[]"]


@pytest.mark.parametrize("written", ["", "null", '{"a": 1}', "[1]"])
def test_what_the_trial_says_is_looked_at(written: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(networks, "_tried", lambda *_: written.encode())
    settings = Settings.from_env({"IMGPROXY_AUTOQUALITY_WEBP_NET": str(tmp_path / "net.pb")})

    with pytest.raises(ConfigError, match="can't be tried"):
        check(settings, {})


def test_problems_of_all_kinds_are_told_together(folder: Path, tmp_path: Path) -> None:
    """What can't be read, and what can't be used: a server that starts after the fourth try has wasted three."""
    environ = {**os.environ, **variables(folder), "IMGPROXY_BIND": "127.0.0.1:0"}
    environ |= {
        "IMGPROXY_QUALITY": "good",
        "IMGPROXY_LOCAL_FILESYSTEM_ROOT": str(tmp_path / "pictures"),
        "FOVEOLA_DECISIONS": str(tmp_path / "there" / "decisions.sqlite"),
        "IMGPROXY_AUTOQUALITY_JPEG_NET": str(tmp_path),
        "IMGPROXY_AUTOQUALITY_WEBP_NET": str(tmp_path / "missing.pb"),
    }
    done = subprocess.run([_FOVEOLA, "serve"], env=environ, capture_output=True, text=True, timeout=60)

    assert done.returncode != 0
    assert re.findall(r"^foveola: Expected .* for (\w+), got", done.stderr, re.MULTILINE) == [
        "IMGPROXY_QUALITY",
        "IMGPROXY_LOCAL_FILESYSTEM_ROOT",
        "FOVEOLA_DECISIONS",
        "IMGPROXY_AUTOQUALITY_JPEG_NET",
        "IMGPROXY_AUTOQUALITY_WEBP_NET",
    ]
    assert "Traceback" not in done.stderr


def test_what_is_remembered_depends_on_the_network(folder: Path, tmp_path: Path) -> None:
    header = header_of((folder / "photo.png").read_bytes())
    options = parse("aq:ml:0.02:70:80/plain/local:///photo.png@webp").options
    path = write(scalar(416), tmp_path / "net.pb")

    def goal_of(networks: dict[str, str]) -> str:
        digest.cache_clear()
        made = plan(header, options, Defaults(networks=networks))
        return key_of(made, saving(made, made.geometry.result, False)).goal

    before = goal_of({"webp": str(path)})
    write(logits(), path)

    assert len({before, goal_of({"webp": str(path)}), goal_of({}), goal_of({"webp": "none"})}) == 4
