"""The house keeps its shape: imports go down, the core is pure, files and functions stay short.

The floors are those of docs/design.md; the imports are read with `ast`, those for type checkers and those inside
functions too.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "foveola"
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}

FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "picture", "kernels"}),
    frozenset(
        {
            "goal",
            "settings",
            "metrics",
            "codecs",
            "search",
            "foresight",
            "networks",
            "remembered",
            "workbench",
            "autoquality",
        }
    ),
    frozenset(
        {
            "kinds",
            "variables",
            "options",
            "urls",
            "globs",
            "presets",
            "config",
            "sources",
            "decisions",
            "transform",
            "pipeline",
            "library",
            "info",
            "sandbox",
        }
        | {"samples", "oldest", "doctor", "torture", "train"}
    ),
    frozenset({"server", "cli", "bulk", "playground"}),
)
INTERFACES = FLOORS[3]
EXCEPTIONS = {("cli.serve", "server.main")}
"""`foveola serve` starts the server; beside it no interface knows another."""

IMPURE = {"asyncio", "http", "select", "signal", "socket", "subprocess", "tempfile", "time", "urllib"}
"""What the core does without: no clock, network or processes."""

OF_OS = {"PathLike", "fspath"}
"""What the core may take from `os`: types of paths, never the environment."""


def floor(module: str) -> int:
    """Return the floor of a module by the first part of its name."""
    return next(number for number, names in enumerate(FLOORS) if module.split(".")[0] in names)


def imports(module: str) -> Iterator[str]:
    """Yield the dotted names that a module imports, ours without `foveola.`; names from modules are resolved."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("foveola.") for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            origin = (node.module or "").removeprefix("foveola.")
            if node.module == "foveola":
                yield from (alias.name for alias in node.names if alias.name in MODULES)
            else:
                yield from (f"{origin}.{a.name}" if f"{origin}.{a.name}" in MODULES else origin for a in node.names)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function's name and its lines without the decorators and the docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            told = ast.get_docstring(node) is not None
            doc = (node.body[0].end_lineno or 0) - node.body[0].lineno + 1 if told else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - doc


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_floor(module: str) -> None:
    assert sum(module.split(".")[0] in names for names in FLOORS) == 1


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_or_stay(module: str) -> None:
    climbing = [name for name in imports(module) if name in MODULES and floor(name) > floor(module)]

    assert climbing == []


@pytest.mark.parametrize("module", [m for m in MODULES if floor(m) == 3])
def test_interfaces_do_not_know_each_other(module: str) -> None:
    own = module.split(".")[0]
    others = {
        (module, name) for name in imports(module) if name.split(".")[0] in INTERFACES and name.split(".")[0] != own
    }

    assert others <= EXCEPTIONS


@pytest.mark.parametrize("module", [m for m in MODULES if floor(m) == 1])
def test_the_core_is_pure(module: str) -> None:
    """No environment, clock, network, process or event loop on floor 1."""
    tree = ast.parse(MODULES[module].read_text())
    taken = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "os"}
    named = {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "os" for a in n.names}

    assert {name.split(".")[0] for name in imports(module)} & IMPURE == set()
    assert taken | named <= OF_OS


@pytest.mark.parametrize("module", MODULES)
def test_files_and_functions_are_short(module: str) -> None:
    lines = len(MODULES[module].read_text().splitlines())
    long = {name: count for name, count in functions(MODULES[module]) if count > 40}

    assert lines <= 400
    assert long == {}


def test_nothing_is_a_drawer_for_everything() -> None:
    vague = {"utils", "util", "helpers", "misc", "common"}

    assert [m for m in MODULES if vague & set(m.split("."))] == []


def test_the_package_imports_nothing_that_stands_beside_it() -> None:
    """Training, benchmarks and tests use the package, never the reverse."""
    beside = {"bench", "deploy", "fuzz", "tests", "training"}

    assert [m for m in MODULES for name in imports(m) if name.split(".")[0] in beside] == []


THROUGH = {"yarl": "aiohttp", "cffi": "cffi", "_cffi_backend": "cffi"}
"""What comes with another package that is asked for."""


def test_what_is_imported_is_asked_for_by_the_package_itself() -> None:
    """The tests have more installed than those who use it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    asked = {re.split(r"[\[><=~! ;]", one)[0].lower() for one in said}
    names = {name.split(".")[0] for module in MODULES for name in imports(module)}
    ours = {module.split(".")[0] for module in MODULES} | {"foveola"}
    strange = names - set(sys.stdlib_module_names) - ours
    packages = packages_distributions()

    for name in sorted(strange):
        found = {THROUGH.get(name, one).lower().replace("_", "-") for one in packages.get(name, [])}
        assert found & asked, f"{name} ({', '.join(found) or 'not installed'}) is not in pyproject.toml"
