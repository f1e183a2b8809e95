"""The build hook: compiles the C kernels into the package, and tags the wheel by whether they are in it.

The library has no Python.h, so one wheel a platform serves every Python. Where there is no C compiler the wheel is pure
Python and the NumPy twin serves; where a compiler fails, the installation fails with what the compiler said.
`python hatch_build.py` compiles in place, for developers. Source: https://hatch.pypa.io/latest/plugins/build-hook/custom/
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, without a build backend
    BuildHookInterface = object  # type: ignore[assignment,misc]

KERNELS = Path(__file__).parent / "src" / "foveola" / "kernels"
NAME = "libfoveola.dylib" if sys.platform == "darwin" else "libfoveola.so"
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=fast")
"""No -march: each level of vector code is compiled for its own processors and chosen at run time. Contraction lets
plain code use fused multiply-adds where the processor always has them (NEON): a product is rounded once less, and
equal pictures are exactly equal all the same, as every product is then with 0."""


class KernelsHook(BuildHookInterface):  # type: ignore[type-arg,unused-ignore]
    """Put the shared library into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile before the files are collected.

        Args:
            version: `standard` or `editable`.
            build_data: what hatchling takes from hooks.
        """
        if self.target_name != "wheel":
            return
        if not compile_kernels():
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False
        build_data["artifacts"].append(f"src/foveola/kernels/{NAME}")


def find_compiler() -> list[str] | None:
    """Return the command of the C compiler: $CC, else the first of cc, gcc and clang that is there."""
    chosen = shlex.split(os.environ.get("CC", ""))
    for command in [chosen] if chosen else [[name] for name in COMPILERS]:
        if shutil.which(command[0]):
            return command
    return None


def compile_kernels() -> bool:
    """Compile the shared library into the package.

    Returns:
        False where there is no compiler, which is said on standard error.

    Raises:
        SystemExit: the compiler failed; the message is its output.
    """
    library = KERNELS / NAME
    fresh = library.with_suffix(f".{os.getpid()}.new")  # moved into place whole: processes may have the old one open
    compiler = find_compiler()
    if compiler is None:
        library.unlink(missing_ok=True)
        tried = os.environ.get("CC") or ", ".join(COMPILERS)
        print(f"foveola: no C compiler found ({tried}): the slower NumPy kernels will serve", file=sys.stderr)
        return False
    sources = sorted(str(path) for path in KERNELS.glob("*.c"))
    command = [*compiler, *FLAGS, "-o", str(fresh), *sources]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode:
        raise SystemExit(
            f"foveola: the C kernels can't be compiled by {shlex.join(compiler)}:\n{run.stdout}{run.stderr}"
        )
    fresh.replace(library)
    return True


if __name__ == "__main__":
    sys.exit(0 if compile_kernels() else 1)
