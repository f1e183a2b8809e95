"""Processes that work through a list: what fails costs its own job only, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from foveola.errors import ImageError
from foveola.train.crew import Failed, run

ROOT = Path(__file__).parent.parent


def double(job: int) -> int:
    return 2 * job


def moody(job: str) -> str:
    if job == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "leaves":
        os._exit(3)
    if job == "refuses":
        raise ImageError("Expected a picture,\n got something else")
    if job == "breaks":
        raise ZeroDivisionError("by zero")
    if job == "lacks":
        raise FileNotFoundError(2, "No such file or directory", "a.png")
    return job.upper()


def slow(job: int) -> int:
    time.sleep(60)
    return job


def stubborn(job: int) -> int:
    """Be pressed Ctrl-C upon."""
    os.kill(os.getpid(), signal.SIGINT)
    return job


def test_every_job_is_done_once_by_as_many_processes_as_there_may_be() -> None:
    assert sorted(run(double, [3, 1, 4, 1, 5], 2)) == [(0, 6), (1, 2), (2, 8), (3, 2), (4, 10)]
    assert list(run(double, [], 2)) == []


def test_a_job_that_fails_says_why_and_the_others_are_done() -> None:
    jobs = ["a", "dies", "refuses", "b", "breaks", "leaves", "lacks", "c"]

    done = dict(run(moody, jobs, 2))

    assert [jobs[index] for index, made in done.items() if isinstance(made, str)] == ["a", "b", "c"]
    assert {jobs[index]: made.reason for index, made in done.items() if isinstance(made, Failed)} == {
        "dies": "its process was killed by SIGKILL",
        "refuses": "Expected a picture, got something else",
        "breaks": "ZeroDivisionError: by zero",
        "leaves": "its process ended (3)",
        "lacks": "No such file or directory",
    }


INTERRUPTED = """
import os, signal, sys, threading, time
from multiprocessing import active_children
from foveola.train.crew import run
from tests.test_crew import slow
threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.monotonic()
try:
    next(run(slow, [1, 2], 2))
except KeyboardInterrupt:
    sys.exit(f"{time.monotonic() - start < 30} {active_children()}")
"""


def test_whoever_stops_listening_ends_the_processes() -> None:
    """In a process of its own, so that none of the tests' is interrupted."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False, cwd=ROOT)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "True []\n")


def test_ctrl_c_does_not_reach_the_processes() -> None:
    """The terminal sends it to all of them, but who ends them is the one that started them."""
    assert list(run(stubborn, [7], 1)) == [(0, 7)]
