"""Without atheris: mutations of our own, which nothing guides; the same on each machine and each Python."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from fuzz import mutate
from fuzz.running import Target


def run(target: Target, seconds: float, seed: int, cases: Path) -> tuple[int, int]:
    """Feed a target for some seconds; what breaks it in a new place is told, and written as a file into `cases`.

    Returns:
        How many inputs there were, and how many places.
    """
    end, count, broken = time.monotonic() + seconds, 0, set[str]()
    for data in mutate.inputs(target.seeds, target.tokens, seed):
        if time.monotonic() > end:
            break
        count += 1
        try:
            target.feed(data)
        except Exception as error:  # it is what is looked for
            line = target.line(error)
            if line not in broken:
                broken.add(line)
                cases.mkdir(exist_ok=True)
                case = cases / f"{target.name}-{hashlib.sha256(data).hexdigest()[:12]}"
                case.write_bytes(data)
                print(f"{case}: {type(error).__name__}: {str(error)[:200]} ({line})")
    return count, len(broken)
