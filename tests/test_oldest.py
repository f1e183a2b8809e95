"""Libraries with known holes are told, by `foveola doctor` and by the audit of CI, each of which can fail."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from foveola import doctor, oldest
from foveola.cli import main
from foveola.oldest import FLOORS, Floor, numbers, outdated, told

ROOT = Path(__file__).parent.parent
AUDIT = [sys.executable, str(ROOT / "scripts" / "_audit.py")]
HERE = "http://127.0.0.1:9/query"
"""Nobody listens there."""


@pytest.mark.parametrize(
    ("has", "floor", "old"),
    [
        ("8.18.2", "8.18.3", True),
        ("8.18.3", "8.18.3", False),
        ("8.18.10", "8.18.3", False),
        ("8.9.0", "8.18", True),
        ("8.18", "8.18.0", False),
        ("9.0-rc1", "8.18", False),
        ("1.6.0+git7", "1.6.56", True),
        ("in libvips 8.18.2", "9", False),
        ("unknown", "9", False),
        (None, "9", False),
    ],
)
def test_versions_are_compared_by_their_numbers(has: str | None, floor: str, old: bool) -> None:
    assert bool(outdated({"a": has}, [Floor("a", floor, "", "")])) == old


def test_rows_name_libraries_of_the_doctor_and_advisories() -> None:
    assert {floor.name for floor in FLOORS} <= set(doctor.LIBRARIES)
    for floor in FLOORS:
        assert numbers(floor.version)
        assert re.search(r"CVE-\d{4}-\d{4,}|GHSA-|https://", floor.source)
        assert floor.why


def test_what_is_installed_by_default_is_above_the_floors() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lowest = {line.partition(">=")[0]: line.partition(">=")[2].partition(",")[0] for line in asked}

    for floor in FLOORS:
        if not floor.awaited:
            assert numbers(lowest[floor.package or floor.name]) >= numbers(floor.since or floor.version), floor.name


def test_the_doctor_tells_of_old_libraries_and_of_the_rest_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = {floor.name for floor in FLOORS if floor.awaited}
    assert set(doctor.examine().outdated) <= waiting
    monkeypatch.setitem(doctor.LIBRARIES, "libvips", lambda: "8.18.1")

    report = doctor.examine()
    shown = CliRunner().invoke(main, ["doctor"])

    assert report.outdated["libvips"].startswith("8.18.1, should be 8.18.3 or newer: ")
    assert "update pyvips-binary to 8.18.3 or newer" in report.outdated["libvips"]
    assert re.search(r"^outdated: libvips +8\.18\.1, should be 8\.18\.3 or newer: .*CVE-2026-33327", shown.stdout, re.M)
    assert shown.exit_code == 0


def test_what_nobody_can_update_is_told_with_what_one_can_do() -> None:
    said = told(Floor("a", "2", "holes", "CVE-1", "b"), "1")

    assert (
        said == "1, should be 2 or newer: holes (CVE-1); no release of b has it yet: uninstall b if you can do without"
    )


class _Database(http.server.BaseHTTPRequestHandler):
    """Knows of one hole, in one version."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = {"vulns": [{"id": "PYSEC-1"}]} if asked["version"] == "9.0.0" and self.path == "/query" else {}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def database() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Database) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def audited(*words: str, before: str = "") -> tuple[int, str]:
    """Run the audit, after a line of Python of ours."""
    command = AUDIT
    if before:
        run = f"import runpy; runpy.run_path({AUDIT[1]!r}, run_name='__main__')"
        command = [sys.executable, "-c", f"from foveola import doctor; {before}; {run}"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout + done.stderr


def test_without_the_database_the_floors_are_held_and_that_is_said() -> None:
    code, said = audited("--osv-url", HERE)

    assert code == 0, said
    assert re.search(r"^pip-audit: not run, its database can't be reached \(.*\); floors only$", said, re.MULTILINE)
    assert re.search(rf"^ok +libvips: {re.escape(doctor.libraries()['libvips'] or '')}$", said, re.MULTILINE)


def test_a_library_below_its_floor_fails_the_audit() -> None:
    code, said = audited("--osv-url", HERE, before="doctor.LIBRARIES['libwebp'] = lambda: '1.3.1'")

    assert code == 1
    assert re.search(r"^OUTDATED +libwebp: 1\.3\.1, should be 1\.3\.2 or newer: .*CVE-2023-4863", said, re.MULTILINE)


@pytest.mark.parametrize("found", [0, 1])
def test_with_the_database_pip_audit_decides_too(found: int, database: str, tmp_path: Path) -> None:
    command = tmp_path / "pip-audit"
    command.write_text(f'#!/bin/sh\necho "asked: $*"\nexit {found}\n')
    command.chmod(0o755)

    code, said = audited("--osv-url", f"{database}/query", "--pip-audit", str(command))

    assert code == found
    assert f"pip-audit: asking {database}/query\nasked: --vulnerability-service osv --osv-url {database}/query" in said
    assert "not run" not in said
    assert re.search(r"^ok +libvips: ", said, re.MULTILINE)


def test_a_database_that_knows_nothing_is_none(database: str) -> None:
    _, said = audited("--osv-url", f"{database}/other")

    assert "pip-audit: not run, its database can't be reached (it does not know what everyone knows)" in said


def test_floors_are_of_use() -> None:
    assert len(FLOORS) > 5
    assert any(floor.awaited for floor in FLOORS) == ("waiting" in audited("--osv-url", HERE)[1])
    assert oldest.outdated(dict.fromkeys(doctor.LIBRARIES, "0.1")).keys() == set(FLOORS)
