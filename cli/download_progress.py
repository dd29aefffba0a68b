"""What people see while a data set is downloaded: how much has come, how fast, what is done."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import IO

from rnnexp.registry.download import Fetched
from rnnexp.registry.entry import RegistrySet

from .status_line import LiveStatus, PlainStatus, redraws
from .text import amount, duration, safe, style, wipe

__all__ = ["LiveDownload", "PlainDownload", "make_progress"]


def make_progress(json: bool) -> PlainDownload:
    """A progress that fits where its text goes: stdout, or stderr where stdout is for JSON."""
    stream = sys.stderr if json else sys.stdout
    return LiveDownload(stream) if redraws(stream) else PlainDownload(stream)


class PlainDownload(PlainStatus):
    """Lines that stay: one a file that was fetched, one a set, and now and then how far it is."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        super().__init__(stream)
        self.path = ""

    def began(self, path: str, size: int | None) -> None:
        """The next file, and its size in bytes where that is known."""
        self.path = path
        self._restart(size)

    def arrived(self, done: int, total: int | None) -> None:
        """So many bytes of so many are there."""
        self.total = total
        self._reach(done)

    def ended(self, fetched: Fetched) -> None:
        """A file is in the cache; one without a published hash is told aloud."""
        wipe()
        if fetched.downloaded:
            self._line(f"{safe(self.path)}  {amount(fetched.bytes)}")
        if fetched.file.sha256 is None:
            self._line(self._without_published_hash(fetched))

    def _without_published_hash(self, fetched: Fetched) -> str:
        kept = "; kept beside it, and checked from now on" if fetched.downloaded else ""
        warning = f"warning: no hash is published here for {safe(self.path)}: nobody can say"
        text = f"{warning} that it is genuine. It has SHA-256 {fetched.sha256}{kept}"
        return style(text, "yellow", self.stream)

    def interrupted(self) -> None:
        """The file did not come whole."""
        wipe()
        if self.step:
            kept = f"{safe(self.path)}: {amount(self.step)} have arrived"
            self._line(f"{kept}; the same command goes on from there")

    def complete(self, found: RegistrySet, fetched: Sequence[Fetched]) -> None:
        """All of a set is there."""
        files = f"{len(fetched)} files, " if len(fetched) > 1 else ""
        size = amount(sum(file.bytes for file in fetched))
        state = "in the cache" if any(f.downloaded for f in fetched) else "in the cache already"
        place = os.path.commonpath([file.path for file in fetched])
        self._line(f"{found.name}: {files}{size}, {state}: {safe(place)}")

    def _parts(self) -> list[str]:
        done, rate = amount(self.step), self.pace.rate
        left = (self.total - self.step) / rate if self.total and rate else None
        return [
            f"{safe(self.path)}  {done}" + (f" of {amount(self.total)}" if self.total else ""),
            f"{amount(round(rate))}/s" if rate else "",
            f"ETA {duration(round(max(left, 1)))}" if left is not None else "",
        ]


class LiveDownload(LiveStatus, PlainDownload):
    """The same on a terminal, with a last line that is redrawn in place."""
