"""Whether what is installed has known holes: by pip-audit where its database can be reached, and by our floors always.

`scripts/audit` runs it in `.venv`. The database knows packages of Python, the floors of `foveola.oldest` know also the
libraries in C inside of them. It is asked first about a version with a known hole, so that silence is not taken for
health. Exit code 1 where either finds something that can be updated. Source: https://github.com/pypa/pip-audit
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
import urllib.request
import venv
from pathlib import Path

from foveola import doctor, oldest

OSV = "https://api.osv.dev/v1/query"
KNOWN = {"package": {"name": "pillow", "ecosystem": "PyPI"}, "version": "9.0.0"}
TOOL = "pip-audit>=2.10,<3"
PLACE = Path(__file__).parent.parent / ".venv" / "audit"


def unreachable(url: str) -> str:
    """Return why the database can't be asked; empty where it can."""
    asked = urllib.request.Request(url, json.dumps(KNOWN).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return "" if json.load(answer).get("vulns") else "it does not know what everyone knows"
    except (OSError, ValueError) as error:
        return str(error)


def tool(given: str) -> str:
    """Return the path of pip-audit, which has an environment of its own: what it needs is not what we need."""
    path = PLACE / "bin" / "pip-audit"
    if given or path.exists():
        return given or str(path)
    venv.create(PLACE, with_pip=True)
    subprocess.run([PLACE / "bin" / "pip", "install", "--quiet", TOOL], check=True)
    return str(path)


def audited(url: str, given: str) -> bool:
    """Run pip-audit over the packages of this environment; return whether it finds nothing."""
    place = sysconfig.get_path("purelib")
    command = [tool(given), "--vulnerability-service", "osv", "--osv-url", url, "--path", place]
    return subprocess.run([*command, "--skip-editable", "--progress-spinner", "off"]).returncode == 0


def above_floors() -> bool:
    """Hold versions against the floors; return whether all that can be updated is new enough."""
    libraries = doctor.libraries()
    found = oldest.outdated(libraries)
    for floor in oldest.FLOORS:
        has = libraries.get(floor.name) or doctor.UNKNOWN
        word = "ok" if floor not in found else "waiting" if floor.awaited else "OUTDATED"
        word = word if oldest.numbers(has) else "unknown"
        print(f"{word:8}  {floor.name}: {oldest.told(floor, has) if floor in found else has}")
    return all(floor.awaited for floor in found)


def main() -> int:
    """Audit, and say how."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--osv-url", default=OSV, help="address of the database")
    parser.add_argument("--pip-audit", default="", help="its path; it is installed where there is none")
    given = parser.parse_args()
    why = unreachable(given.osv_url)
    if why:
        print(f"pip-audit: not run, its database can't be reached ({why}); floors only")
    else:
        print(f"pip-audit: asking {given.osv_url}", flush=True)
    clean = bool(why) or audited(given.osv_url, given.pip_audit)
    print("floors:", flush=True)
    return 0 if above_floors() and clean else 1


if __name__ == "__main__":
    sys.exit(main())
