"""Whatever stands in a URL, it is read or refused: nothing else comes out of the parser."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from foveola import options, urls
from foveola.errors import FoveolaError
from foveola.options import OPTIONS, ProcessingOptions
from foveola.presets import Presets
from foveola.urls import Grammar, ImageUrl, Keys

WORDS = [word for option in OPTIONS for word in option.words]
PARTS = [
    "",
    "-",
    "0",
    "1",
    "-1",
    "1e9",
    "1e999",
    "nan",
    "0x1p-2",
    "t",
    "ce",
    "sm",
    "fp",
    "obj",
    "fff",
    "webp",
    "best",
    "a",
    "plain",
    "enc",
    "%3A",
    "%",
    "%zz",
    "@",
    "=",
    "+",
    "\x00",
    "é",
    "\udcff",
    "9" * 30,
    "٣",
]
GRAMMARS = [
    Grammar(),
    Grammar(
        separator="--",
        filename=True,
        base_url="http://e.com/",
        replacements=urls.replacements([("a*", "b${1}${9}"), ("h", "")]),
    ),
    Grammar(
        security=True, chained=2, encryption_key=bytes(16), presets=Presets.read(["a=w:1/-/w:2/pr:a", "default=q:5"])
    ),
    Grammar(only_presets=True, presets=Presets.read(["a=w:1"]), allowed=frozenset({"w"})),
]
SIGNATURES = ["unsafe"] * 8 + ["é", ""]
KEYS = [Keys(), Keys(((b"key", b"salt"),), trusted=frozenset({"unsafe"}))]
SEEDS = [
    "w:100/h:50/rs:fill:300:200:1:1:nowe:5:6/plain/http://e.com/i%20j.jpg@webp",
    "aq:dssim:0.02:70:80:0.001/fq:jpg:80:webp:70/g:fp:0.5:0.5/-/t:10:fff:1/aHR0cDovL2UuY29tL2kuanBn.png",
    "pr:a/wm:0.5:re:1:2:0.5/pd:1:2:3:4/bg:255:0:1/enc/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.avif",
]


def mutated(path: str, chance: random.Random) -> str:
    """Return a path after a few of the accidents that can happen to one."""
    for _ in range(chance.randint(1, 2)):
        segments = path.split("/")
        place = chance.randrange(len(segments))
        texts = segments[place].split(":")
        accident = chance.randrange(7)
        if accident == 0:
            texts[chance.randrange(len(texts))] = chance.choice(PARTS)
        elif accident == 1:
            texts.insert(chance.randint(0, len(texts)), chance.choice(PARTS))
        elif accident == 2:
            texts = [chance.choice(WORDS), *(chance.choice(PARTS) for _ in range(chance.randint(0, 9)))]
        elif accident == 3:
            texts = [":".join(texts)[: chance.randint(0, 20)]]
        elif accident == 4:
            texts = texts[: chance.randint(0, len(texts))]
        segments[place] = chance.choice([":", ":", ":", "--", "%3A"]).join(texts)
        if accident == 5:
            del segments[place]
        elif accident == 6:
            segments.insert(place, chance.choice(segments))
        path = "/".join(segments)
    return path


def read(target: str, grammar: Grammar, keys: Keys) -> ImageUrl | FoveolaError:
    """Return what comes out of the parser."""
    try:
        signature, rest = urls.split(target)
        urls.verify(signature, rest, keys)
        return urls.parse(rest, grammar, now=1e9)
    except FoveolaError as error:
        return error


def again(said: ProcessingOptions) -> ProcessingOptions:
    """Return what is read of the first pipeline as it is written."""
    found = ProcessingOptions()
    for name, *texts in options.write(replace(said, chained=())):
        found = options.apply(found, name, texts, security=True)
    return found


@pytest.mark.parametrize("seed", range(10))
def test_a_mutated_url_is_read_or_refused(seed: int) -> None:
    """Ten thousand in all; what is read can be written again and says the same."""
    chance = random.Random(seed)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(1000):
        path, grammar = mutated(chance.choice(SEEDS), chance), chance.choice(GRAMMARS)
        found = read(f"/{chance.choice(SIGNATURES)}/{path}", grammar, chance.choice(KEYS))
        if isinstance(found, ImageUrl):
            outcomes["read"] += 1
            assert again(found.options) == replace(found.options, chained=()), path
        else:
            outcomes["refused"] += 1
            assert found.status in (403, 404), path
            assert len(found.public) < 120, path

    assert min(outcomes.values()) > 100, "the mutations are neither all harmless nor all fatal"
