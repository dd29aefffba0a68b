"""What the registry knows of a data set and of each of its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

__all__ = ["RegistryFile", "RegistrySet"]


@dataclass(frozen=True)
class RegistryFile:
    """A single file in a safe form: text, CSV, CoNLL-U, or gzip of text or IDX.

    path: where it lies in the cache. url: its public address. bytes, sha256: of the file as it is
    published; None where that is not known for sure.
    """

    path: str
    url: str
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class RegistrySet:
    """A data set under its name; `use` says which task shape it suits."""

    name: str
    title: str
    licence: str
    use: str
    files: tuple[RegistryFile, ...]

    @property
    def bytes(self) -> int | None:
        """The size of all files together; None where that of one is not known."""
        sizes = [file.bytes for file in self.files if file.bytes is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None

    @property
    def folder(self) -> str | None:
        """The one folder of the cache that holds all its files and nothing else; None if none."""
        parents = {str(PurePosixPath(file.path).parent) for file in self.files}
        return None if len(parents) > 1 or parents == {"."} else parents.pop()
