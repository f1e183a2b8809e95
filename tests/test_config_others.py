"""Variables of imgproxy that do nothing here say so, those that can't be kept stop the start, old names are read."""

from __future__ import annotations

import pytest

from foveola.config import ACCEPTED, OTHERS, REFUSED, RENAMED, SETTINGS, Settings, examine
from foveola.config.others import is_default
from foveola.variables import Setting


def environ(**said: str) -> dict[str, str]:
    return {f"IMGPROXY_{name}": value for name, value in said.items()}


@pytest.mark.parametrize("row", OTHERS, ids=lambda row: row.name)
def test_another_value_than_the_default_is_told_with_the_reason(row: Setting) -> None:
    found = examine({row.name: "sesame"})
    sentences = found.warnings if row.status == "accepted" else found.problems

    assert row.doc.endswith(".")
    assert [sentence for sentence in sentences if sentence.startswith(row.name) and row.doc[:-1] in sentence] != []
    assert (found.problems == ()) == (row.status == "accepted")
    assert "sesame" not in "".join(sentences)
    assert found.settings == Settings()


@pytest.mark.parametrize("row", [row for row in OTHERS if row.default], ids=lambda row: row.name)
def test_the_default_is_no_news(row: Setting) -> None:
    found = examine({row.name: row.default})

    assert (found.problems, found.warnings) == ((), ())


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "False", "false"])
def test_no_is_no_however_it_is_written(text: str) -> None:
    assert examine(environ(USE_SWIFT=text, LOG_MEM_STATS=text)).problems == ()
    assert examine(environ(USE_SWIFT=text, LOG_MEM_STATS=text)).warnings == ()


def test_a_number_is_no_word_for_no() -> None:
    (zero,) = (row for row in OTHERS if row.name == "IMGPROXY_SWIFT_AUTH_VERSION")

    assert is_default(zero, "0")
    assert not is_default(zero, "false")


def test_a_variable_is_in_one_place_of_the_table() -> None:
    names = [*(row.name for row in SETTINGS), *(row.name for row in OTHERS), *RENAMED]

    assert sorted(names) == sorted(set(names))
    assert len(OTHERS) == sum(len(names.split()) for names in (*ACCEPTED, *REFUSED))
    assert set(RENAMED.values()) <= {row.name for row in SETTINGS}


GOOD = {
    "IMGPROXY_WORKERS": "3",
    "IMGPROXY_READ_REQUEST_TIMEOUT": "3",
    "IMGPROXY_TIMEOUT": "3",
    "IMGPROXY_UNSHARP_MASKING_MODE": "always",
    "IMGPROXY_UNSHARP_MASKING_WEIGHT": "3",
    "IMGPROXY_UNSHARP_MASKING_DIVIDER": "3",
    "IMGPROXY_AUTO_WEBP": "true",
    "IMGPROXY_AUTO_AVIF": "true",
    "IMGPROXY_MAX_ANIMATION_FRAMES": "3",
    "IMGPROXY_ML_NUM_STREAMS": "3",
}


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_earlier_name_is_read_with_a_warning(old: str, new: str) -> None:
    found = examine({old: GOOD[new]})

    assert found.settings == Settings.from_env({new: GOOD[new]}) != Settings()
    assert found.warnings == (f"{old} is an earlier name: say {new}",)
    assert found.origins == {new: f"environment ({old})"}


def test_the_later_name_counts() -> None:
    found = examine(environ(CONCURRENCY="3", WORKERS="4"))

    assert found.settings.server.workers == 4
    assert found.warnings == (
        "IMGPROXY_CONCURRENCY is an earlier name of IMGPROXY_WORKERS, which is set too and is what counts",
    )


def test_an_earlier_name_that_is_empty_is_not_set() -> None:
    assert examine(environ(CONCURRENCY="")).warnings == ()


def test_a_bad_value_is_named_as_it_was_said() -> None:
    assert examine(environ(CONCURRENCY="many")).problems == (
        'Expected integer 0 or more for IMGPROXY_CONCURRENCY, got "many"',
    )


def test_earlier_names_can_stop_the_start() -> None:
    found = examine(environ(CONCURRENCY="3", FAIL_ON_DEPRECATION="true", LICENSE_KEY="x"))

    assert found.problems == ("IMGPROXY_CONCURRENCY is an earlier name: say IMGPROXY_WORKERS",)
    assert len(found.warnings) == 1
