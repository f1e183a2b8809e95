"""Values are read as Go's `strconv` reads them, and written so that they are read back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveola import kinds
from foveola.kinds import Kind


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (kinds.integer(), "0", 0),
        (kinds.integer(), "+07", 7),
        (kinds.integer(1, 100), "100", 100),
        (kinds.number(), "1e2", 100.0),
        (kinds.number(), ".5", 0.5),
        (kinds.number(0, 1), "1.", 1.0),
        (kinds.BOOLEAN, "T", True),
        (kinds.BOOLEAN, "False", False),
        (kinds.LENIENT_BOOLEAN, "yes", False),
        (kinds.word("fit", "fill"), "fill", "fill"),
        (kinds.FORMAT, "jpg", "jpeg"),
        (kinds.FORMAT, "heic", "heic"),
        (kinds.HEX, "00fF", b"\x00\xff"),
        (kinds.listed(kinds.integer()), " 1, 2,,3 ", (1, 2, 3)),
        (kinds.pairs(kinds.FORMAT, kinds.integer(1, 100)), "jpg=80 , avif = 50", {"jpeg": 80, "avif": 50}),
    ],
)
def test_a_text_is_a_value(kind: Kind[Any], text: str, value: object) -> None:
    assert kind.read(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (kinds.integer(), ""),
        (kinds.integer(), " 1"),
        (kinds.integer(), "1_0"),
        (kinds.integer(), "1.0"),
        (kinds.integer(), "-1"),
        (kinds.integer(1, 100), "101"),
        (kinds.integer(), "9" * 19),
        (kinds.integer(), "٣"),
        (kinds.number(), "nan"),
        (kinds.number(), "inf"),
        (kinds.number(), "1e999"),
        (kinds.number(), "1_0"),
        (kinds.number(), "0x10"),
        (kinds.BOOLEAN, "yes"),
        (kinds.word("fit"), "Fit"),
        (kinds.FORMAT, "JPEG"),
        (kinds.HEX, "xy"),
        (kinds.HEX, "abc"),
        (kinds.pairs(kinds.FORMAT, kinds.integer()), "webp"),
        (kinds.pairs(kinds.FORMAT, kinds.integer()), "nope=80"),
        (kinds.pairs(kinds.FORMAT, kinds.integer(1, 100)), "webp=0"),
    ],
)
def test_another_text_is_none(kind: Kind[Any], text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the caller says what is wrong with which name
        kind.read(text)


@given(st.integers(0, 10**18 - 1), st.floats(0, 1e300), st.booleans(), st.binary())
def test_what_is_written_is_read_back(whole: int, real: float, truth: bool, data: bytes) -> None:
    cases: list[tuple[Kind[Any], Any]] = [
        (kinds.integer(), whole),
        (kinds.number(), real),
        (kinds.BOOLEAN, truth),
        (kinds.HEX, data),
        (kinds.listed(kinds.integer()), (whole, 0)),
        (kinds.pairs(kinds.FORMAT, kinds.number()), {"webp": real}),
    ]

    for kind, value in cases:
        assert kind.read(kind.write(value)) == value
