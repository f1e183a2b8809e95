"""Ask a running server for hostile files: what it answers, how long that takes, and whether a worker is lost.

    python -m bench.torture [--count 2000] [--seed 0]

Each file of `foveola torture` is asked for as a JPEG and as a WebP, each 100 pixels wide, and by its facts. A row is
printed for each answer that took more than two seconds or is none of 200 and the refusals of a source, and for each
during which a worker had more than 500 MB: with `--clients 1` it was that answer's.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from foveola.torture import write_tortures
from tests.serving import Served, children, serving

ASKED = (
    "/unsafe/w:100/plain/local:///{}@jpg",
    "/unsafe/w:100/plain/local:///{}@webp",
    "/info/unsafe/plain/local:///{}",
)
HEAVY = 500_000_000
"""Bytes of a worker that are told of."""
LOST = ("A worker was ", "A worker has ", "The process that forks workers is lost", "Traceback")
"""What a log says of a lost worker."""


@dataclass
class Sweep:
    """What a server did."""

    statuses: Counter[int] = field(default_factory=Counter)
    took: list[tuple[float, str]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    peak: int = 0
    """Bytes of the greatest worker."""
    all: int = 0
    """Bytes of all processes together at most."""
    lost: list[str] = field(default_factory=list)
    heavy: dict[str, int] = field(default_factory=dict)
    """Bytes of the greatest worker while a target was asked for, over 500 MB."""


def resident(pid: int) -> int:
    """Return the resident bytes of a process; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (OSError, IndexError):
        return 0


def sweep(served: Served, names: list[str], clients: int = 2) -> Sweep:
    """Ask for every file in every way, and watch."""
    found, over = Sweep(), threading.Event()
    asked: set[str] = set()

    def watch() -> None:
        while not over.wait(0.02):
            try:
                sizes = [resident(pid) for pid in served.workers]
            except (OSError, IndexError):
                continue
            rest = resident(served.process.pid) + sum(map(resident, children(served.process.pid)))
            if max(sizes, default=0) > HEAVY:
                found.heavy |= {target: max(found.heavy.get(target, 0), *sizes) for target in list(asked)}
            found.peak, found.all = max(found.peak, *sizes, 0), max(found.all, sum(sizes) + rest)

    def ask(target: str) -> None:
        begun = time.perf_counter()
        asked.add(target)
        reply = served.get(target)
        asked.discard(target)
        seconds = time.perf_counter() - begun
        found.statuses[reply.status] += 1
        found.took.append((seconds, target))
        if seconds > 2 or reply.status not in (200, 404, 413, 415, 422):
            found.odd.append(
                f"{reply.status} {seconds:.2f} s {target} {reply.body[:120] if reply.status > 200 else b''!r}"
            )

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, (way.format(name) for name in names for way in ASKED)))
    over.set()
    watcher.join()
    found.lost = [line for line in served.log.read_text(errors="replace").splitlines() if any(w in line for w in LOST)]
    return found


def main() -> None:
    """Make the files, ask for them and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clients", type=int, default=2)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, state = Path(place) / "files", Path(place) / "state"
        state.mkdir()
        begun = time.perf_counter()
        paths = list(write_tortures(folder, said.count, said.seed))
        size, made = sum(path.stat().st_size for path in paths), time.perf_counter() - begun
        print(f"{len(paths)} files of {size / 1e6:.0f} MB made in {made:.0f} s", flush=True)
        with serving(state, LOCAL_FILESYSTEM_ROOT=str(folder), TIMEOUT="10") as served:
            found = sweep(served, [path.name for path in paths], said.clients)
    took = sorted(found.took, reverse=True)
    heavy = (f"{size / 1e6:.0f} MB {target}" for target, size in found.heavy.items())
    print(*found.odd, *heavy, *found.lost, sep="\n")
    print("answers:", ", ".join(f"{status}: {count}" for status, count in sorted(found.statuses.items())))
    print(f"median {took[len(took) // 2][0] * 1000:.0f} ms, slowest {took[0][0]:.2f} s: {took[0][1]}")
    sizes = f"greatest worker {found.peak / 1e6:.0f} MB, all processes {found.all / 1e6:.0f} MB"
    print(f"{sizes}; lost: {len(found.lost)}")


if __name__ == "__main__":
    main()
