"""Readers of what strangers send are fed with broken input for a while, and with all that has broken them before.

`python -m fuzz NAME --seconds 120` does so for longer, guided by coverage where atheris is installed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from fuzz import mutate
from fuzz.running import Target, named, names

SECONDS = 3
CASES: tuple[tuple[str, bytes], ...] = (
    # names with letters that expat knows in ISO 8859-1 only: what was written was no XML
    ("svg", b"<?xml version='1.0' encoding='iso-8859-1'?><svg xmln\xaa='http://www.w3.org/2000/svg'/>"),
    ("svg", b"<?xml version='1.0' encoding='iso-8859-1'?><svg><g\xb5/></svg>"),
    # half of a surrogate pair could be read and not be written
    ("sidecar", b'{"settings": {"effort\\ud800": 4}}'),
    # a source that is no UTF-8 and has a scheme could be read and not be written
    ("urls", b"/unsafe/plain/ht%e2tp://e.com/a"),
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Each input may be worth a warning."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(("name", "data"), CASES)
def test_what_broke_it_once_does_not_again(name: str, data: bytes) -> None:
    named(name).feed(data)


@pytest.mark.parametrize("name", names())
def test_the_seeds_are_taken(name: str) -> None:
    target = named(name)

    assert target.seeds
    for data in target.seeds:
        target.feed(data)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_nothing_else_comes_out(name: str) -> None:
    target, end, count = named(name), time.monotonic() + SECONDS, 0
    for data in mutate.inputs(target.seeds, target.tokens, seed=7):
        if time.monotonic() > end:
            break
        count += 1
        try:
            target.feed(data)
        except Exception as error:
            pytest.fail(f"{name} at {target.line(error)}: {error!r} of {data!r}")
    assert count > len(target.seeds)


def test_mutations_are_many_and_the_same_each_time() -> None:
    first, again, other = (list(islice(mutate.inputs((b"hello", b"world"), (b"x",), s), 300)) for s in (1, 1, 2))

    assert first == again != other
    assert len(set(first)) > 200
    assert first[:3] == [b"hello", b"world", b""]


def _break(data: bytes) -> None:
    raise KeyError(data)


def test_a_target_that_breaks_or_hangs_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.running.SLOW", -1)

    with pytest.raises(AssertionError, match="s for 3 bytes"):
        Target("a", (), (), lambda _: None).feed(b"abc")
    with pytest.raises(KeyError):
        Target("a", (), (), _break).feed(b"abc")
