"""What the server costs beside a bare loop that does the same to pictures, how long requests wait, and its memory.

    python -m bench.serve FOLDER                      CPU a request, throughput and latency
    python -m bench.serve FOLDER --requests 20000     memory of all its processes over so many mixed requests

The load is `wrk` (https://github.com/wg/wrk), whose CPU is left out; CPU is user and system time of all the server's
processes. Sources are JPEG of 1 to 2 megapixels made of the folder's pictures, results fit 512x512 at quality 80, and
requests under way at one time are of different pictures, since the same would be done once. The bare loop reads the
file, opens it with shrink-on-load, resizes by the rest and saves, in as many processes as the server has workers.
Rounds alternate; what is printed are medians.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from training.scan import pictures

SIDE, QUALITY, AREA = 512, 80, 1_500_000
PLAIN = (f"rs:fit:{SIDE}:{SIDE}/q:{QUALITY}",)
MIXED = (
    *("rs:fit:512:512", "rs:fill:300:300", "w:200", "rs:fit:900:0", "aq:dssim:0.02:50:90/w:400"),
    *(
        "rs:fit:512:512/f:webp",
        "w:300/f:png",
        "w:250/f:avif",
        "w:320/f:jxl",
        "w:5000",
        "aq:size:20000:1:100/w:500/f:webp",
    ),
)
LUA = """
local words, files, n = {%s}, {%s}, %d
request = function()
  n = n + 1
  local path = "/unsafe/" .. words[n %% #words + 1] .. "/plain/local:///" .. files[n %% #files + 1]
  return wrk.format("GET", path)
end
"""
TICKS = os.sysconf("SC_CLK_TCK")
SLICE = 10


@dataclass(frozen=True)
class Load:
    """What one run of wrk has seen: requests, their seconds, latencies in ms, and answers that were no pictures."""

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int


def sources(folder: Path, out: Path) -> list[str]:
    """Write JPEG files of 1 to 2 megapixels and return their names."""
    import pyvips

    names: list[str] = []
    for path in pictures(folder)[:24]:
        image = pyvips.Image.new_from_file(str(path)).colourspace("srgb")
        image = image.flatten(background=255) if image.hasalpha() else image
        scaled = image.resize((AREA * (0.7 + 0.6 * (len(names) % 5) / 4) / (image.width * image.height)) ** 0.5)
        scaled.jpegsave(str(out / f"{len(names)}.jpg"), Q=88, keep="none")
        names.append(f"{len(names)}.jpg")
    return names


def tree(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):  # it has ended
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(word) for word in (task / "children").read_text().split()]
    return found


def read(path: str) -> str:
    """Return a file of `/proc`, nothing of a process that has ended."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def cpu(pid: int) -> float:
    """Return the CPU seconds of a tree of processes, with those of its members that have ended."""
    total = 0
    for one in tree(pid):
        fields = read(f"/proc/{one}/stat").rpartition(")")[2].split()
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def memory(pid: int) -> float:
    """Return the megabytes of a tree of processes; what several share counts once."""
    rows = "".join(read(f"/proc/{one}/smaps_rollup") for one in tree(pid))
    return sum(int(size) for size in re.findall(r"^Pss: +(\d+) kB", rows, re.M)) / 1000


@contextmanager
def server(folder: Path, workers: int, port: int) -> Iterator[int]:
    """Run a server and yield its process number."""
    environ = os.environ | {
        "IMGPROXY_BIND": f"127.0.0.1:{port}",
        "IMGPROXY_LOCAL_FILESYSTEM_ROOT": str(folder),
        "IMGPROXY_WORKERS": str(workers),
        "IMGPROXY_TIMEOUT": "60",
    }
    command = [sys.executable, "-c", "from foveola.cli import main; main()", "serve"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=environ, stdout=log, stderr=log) as process:
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)


def loaded(port: int, options: Sequence[str], names: Sequence[str], connections: int, seconds: int, begin: int) -> Load:
    """Run wrk for some seconds."""
    lists = (", ".join(f'"{word}"' for word in words) for words in (options, names))
    with TemporaryDirectory() as place:
        script = Path(place) / "urls.lua"
        script.write_text(LUA % (*lists, begin))
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            "60s",
            "--latency",
            "-s",
            str(script),
        ]
        done = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True)
    told = done.stdout
    requests, count, unit = re.findall(r"(\d+) requests in ([\d.]+)([smh])", told)[0]
    spread = {
        name: float(value) * _MILLI[unit] for name, value, unit in re.findall(r"(50|99)% +([\d.]+)(us|ms|s)", told)
    }
    failed = re.findall(r"Non-2xx or 3xx responses: (\d+)", told) or ["0"]
    return Load(int(requests), float(count) * _SECONDS[unit], spread["50"], spread["99"], int(failed[0]))


_MILLI = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def once(path: str) -> bytes:
    """Do to one file what the server does."""
    import pyvips

    data = Path(path).read_bytes()
    header = pyvips.Image.jpegload_buffer(data)
    factor = min(1.0, SIDE / header.width, SIDE / header.height)
    shrink = max(step for step in (1, 2, 4, 8) if step == 1 or step * factor <= 1)
    image = pyvips.Image.jpegload_buffer(data, access="sequential", shrink=shrink)
    image = image.resize(factor * header.width / image.width, vscale=factor * header.height / image.height)
    saved: bytes = image.jpegsave_buffer(Q=QUALITY, optimize_coding=True, keep="none")
    return saved


def _bare(task: tuple[list[str], float]) -> tuple[int, float]:
    import pyvips

    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)  # as in the workers
    paths, seconds = task
    for path in paths[:2]:
        once(path)
    began, before, count = time.monotonic(), _own(), 0
    while time.monotonic() - began < seconds:
        once(paths[count % len(paths)])
        count += 1
    return count, _own() - before


def _own() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def bare(paths: list[str], processes: int, seconds: float) -> tuple[float, float]:
    """Return the CPU ms of one picture and the pictures a second of the bare loop."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        found = pool.map(_bare, [(paths, seconds)] * processes, chunksize=1)
    count = sum(number for number, _ in found)
    return 1000 * sum(used for _, used in found) / count, count / seconds


def same_work(port: int, paths: Sequence[str]) -> None:
    """Say by how much the server's files differ from those of the bare loop, in bytes."""
    ratios = []
    for path in paths:
        url = f"http://127.0.0.1:{port}/unsafe/{PLAIN[0]}/plain/local:///{Path(path).name}"
        with urllib.request.urlopen(url) as answer:
            ratios.append(len(answer.read()) / len(once(path)))
    print(f"bytes of the server's files to the loop's: {min(ratios):.3f} to {max(ratios):.3f}")


def price(folder: Path, names: list[str], options: argparse.Namespace, port: int) -> None:
    """Print what a request costs."""
    paths = [str(folder / name) for name in names]
    rows = []
    with server(folder, options.workers, port) as pid:
        same_work(port, paths[:8])
        loaded(port, PLAIN, names, options.connections, 2, 0)
        for number in range(options.rounds):
            loop, speed = bare(paths, options.workers, options.seconds)
            before = cpu(pid)
            load = loaded(port, PLAIN, names, options.connections, options.seconds, 10**6 * (number + 1))
            used = 1000 * (cpu(pid) - before) / load.requests
            rows.append((used, loop, used / loop, load.requests / load.seconds, speed, load.p50, load.p99, load.failed))
            print("  ".join(f"{value:.2f}" for value in rows[-1]), file=sys.stderr)
    used, loop, ratio, rate, speed, p50, p99, failed = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"CPU a request: {used:.2f} ms; the bare loop {loop:.2f} ms; ratio {ratio:.3f}")
    print(f"requests a second: {rate:.0f}; the bare loop {speed:.0f}")
    print(f"latency, {options.connections} connections: p50 {p50:.0f} ms, p99 {p99:.0f} ms; {failed:.0f} failed")


def growth(folder: Path, names: list[str], options: argparse.Namespace, port: int) -> None:
    """Print the memory of all processes while so many requests are served."""
    seen: list[float] = []
    with server(folder, options.workers, port) as pid:
        idle = memory(pid)
        first = loaded(port, MIXED, names, options.connections, SLICE, 0)
        seconds = max(SLICE, int(options.requests / first.requests * first.seconds))
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(loaded, port, MIXED, names, options.connections, seconds, first.requests)
            while not running.done():
                seen.append(memory(pid))
                time.sleep(0.5)
        load = running.result()
    quarter = len(seen) // 4
    means = [statistics.mean(seen[part * quarter : (part + 1) * quarter]) for part in range(4)]
    growing = 100 * (means[3] / means[1] - 1)
    print(f"idle {idle:.0f} MB; mean of each quarter of {load.requests} requests: {[round(mean) for mean in means]}")
    print(f"most {max(seen):.0f} MB; last to second quarter {growing:+.1f} %; {load.failed} failed")
    import shutil

    shutil.copy(folder / "log", "/tmp/ops/srv.log")
    told = Counter(re.findall(r"status=([45]\d\d)", (folder / "log").read_text()))
    print(f"errors in the log: {dict(told)}")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--requests", type=int, default=0, help="look at memory over so many mixed requests")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with TemporaryDirectory() as place:
        names = sources(options.folder, Path(place))
        (growth if options.requests else price)(Path(place), names, options, port)


if __name__ == "__main__":
    main()
