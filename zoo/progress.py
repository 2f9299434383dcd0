"""Progress of the work: bars on a terminal, plain lines elsewhere, always on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Talk:
    """Speaks on stderr; `quiet` leaves only `warn`."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._quiet = quiet

    def say(self, text: str) -> None:
        """Print one line, unless quiet."""
        if not self._quiet:
            self._console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Print one line, also when quiet."""
        self._console.print(text, markup=False)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar of `total` images; call the result with how many are done since the last call."""
        if self._quiet:
            yield lambda done: None
        elif self._console.is_terminal:
            yield from self._drawn(title, total)
        else:
            yield from self._written(title, total)

    def _drawn(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(title, total=total)
            yield lambda done: progress.advance(task, done)

    def _written(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """A line every half minute, and one at the end if it took longer than a blink."""
        begin = last = time.monotonic()
        finished = 0

        def advance(done: int) -> None:
            nonlocal last, finished
            finished += done
            if time.monotonic() - last > 30:
                last = time.monotonic()
                self.say(f"{title}: {finished} of {total}")

        yield advance
        seconds = time.monotonic() - begin
        if seconds > 0.5:
            self.say(f"{title}: {finished} images in {seconds:.1f} s")
