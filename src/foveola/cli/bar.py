"""A progress bar on stderr for long work whose length is known once it begins; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


class Bar:
    """A bar; lines that are printed meanwhile stand above it.

    Args:
        what: what is being done, one word.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, done: int, total: int, words: str = "") -> None:
        """Move the bar, which appears with the first call.

        Args:
            done: 0..total.
            total: above 0.
            words: what there is to say besides.
        """
        if self._bar is None:
            if not sys.stderr.isatty():
                return
            self._start(done, total)
        self._bar.update(self._task, completed=done, total=total, description=f"{self._what} {words}".strip())

    def _start(self, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
        # Lines for a terminal are printed above the bar; lines for a pipe must stay on stdout.
        self._bar = Progress(
            *columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()
        )
        self._bar.start()
        self._task = self._bar.add_task(self._what, total=total, completed=done)
