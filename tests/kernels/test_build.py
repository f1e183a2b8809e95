"""The build: one wheel a platform with a compiler, a pure one without; a compiler that fails is heard; sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
KERNELS = Path("src", "foveola", "kernels")
COMPILER = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
compiled = pytest.mark.skipif(COMPILER is None, reason="no C compiler")

pytestmark = pytest.mark.slow


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of what a wheel is built from, without what was built before."""
    copy = tmp_path / "tree"
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("*.so", "*.dylib", "__pycache__"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


def build(tree: Path, target: str = "wheel", **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(tree / "dist")]
    return subprocess.run(
        command, cwd=tree, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def wheel_of(tree: Path) -> Path:
    (wheel,) = (tree / "dist").glob("*.whl")
    return wheel


def active(wheel: Path, folder: Path) -> str:
    """Return what the kernels of an unpacked wheel say of themselves."""
    zipfile.ZipFile(wheel).extractall(folder)
    code = "import foveola, sys; from foveola import kernels as k; print(k.ACTIVE, k.status().detail, foveola.__file__)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(folder), "FOVEOLA_KERNELS": "", "FOVEOLA_SIMD": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(folder) in run.stdout
    return run.stdout


@compiled
def test_a_wheel_has_the_library_and_the_tag_of_its_platform(tree: Path, tmp_path: Path) -> None:
    assert build(tree).returncode == 0
    wheel = wheel_of(tree)
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    names = zipfile.ZipFile(wheel).namelist()

    assert wheel.name.endswith(f"-py3-none-{platform}.whl")
    assert [name for name in names if "libfoveola" in name] == [f"foveola/kernels/{library_name()}"]
    assert "foveola/kernels/api.h" in names
    assert not [name for name in names if name.endswith(".c")]
    assert active(wheel, tmp_path / "unpacked").startswith("c ")


def library_name() -> str:
    return "libfoveola.dylib" if sys.platform == "darwin" else "libfoveola.so"


def test_without_a_compiler_the_wheel_is_pure_and_the_twin_serves(tree: Path, tmp_path: Path) -> None:
    run = build(tree, PATH=str(tmp_path), CC="")
    wheel = wheel_of(tree)

    assert run.returncode == 0
    assert "no C compiler found (cc, gcc, clang): the slower NumPy kernels will serve" in run.stderr
    assert wheel.name.endswith("-py3-none-any.whl")
    assert active(wheel, tmp_path / "unpacked").startswith("numpy the C kernels were not built")


@compiled
def test_a_failing_compile_fails_the_build_with_the_compilers_words(tree: Path) -> None:
    source = tree / KERNELS / "luma.c"
    source.write_text(source.read_text() + "\nint broken = undeclared_name;\n")

    run = build(tree)

    assert run.returncode != 0
    assert "the C kernels can't be compiled by" in run.stderr
    assert "undeclared_name" in run.stderr
    assert not list((tree / "dist").glob("*.whl"))


@compiled
def test_a_source_distribution_builds_the_same_wheel(tree: Path, tmp_path: Path) -> None:
    assert build(tree, "sdist").returncode == 0
    (archive,) = (tree / "dist").glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "sources", filter="data")
    (unpacked,) = (tmp_path / "sources").iterdir()

    assert not list(unpacked.rglob("*.so"))
    assert build(unpacked).returncode == 0
    assert "none-any" not in wheel_of(unpacked).name


@compiled
def test_forcing_c_without_the_library_is_a_clear_error(tree: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import foveola.kernels"],
        env={**os.environ, "PYTHONPATH": str(tree / "src"), "FOVEOLA_KERNELS": "c"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "FOVEOLA_KERNELS=c, but the C kernels can't be loaded" in run.stderr


@compiled
@pytest.mark.parametrize("plain", [False, True])
def test_sanitizers_find_nothing(tmp_path: Path, plain: bool) -> None:
    """Every kernel at every level, over odd sizes, under AddressSanitizer and UndefinedBehaviorSanitizer."""
    assert COMPILER is not None
    flags = ["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    sources = [str(ROOT / "tests" / "kernels" / "driver.c"), *map(str, (ROOT / KERNELS).glob("*.c"))]
    program = str(tmp_path / "driver")
    subprocess.run(
        [COMPILER, *flags, *checks, *(["-DFOVEOLA_PLAIN"] if plain else []), "-o", program, *sources, "-lm"], check=True
    )

    run = subprocess.run([program], capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    assert ("levels up to 0" in run.stdout) == (plain or "levels up to 0, 0" in run.stdout)
    assert run.stdout.endswith("0 failures\n")
