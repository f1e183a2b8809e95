"""Settings read anew while the server runs: all of them, checked as at the start, taken as a whole or not at all.

The environment of a process stays as it was started, but the files that it names may change: that of settings
(`IMGPROXY_ENV_LOCAL_FILE_PATH`), presets, networks, watermarks. A mistake in one of them must not cost a server that
serves. What the listeners and the connections are made of can't change; it is said where it differs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from foveola import sandbox
from foveola.config import SETTINGS, Settings, environment, examine
from foveola.errors import FoveolaError
from foveola.server import logs
from foveola.server.front import Front

T = TypeVar("T")

_log = logging.getLogger("foveola.server")
FIXED: Mapping[str, tuple[str, ...]] = {
    "server": (
        *("bind", "network", "so_reuseport", "max_clients"),
        *("read_request_timeout", "write_response_timeout", "keep_alive_timeout"),
    ),
    "monitoring": ("prometheus_bind", "prometheus_namespace"),
}
"""The settings that are read at the start only, by their groups."""


class Reloader:
    """Reads the settings anew.

    Args:
        front: serves by them.
        environ: the environment that the process was started with, without any file.
        unusable: returns a sentence for each thing outside that settings name and that can't be used in an environment.
    """

    def __init__(
        self,
        front: Front,
        environ: Mapping[str, str],
        unusable: Callable[[Settings, Mapping[str, str]], Sequence[str]],
    ) -> None:
        self._front = front
        self._environ = environ
        self._unusable = unusable
        self._laid = laid(environ)

    async def reload(self) -> None:
        """Serve by what the settings say now, or say in the log why not and leave all as it is."""
        _log.info("Reading the settings anew")
        try:
            problems = await self._reloaded()
        except FoveolaError as error:
            problems = str(error).splitlines()
        except Exception:
            _log.exception("Unforeseen error")
            problems = ["The settings can't be read"]
        for sentence in problems:
            _log.error(sentence)
        if problems:
            _log.error("The settings are refused, and stay as they were")
        else:
            _log.info("The settings are in use")

    async def _reloaded(self) -> Sequence[str]:
        """Return what is wrong with the settings, nothing once they are in use."""
        environ = laid(self._environ)
        found = await aside(lambda: examine(environ))
        for sentence in found.warnings:
            _log.warning(sentence)
        settings, fixed = kept(found.settings, self._front.settings)
        for name in fixed:
            _log.warning("%s is read at the start only: restart the server to change it", name)
        problems = [*found.problems, *await aside(lambda: self._unusable(settings, environ))]
        if problems:
            return problems
        before, self._laid = self._laid, environ
        _change(before, environ)
        try:
            sandbox.hide(settings.fence)
            await self._front.reload(settings)
        except BaseException:
            self._laid = before
            _change(environ, before)
            raise
        logs.setup(settings.log)
        return ()


def laid(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with the file under it that it names, as that is now."""
    found = dict(environ)
    environment.load(found)
    return found


def kept(settings: Settings, running: Settings) -> tuple[Settings, list[str]]:
    """Return settings that a running server can take, and the names of those that it can't and that differ.

    Args:
        settings: what is said now.
        running: what it was started with.
    """
    names = []
    for group, words in FIXED.items():
        old, new = getattr(running, group), getattr(settings, group)
        rows = {row.field: row.name for row in SETTINGS if row.group == group}
        names += [rows[word] for word in words if getattr(old, word) != getattr(new, word)]
        settings = replace(settings, **{group: replace(new, **{word: getattr(old, word) for word in words})})
    return settings, names


async def aside(act: Callable[[], T]) -> T:
    """Return what a function returns that may take long, without keeping the process from ending meanwhile.

    Raises:
        BaseException: what it raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, wrong = None, None
        try:
            result = act()
        except BaseException as error:
            wrong = error
        try:
            loop.call_soon_threadsafe(settle, result, wrong)
        except RuntimeError:  # the loop has ended
            return

    threading.Thread(target=run, daemon=True, name="settings").start()
    return await done


def _change(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Have the environment of the process say what it says after and not before."""
    for name in before.keys() - after.keys():
        os.environ.pop(name, None)
    os.environ.update({name: value for name, value in after.items() if before.get(name) != value})
