"""Run a soak, judge it and print what was found; the exit status is 1 where something does not hold."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.soak import judging
from bench.soak.course import Plan, soak


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="of faults; most of a minute comes on top")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=5, help="seconds that the server has for a request")
    parser.add_argument("--slack", type=float, default=judging.SLACK, help="seconds that an answer may be late")
    parser.add_argument("--unprivileged", action="store_true", help="mount nothing, as without root")
    parser.add_argument("--calm", action="store_true", help="make no faults")
    parser.add_argument("--nice", type=int, default=0, help="of all processes, below 0 on a machine with other work")
    parser.add_argument("--log", type=Path, help="a file for the log of the server")
    said = parser.parse_args()
    plan = Plan(
        said.minutes * 60, said.seed, said.workers, said.timeout, not said.unprivileged, not said.calm, said.nice
    )
    course = soak(plan, lambda line: print(line, flush=True))
    if said.log:
        said.log.write_text("\n".join(course.log))
    rows = judging.judge(course, said.slack)
    print(judging.kinds(course.records), judging.table(rows), sep="\n")
    sys.exit(0 if all(row.holds is not False for row in rows) else 1)


if __name__ == "__main__":
    main()
