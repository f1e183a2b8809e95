"""The doctor: it says what is there, and what is missing is a row."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from foveola import __version__, codecs, doctor, kernels, networks
from foveola.cli import main
from foveola.foresight.fitted import numbers
from foveola.picture import FORMATS


def test_every_format_is_read_and_written_by_a_whole_installation() -> None:
    report = doctor.examine()

    assert report.formats_in == tuple(FORMATS)
    assert report.formats_out == tuple(name for name, format in FORMATS.items() if format.written)
    assert report.problems == {}


def test_versions_are_those_of_the_libraries() -> None:
    report = doctor.examine()

    assert report.foveola == __version__
    assert report.python.startswith(sys.version.split()[0])
    assert report.kernels == kernels.status().name
    assert report.libraries["pillow"] == version("pillow")
    assert [name for name, found in report.libraries.items() if not found] == []


def test_the_versions_of_libraries_inside_of_others_are_told_or_unknown() -> None:
    found = doctor.examine().libraries

    for name in ("libpng", "libjxl"):
        assert re.fullmatch(r"\d+\.\d+\.\d+", found[name] or ""), "of the wheels that are installed here"
    for name in ("libtiff", "libheif"):
        assert found[name] == f"in libvips {found['libvips']}"


@pytest.mark.parametrize("package", ["no-such-package", "numpy"])
def test_a_version_that_no_library_tells_is_unknown(package: str) -> None:
    assert doctor._told_by(package, "", rb"(never told \d)") == "unknown"


def test_a_codec_that_does_not_load_costs_its_format_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def codec(name: str) -> codecs.Codec:
        if name == "jxl":
            raise ImportError("No module named 'pillow_jxl'")
        return whole(name)

    whole = codecs.codec
    monkeypatch.setattr(codecs, "codec", codec)

    report = doctor.examine()

    assert set(codecs.NAMES) - set(report.formats_out) == {"jxl"}
    assert set(FORMATS) - set(report.formats_in) == {"jxl"}
    assert report.problems == {"jxl": "ImportError: No module named 'pillow_jxl'"}


def test_a_missing_library_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.LIBRARIES, "pillow-jxl-plugin", lambda: version("no-such-package"))

    report = doctor.examine()

    assert report.libraries["pillow-jxl-plugin"] is None
    assert "no-such-package" in report.problems["pillow-jxl-plugin"]


def test_an_encoder_of_another_version_than_fitted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.examine().misfits == {}
    assert re.search("^fitted for +these encoders$", CliRunner().invoke(main, ["doctor"]).stdout, re.M)
    fitted = numbers()["versions"]["libwebp"]
    monkeypatch.setitem(doctor.LIBRARIES, "libwebp", lambda: "9.9")

    assert doctor.examine().misfits == {"libwebp": fitted}
    assert re.search(f"^fitted for +libwebp {fitted}$", CliRunner().invoke(main, ["doctor"]).stdout, re.M)


def test_the_networks_that_came_with_us_are_tried() -> None:
    report = doctor.examine()
    found = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in networks.SHIPPED.glob("*.pb")}

    assert report.networks == found
    assert set(found) == set(networks.FORMATS)
    assert re.search(rf"^network webp +{found['webp'][:16]}$", CliRunner().invoke(main, ["doctor"]).stdout, re.M)


def test_without_the_extra_networks_can_not_be_run_which_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "available", lambda: False)

    report = doctor.examine()

    assert report.libraries["openvino"] is None
    assert set(report.networks.values()) == {"no_ml_extra"}
    assert report.problems == {}
    assert re.search(r"^openvino +missing$", CliRunner().invoke(main, ["doctor"]).stdout, re.M)


def test_a_damaged_network_is_a_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(networks.SHIPPED, tmp_path / "shipped")
    (tmp_path / "shipped" / "avif.pb").write_bytes(b"")
    monkeypatch.setattr(networks, "SHIPPED", tmp_path / "shipped")

    report = doctor.examine()

    assert [name for name, found in report.networks.items() if found == "network_damaged"] == ["avif"]
    assert list(report.problems) == ["network avif"]
    assert "Expected sha256 " in report.problems["network avif"]


def test_the_command_prints_a_table_or_json() -> None:
    shown = CliRunner().invoke(main, ["doctor"])
    told = json.loads(CliRunner().invoke(main, ["doctor", "--json"]).stdout)

    assert shown.exit_code == 0
    assert re.search(rf"^kernels +{kernels.status().name} \(", shown.stdout, re.M)
    assert told["kernels"] in ("c", "numpy")
    assert told["formats_in"] == list(FORMATS)
    assert told["formats_out"] == list(codecs.NAMES)
