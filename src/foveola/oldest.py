"""The oldest versions of libraries that have no known hole which a stranger's bytes can reach: the floors.

Who installs foveola from the package index gets newer ones; who builds against a system's libraries, or has not
updated for a year, is told by `foveola doctor`, and CI holds what it installs against this table (`scripts/audit`).
Libraries inside of libvips that keep their version to themselves (libheif, librsvg, libtiff, libexif) are as new as
libvips is. A row is changed with the advisory that it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Floor:
    """One row.

    Args:
        name: of the library, as `foveola doctor` has it.
        version: the oldest that is safe.
        why: what happens below it.
        source: the advisory.
        package: the distribution that brings it; empty where it is one itself.
        since: the oldest version of that distribution that has it; empty where none has it yet.
    """

    name: str
    version: str
    why: str
    source: str
    package: str = ""
    since: str = ""

    @property
    def awaited(self) -> bool:
        """Whether there is no release to update to."""
        return bool(self.package) and not self.since


FLOORS: tuple[Floor, ...] = (
    Floor(
        *("libvips", "8.18.3", "sizes of pictures overflow; reads and writes outside of buffers"),
        *("CVE-2026-33327, GHSA-h27h-jf9v-m8rg", "pyvips-binary", "8.18.3"),
    ),
    Floor("pillow", "12.3.0", "writes outside of buffers", "CVE-2026-59199, CVE-2026-59205"),
    Floor("libwebp", "1.3.2", "a WebP writes outside of a buffer", "CVE-2023-4863", "pillow", "10.0.1"),
    Floor("libavif", "1.3.0", "an AVIF overflows a size", "CVE-2025-48174, CVE-2025-48175", "pillow", "11.3"),
    Floor("libpng", "1.6.56", "a PNG has memory used that was given back", "CVE-2026-33416", "pyvips-binary", "8.18.7"),
    Floor(
        *("libjxl", "0.11.2", "a JPEG XL writes outside of a buffer"),
        *("CVE-2025-12474, CVE-2026-1837", "pillow-jxl-plugin", "1.3.8"),
    ),
    Floor(
        *("libheif of pi-heif", "1.23.5", "critical and high holes, of HEIC files"),
        *("https://github.com/strukturag/libheif/security/advisories (1.23.2 to 1.23.5)", "pi-heif", ""),
    ),
    Floor("aiohttp", "3.14.3", "answers of sources", "CVE-2026-69244, CVE-2026-59881, CVE-2026-69243"),
    Floor("cryptography", "50.0.0", "buffers overflow below 46.0.7, PKCS#7 below 50", "CVE-2026-39892, CVE-2026-69247"),
)


def outdated(libraries: Mapping[str, str | None], floors: Iterable[Floor] = FLOORS) -> dict[Floor, str]:
    """Return the rows whose library is older, with its version; what tells no version is not judged.

    Args:
        libraries: versions by the names of `foveola doctor`.
        floors: the rows.
    """
    found = {floor: libraries.get(floor.name) or "" for floor in floors}
    return {floor: has for floor, has in found.items() if numbers(has) and numbers(has) < numbers(floor.version)}


def told(floor: Floor, has: str) -> str:
    """Return a sentence: what is here, what it should be, why, and what to do."""
    update = f"update {floor.package}" + f" to {floor.since} or newer" * bool(floor.since)
    update = update if floor.package else "update it"
    if floor.awaited:
        update = f"no release of {floor.package} has it yet: uninstall {floor.package} if you can do without"
    return f"{has}, should be {floor.version} or newer: {floor.why} ({floor.source}); {update}"


def numbers(version: str) -> tuple[int, ...]:
    """Return a version to compare, with as many numbers as count: `8.18` is `8.18.0`; empty where that is none."""
    if not re.match(r"[0-9]", version):
        return ()
    parts = [int(part) for part in re.findall(r"[0-9]+", re.split(r"[^0-9.]", version)[0])]
    return tuple([*parts, 0, 0, 0, 0][:4])
