"""What all tests share: hypothesis without a clock, the sample pictures, drawn once, and what servers serve."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.serving import Origin, origin, write_pictures

# A deadline measures the machine, not the code: two busy cores must not fail a law.
hypothesis.settings.register_profile("foveola", deadline=None, print_blob=True)
hypothesis.settings.load_profile("foveola")


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sample pictures."""
    from foveola.samples import write_samples

    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures and with files that are none."""
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def elsewhere(folder: Path) -> Iterator[Origin]:
    """Another server that has the pictures too."""
    with origin(cat_jpg=(folder / "cat.jpg").read_bytes()) as told:
        yield told
