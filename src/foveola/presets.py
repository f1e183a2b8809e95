"""Named sets of options, and how a row of segments, with presets or without, is laid over what was said before.

A preset is `name=option/option`. It may use others; one that comes back to itself is left out there with a warning.
All presets are read and tried when the server starts, and all that is wrong with them is said at once. The options of
pictures and those of the info endpoint share this module: what an option does is handed in.
Source: https://docs.imgproxy.net/usage/presets and https://docs.imgproxy.net/features/chained_pipelines
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from foveola import options
from foveola.errors import ConfigError, FoveolaError, UrlError, expected
from foveola.info.options import InfoOptions, apply
from foveola.options import ProcessingOptions
from foveola.options.rows import BLANK
from foveola.options.values import changed

_log = logging.getLogger("foveola.presets")

T = TypeVar("T")
Stages = tuple[ProcessingOptions, ...]
Lay = Callable[[T, int, str, Sequence[str]], T]
"""Lays an option, its name and its texts, over what was said, in the pipeline of a number."""

DEFAULT = "default"
"""The preset that is laid under every URL."""
NEXT = "-"
"""The segment that begins another pipeline."""
MOST = 1000
"""Options and presets that one URL may use, those inside presets too: none that people write has a tenth of them."""
LONGEST_CHAIN = 32
"""Pipelines that one URL may have, whatever the settings say: each is work on the picture, and memory before that."""
DEEPEST = 32
"""Presets that may be used by each other in a row."""
_NAMES = frozenset({"preset", "pr"})


@dataclass(frozen=True)
class Language(Generic[T]):
    """What segments mean.

    Args:
        lay: what an option does.
        presets: the segments of each preset by its name.
        separator: what stands between the arguments of an option.
        allowed: the names of options that may be used outside presets, as written; all when empty.
        chains: whether there are pipelines.
    """

    lay: Lay[T]
    presets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    separator: str = ":"
    allowed: frozenset[str] = frozenset()
    chains: bool = True


class Walk(Generic[T]):
    """One way along segments, which counts what it lays.

    Args:
        language: what segments mean.
        said: what holds at the start.
    """

    def __init__(self, language: Language[T], said: T) -> None:
        self.said = said
        self._language = language
        self._laid = 0

    def run(self, segments: Sequence[str]) -> Sequence[str]:
        """Lay segments as long as they are options, and return the rest.

        Raises:
            UrlError: an option can't be read, or may not be used.
        """
        return self._run(segments, 0, None)

    def use(self, names: Iterable[str]) -> None:
        """Lay presets.

        Raises:
            UrlError: there is none of such a name.
        """
        self._use(names, 0, ())

    def _run(self, segments: Sequence[str], at: int, used: tuple[str, ...] | None) -> Sequence[str]:
        """Go on in the pipeline of number `at`, in the presets `used`, or outside of any where it is None."""
        language = self._language
        for place, segment in enumerate(segments):
            name, *texts = segment.split(language.separator)
            if language.chains and segment == NEXT:
                at, name, texts = at + 1, NEXT, []
            elif not texts:
                return segments[place:]
            elif used is None and language.allowed and name not in language.allowed:
                raise UrlError(f"Forbidden processing option {name}")
            if name in _NAMES:
                self._use(texts, at, used or ())
            else:
                self._lay(at, name, texts)
        return ()

    def _count(self) -> None:
        self._laid += 1
        if self._laid > MOST:
            raise UrlError(f"Expected at most {MOST} options, got more")

    def _lay(self, at: int, name: str, texts: Sequence[str]) -> None:
        self._count()
        self.said = self._language.lay(self.said, at, name, texts)

    def _use(self, names: Iterable[str], at: int, used: tuple[str, ...]) -> None:
        for name in names:
            self._count()
            if name not in self._language.presets:
                raise UrlError(f"Unknown preset {name}")
            if name in used:
                _log.warning("Preset %r comes back to itself by %s and is left out there", name, " > ".join(used))
                continue
            if len(used) >= DEEPEST:
                raise UrlError(expected(f"at most {DEEPEST} presets in each other", "preset", name))
            rest = self._run(self._language.presets[name], at, (*used, name))
            if rest:
                raise UrlError(expected("options only", f"preset {name}", "/".join(rest)))


def pictures(security: bool = False, most: int = 0) -> Lay[Stages]:
    """Return what lays the options of pictures over pipelines, the first of which has what is the whole request's.

    Args:
        security: whether limits of the server may be changed.
        most: pipelines there may be; 0 for `LONGEST_CHAIN`, more than which there are never.
    """
    limit = min(most or LONGEST_CHAIN, LONGEST_CHAIN)

    def lay(said: Stages, at: int, name: str, texts: Sequence[str]) -> Stages:
        if limit < at + 1:
            raise UrlError(expected(f"at most {limit} pipelines", "-", at + 1))
        stages = [*said, *(ProcessingOptions() for _ in range(at + 1 - len(said)))]
        if name != NEXT:
            place = at if options.known(name).scope == "pipeline" else 0
            stages[place] = options.apply(stages[place], name, texts, security=security)
        return tuple(stages)

    return lay


def infos(security: bool = False) -> Lay[InfoOptions]:
    """Return what lays the options of the info endpoint, which has no pipelines.

    Args:
        security: whether limits of the server may be changed.
    """

    def lay(said: InfoOptions, at: int, name: str, texts: Sequence[str]) -> InfoOptions:  # noqa: ARG001  # always 0
        return apply(said, name, texts, security=security)

    return lay


def chained(said: Stages) -> ProcessingOptions:
    """Return pipelines as one value."""
    return changed(said[0], chained=said[1:])


@dataclass(frozen=True)
class Presets:
    """Presets that can be used.

    Args:
        segments: what each says, by its name.
    """

    segments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        texts: Iterable[str],
        lines: str = "",
        *,
        separator: str = ":",
        lay: Lay[Any] | None = None,
        start: Any = (BLANK,),
        chains: bool = True,
    ) -> Presets:
        """Read presets, and try each.

        Args:
            texts: one each, `name=option/option`; a later one of the same name wins.
            lines: the text of a file that has one a line and comes after `texts`.
            separator: what stands between the arguments of an option.
            lay: what an option does; those of pictures, without the limits of the server, when None.
            start: what holds before any option.
            chains: whether there are pipelines.

        Raises:
            ConfigError: one or more can't be used; its message has a line for each.
        """
        found: dict[str, tuple[str, ...]] = {}
        problems = []
        for text in (*texts, *lines.splitlines()):
            said = text.strip()
            if not said or said.startswith("#"):
                continue
            name, value = (part.strip() for part in said.partition("=")[::2])
            if said.count("=") != 1 or not name or not value:
                problems.append(expected("name=option/option", "preset", said))
            else:
                found[name] = tuple(value.split("/"))
        language = Language(lay or pictures(), found, separator, chains=chains)
        for name in found:
            try:
                Walk(language, start).use((name,))
            except FoveolaError as error:
                problems.append(f"Preset {name}: {error}")
        if problems:
            raise ConfigError("\n".join(problems))
        return cls(found)
