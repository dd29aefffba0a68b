"""Where a data file lies, and what the config is to call it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rnnexp.errors import Position
from rnnexp.registry.cache import PREFIX, cache_folder, held

__all__ = ["Place", "place_of"]


@dataclass(frozen=True)
class Place:
    """given: as on the command line; folder: where the config will lie."""

    given: str
    path: Path
    folder: Path

    @property
    def written(self) -> str:
        """The file as the config names it: `data:NAME`, or relative to the config."""
        return self.written_beside(self.path)

    def written_beside(self, path: Path) -> str:
        """The same for another file."""
        if self.given.startswith(PREFIX):
            return PREFIX + path.relative_to(cache_folder()).as_posix()
        relative = os.path.relpath(path.absolute(), self.folder.absolute())
        return f"./{relative}" if relative.startswith(PREFIX) else relative

    def at(self, path: Path) -> Place:
        """Another file, found by way of this one."""
        prefixed = self.given.startswith(PREFIX)
        return Place(self.written_beside(path) if prefixed else str(path), path, self.folder)


def place_of(given: str, folder: Path) -> Place:
    """Where `given` is: a path, or `data:NAME`.

    Raises:
        DataError: no such set, or it is not in the cache.
        UnsafeError: a name that leads out of the cache.
    """
    if given.startswith(PREFIX):
        path = held(given.removeprefix(PREFIX), Position("rnnexp init"), "DATA")
        return Place(given, path, folder)
    return Place(given, Path(given), folder)
