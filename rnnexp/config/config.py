"""A loaded config: the typed experiment, and where in the user's files every key of it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rnnexp.config.schema import Experiment
from rnnexp.errors import Position
from rnnexp.registry.cache import PREFIX, held

__all__ = ["Config", "KeyPath"]

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Config:
    """What `load_config` returns.

    text: the file as given. overrides: `a.b=c` and `~a.b` as given.
    positions: key path -> where its value was written (a file, or the command line).
    """

    experiment: Experiment
    path: Path
    text: str
    overrides: tuple[str, ...]
    positions: Mapping[KeyPath, Position]

    def where(self, key: str) -> Position:
        """The position of a dotted key, or of the nearest section around it."""
        path: KeyPath = tuple(key.split("."))
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions.get(path, Position(str(self.path), 1, 1))

    def file(self, key: str) -> Path:
        """The file that a dotted key names, relative to the config that names it.

        A path given on the command line is relative to the current directory. `data:NAME` is a
        set of the registry, or one of its files, in the data cache, held against its hash.

        Raises:
            DataError: no such set, or the cache lacks it or holds something else.
            UnsafeError: a name that leads out of the cache.
        """
        named = self._named(key)
        if named.startswith(PREFIX):
            return held(named.removeprefix(PREFIX), self.where(key), key)
        origin = Path(self.where(key).file)
        folder = origin.parent if origin.is_file() else Path()
        return (folder / named).absolute()

    def portable_file(self, key: str) -> str:
        """The same as a config anywhere may name it: an absolute path, or `data:NAME` as it is."""
        named = self._named(key)
        return named if named.startswith(PREFIX) else str(self.file(key))

    def _named(self, key: str) -> str:
        named = self.experiment.model_dump()
        for part in key.split("."):
            named = named[part]
        return str(named)
