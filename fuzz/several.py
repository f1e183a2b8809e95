"""All targets, each in a process of its own and as many side by side as there are cores, told as rows of a table."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fuzz import guided

HEAD = "| target | guided | inputs | branches | broken |\n|---|---|---:|---:|---:|"
_INPUTS = re.compile(r"stat::number_of_executed_units: (\d+)|: (\d+) inputs")
_BRANCHES = re.compile(r" cov: (\d+) ")
_REASONS = re.compile(r"^(?: === |.*(?:Error|Exception)\b|.*libFuzzer: |\s*File \"|.*Test unit written to )")
_MOST = 40
"""Lines that are told of what broke a target."""


@dataclass(frozen=True)
class Ran:
    """What came of one target: what it has said, and the exit status of its process."""

    name: str
    said: str
    status: int

    @property
    def row(self) -> str:
        """A row of the table."""
        inputs = next((a or b for a, b in reversed(_INPUTS.findall(self.said))), "?")
        branches = next(reversed(_BRANCHES.findall(self.said)), "")
        broken = "yes" if self.status else "no"
        return f"| {self.name} | {'yes' if branches else 'no'} | {inputs} | {branches or '-'} | {broken} |"

    @property
    def reasons(self) -> str:
        """What broke it."""
        lines = self.said.splitlines()
        return "\n".join([line for line in lines if _REASONS.match(line)][-_MOST:] or lines[-_MOST:])


def run(names: Sequence[str], arguments: Sequence[str], jobs: int) -> int:
    """Run targets, so many side by side, and print the table, then what broke any of them.

    Returns:
        The exit status: 1 where one was broken.
    """
    if not guided.installed():
        print("atheris is not installed here (not each Python and processor has a wheel): mutations of our own instead")
    print(HEAD, flush=True)
    broken = []
    with ThreadPoolExecutor(jobs) as pool:
        for ran in pool.map(lambda name: _ran(name, arguments), names):
            print(ran.row, flush=True)
            broken += [ran] if ran.status else []
    for ran in broken:
        print(f"\n{ran.name} was broken (exit status {ran.status}):\n{ran.reasons}")
    return int(bool(broken))


def _ran(name: str, arguments: Sequence[str]) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", name, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Ran(name, done.stdout, done.returncode)
