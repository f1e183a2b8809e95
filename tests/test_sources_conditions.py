"""Clients that have a file already are told so, and may ask for a part of one that is passed on as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveola.sources.base import Ask
from foveola.sources.conditions import http_date, not_modified, read_date, span

THEN = 784_111_777  # RFC 9110 writes this time


def test_a_date_is_written_as_http_has_it() -> None:
    assert http_date(THEN + 0.9) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert http_date(-1) == http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert http_date(1e15) == "Fri, 31 Dec 9999 23:59:59 GMT"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT", "\0", "Mon, 1 Jan 99999999999 00:00:00 GMT"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text) is None


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, False),
        ({"if-none-match": '"a"'}, True),
        ({"if-none-match": 'W/"a"'}, True),
        ({"if-none-match": '"b", W/"a"'}, True),
        ({"if-none-match": " * "}, True),
        ({"if-none-match": '"b"'}, False),
        ({"if-none-match": "a"}, False),
        ({"if-none-match": '"aa"'}, False),
        ({"if-modified-since": "Sun, 06 Nov 1994 08:49:37 GMT"}, True),
        ({"if-modified-since": "Sun, 06 Nov 1994 08:49:38 GMT"}, True),
        ({"if-modified-since": "Sun, 06 Nov 1994 08:49:36 GMT"}, False),
        ({"if-modified-since": "soon"}, False),
        ({"if-none-match": '"b"', "if-modified-since": "Sun, 06 Nov 1994 08:49:37 GMT"}, False),
    ],
)
def test_a_version_is_known_by_its_tag_or_else_its_date(headers: dict[str, str], answer: bool) -> None:
    assert not_modified(Ask(tuple(headers.items())), '"a"', THEN + 0.5) is answer


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=3-5", (3, 6)),
        ("bytes=3-", (3, 10)),
        ("bytes=-4", (6, 10)),
        ("bytes=-40", (0, 10)),
        ("bytes=8-99", (8, 10)),
        ("bytes=10-", (10, 10)),
        ("bytes=10-12", (10, 10)),
        ("bytes=-0", (10, 10)),
        ("bytes=5-3", None),
        ("bytes=15-13", None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        (f"bytes=0-{'9' * 5000}", None),
        ("lines=0-1", None),
    ],
)
def test_a_part_is_what_is_asked_for(text: str, part: tuple[int, int] | None) -> None:
    assert span(Ask((("range", text),), raw=True), 10) == part
    assert span(Ask((("range", text),)), 10) is None


@given(first=st.none() | st.integers(0, 30), last=st.none() | st.integers(0, 30), size=st.integers(0, 20))
def test_a_part_is_what_a_slice_would_be(first: int | None, last: int | None, size: int) -> None:
    data = bytes(range(size))
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"

    part = span(Ask((("range", text),), raw=True), size)

    if first is None:
        whole, wanted = last is None, data[max(size - (last or 0), 0) :]
    else:
        whole, wanted = last is not None and last < first, data[first : None if last is None else last + 1]
    assert (part is None) == whole
    if part:
        assert 0 <= part[0] <= size
        assert part[1] <= size
        assert data[slice(*part)] == wanted
