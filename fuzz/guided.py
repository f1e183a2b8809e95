"""With atheris: libFuzzer's mutations, guided by which branches of our Python an input reaches.

Source: https://github.com/google/atheris and https://llvm.org/docs/LibFuzzer.html
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from fuzz import mutate
from fuzz.running import SLOW, Target

HUNG = 60 * SLOW
"""Seconds of the clock after which even C that never comes back is ended; a busy machine is slow."""


def installed() -> bool:
    """Return whether atheris is there; not every Python and processor has a wheel."""
    return find_spec("atheris") is not None


def run(make: Callable[[], Target], seconds: int, seed: int, cases: Path) -> NoReturn:
    """Feed a target for some seconds, or until something breaks it, and end the process as libFuzzer does.

    Args:
        make: imports the target, while atheris watches what is imported.
        seconds: of the clock.
        seed: of the mutations.
        cases: the folder of what breaks it.
    """
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["foveola"]) if "foveola" not in sys.modules else nullcontext():
        target = make()
    cases.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        corpus, words = Path(folder, "corpus"), Path(folder, "words")
        corpus.mkdir()
        for number, data in enumerate(target.seeds):
            Path(corpus, str(number)).write_bytes(data)
        words.write_text("".join('"' + "".join(f"\\x{b:02x}" for b in word) + '"\n' for word in target.tokens if word))
        flags = [f"-max_total_time={seconds}", f"-seed={seed}", f"-timeout={HUNG:.0f}", f"-dict={words}"]
        flags += [
            f"-artifact_prefix={cases}/{target.name}-",
            f"-max_len={mutate.LONGEST}",
            "-rss_limit_mb=4096",
            "-len_control=20",
        ]
        atheris.Setup([sys.argv[0], str(corpus), *flags, "-print_final_stats=1"], target.feed)
        atheris.Fuzz()  # it ends the process
    raise AssertionError("libFuzzer came back")
