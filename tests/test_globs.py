"""Patterns with stars match like expressions, but for hosts and for the time that they take."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from foveola.globs import matched

LETTERS = st.text("ab./:*", max_size=12)


@given(LETTERS, st.text("ab./:", max_size=24))
@example("*a*/b*", "a/ba/b")
@example("**a", "aaa")
@example("a*", "a")
def test_a_pattern_is_an_expression(pattern: str, text: str) -> None:
    """Each star takes as much as it can, the first one first."""
    found = re.match(re.escape(pattern).replace(r"\*", "([^/]*)"), text)

    assert matched(pattern, text) == (found and (found[0], *found.groups()))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("https://*.e.com/", "https://a.b.e.com/x", ("https://a.b.e.com/", "a.b")),
        ("https://*.e.com/", "https://u:p@a.e.com/x", ("https://u:p@a.e.com/", "u:p@a")),
        ("https://*.e.com/", "https://evil.org?.e.com/", None),
        ("https://*.e.com/", "https://evil.org#.e.com/", None),
        ("https://*.*.e.com/", "https://evil.org?.a.e.com/", None),
        ("https://*", "https://e.com?a", ("https://e.com", "e.com")),
        ("https://e.com/*.jpg", "https://e.com/a?b.jpg", ("https://e.com/a?b.jpg", "a?b")),
        ("http*://*/a/*", "https://e.com/a/b/c", ("https://e.com/a/b", "s", "e.com", "b")),
    ],
)
def test_a_star_for_a_host_ends_with_the_host(pattern: str, text: str, expected: tuple[str, ...] | None) -> None:
    assert matched(pattern, text) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("https://e.com/*.jpg", "https://e.com/a?b.jpg", None),
        ("https://e.com/*?x=*", "https://e.com/a?x=b/c", ("https://e.com/a?x=b", "a", "b")),
        ("https://e.com/*?*/", "https://e.com/a?b?c/", ("https://e.com/a?b?c/", "a", "b?c")),
        ("https://e.com/*", "https://e.com/a?b", ("https://e.com/a", "a")),
    ],
)
def test_a_star_ends_where_a_query_begins(pattern: str, text: str, expected: tuple[str, ...] | None) -> None:
    assert matched(pattern, text, "?") == expected


def test_many_stars_take_no_longer_than_the_text() -> None:
    """An expression takes 8 seconds with two stars, and days with three."""
    begun = time.process_time()

    assert matched("https://*.*.*.*.*.e.com/", "https://" + "." * 30_000) is None
    assert time.process_time() - begun < 1
