"""`python -m fuzz NAME --seconds 20`: feed one reader for a while; `python -m fuzz NAME FILE` feeds it one case again.

What breaks it is written to the folder that `--cases` names, as a file for tests/test_fuzz.py.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
import tempfile
import time
from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fuzz import mutate
from fuzz.running import SLOW, Target, named, names


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("name", choices=names())
    parser.add_argument("file", nargs="?", type=Path, help="feed this file and nothing else")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=Path, default=Path("fuzz-cases"), help="where to write what breaks it")
    parser.add_argument("--plain", action="store_true", help="do without atheris, though it is installed")
    said = parser.parse_args()
    logging.disable()  # each input may be worth a warning
    guided = find_spec("atheris") is not None and not said.plain and not said.file
    target = _instrumented(said.name) if guided else named(said.name)
    if said.file:
        target.feed(said.file.read_bytes())
        return 0
    said.cases.mkdir(exist_ok=True)
    return _guided(target, said) if guided else _plain(target, said)


def _instrumented(name: str) -> Target:
    atheris: Any = import_module("atheris")  # there are no wheels for each Python

    with atheris.instrument_imports(include=["foveola"]) if "foveola" not in sys.modules else nullcontext():
        return named(name)


def _guided(target: Target, said: argparse.Namespace) -> int:
    atheris: Any = import_module("atheris")  # there are no wheels for each Python

    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(target.seeds):
            Path(corpus, str(number)).write_bytes(data)
        words = Path(corpus, "words.dict")
        words.write_text("".join('"' + "".join(f"\\x{b:02x}" for b in word) + '"\n' for word in target.tokens if word))
        flags = [f"-max_total_time={said.seconds}", f"-seed={said.seed}", f"-timeout={SLOW}", f"-dict={words}"]
        flags += [f"-artifact_prefix={said.cases}/{target.name}-", f"-max_len={mutate.LONGEST}", "-rss_limit_mb=4096"]
        atheris.Setup([sys.argv[0], corpus, *flags], target.feed)
        atheris.Fuzz()  # it ends the process
    return 0


def _plain(target: Target, said: argparse.Namespace) -> int:
    end, count, broken = time.monotonic() + said.seconds, 0, set[str]()
    for data in mutate.inputs(target.seeds, target.tokens, said.seed):
        if time.monotonic() > end:
            break
        count += 1
        try:
            target.feed(data)
        except Exception as error:  # it is what is looked for
            line = target.line(error)
            if line not in broken:
                broken.add(line)
                case = said.cases / f"{target.name}-{hashlib.sha256(data).hexdigest()[:12]}"
                case.write_bytes(data)
                print(f"{case}: {type(error).__name__}: {str(error)[:200]} ({line})")
    print(f"{target.name}: {count} inputs, {len(broken)} ways to break it")
    return int(bool(broken))


sys.exit(main())
