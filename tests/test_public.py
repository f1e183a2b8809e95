"""The public names are a promise: these twelve, each lazy, and the version of the distribution."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import foveola

NAMES = {
    "Autoquality",
    "FoveolaError",
    "Picture",
    "Result",
    "Score",
    "Search",
    "__version__",
    "compare",
    "curve",
    "decode",
    "encode",
    "find",
}


def test_the_public_names_are_pinned() -> None:
    assert set(foveola.__all__) == NAMES
    assert set(dir(foveola)) == NAMES
    assert len(NAMES) <= 12


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(foveola, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'encoder'"):
        _ = foveola.encoder


def test_importing_the_package_loads_no_array_and_no_codec() -> None:
    code = "import sys, foveola; print(sorted({'numpy', 'PIL', 'pyvips', 'click'} & set(sys.modules)))"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert seen.stdout.strip() == "[]"


def test_the_version_is_the_distributions() -> None:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]

    assert foveola.__version__ == project["version"]
