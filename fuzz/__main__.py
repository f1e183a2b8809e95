"""`python -m fuzz NAME --seconds 20`: feed one reader for a while; `python -m fuzz NAME FILE` feeds it one case again.

`python -m fuzz all` runs each of them, as many side by side as there are cores. What breaks one is written to the
folder that `--cases` names, as a file for tests/test_fuzz.py.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from fuzz import guided, plain, several
from fuzz.running import named, names

ALL = "all"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("name", choices=[*names(), ALL])
    parser.add_argument("file", nargs="?", type=Path, help="feed this file and nothing else")
    parser.add_argument("--seconds", type=int, default=20, help="how long each is fed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="side by side, of all")
    parser.add_argument("--cases", type=Path, default=Path("fuzz-cases"), help="where to write what breaks it")
    parser.add_argument("--plain", action="store_true", help="do without atheris, though it is installed")
    said = parser.parse_args()
    if said.name == ALL:
        arguments = ["--seconds", str(said.seconds), "--seed", str(said.seed), "--cases", str(said.cases)]
        return several.run(names(), [*arguments, *["--plain"] * said.plain], said.jobs)
    logging.disable()  # each input may be worth a warning
    if said.file:
        named(said.name).feed(said.file.read_bytes())
        return 0
    if guided.installed() and not said.plain:
        guided.run(lambda: named(said.name), said.seconds, said.seed, said.cases)
    count, broken = plain.run(named(said.name), said.seconds, said.seed, said.cases)
    print(f"{said.name}: {count} inputs, {broken} ways to break it")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
