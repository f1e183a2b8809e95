"""What all tests share: hypothesis without a clock, and the sample pictures, drawn once."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

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
