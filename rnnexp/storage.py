"""The one module that writes to disk.

A file appears whole or not at all: it is written under a temporary name in the same
folder, synced, renamed, and the folder synced. What a crash leaves behind is a hidden `.*.tmp`.
Every system call that changes the disk goes through `disk`, so that a test can let any one fail.
Nothing is written through a symbolic link, and nothing is made that others may write to.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from rnnexp.errors import Problem, StorageError, UnsafeError
from rnnexp.reading import finite, json_line

__all__ = [
    "AppendLog",
    "Disk",
    "FolderLock",
    "NewFile",
    "PartialFile",
    "check_free",
    "create_folder",
    "disk",
    "encoded",
    "ensure_folder",
    "free_bytes",
    "move_folder",
    "remove_file",
    "remove_tree",
    "try_folder",
    "write_bytes",
    "write_files",
    "write_json",
    "write_text",
    "writing",
]

FILE_MODE, FOLDER_MODE = 0o644, 0o755  # and what the umask takes off


class Disk:
    """The system calls that change the disk."""

    def open(self, path: Path, flags: int) -> int:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)

    def write(self, file: int, data: bytes | memoryview) -> int:
        return os.write(file, data)

    def truncate(self, file: int, size: int) -> None:
        os.ftruncate(file, size)

    def sync(self, file: int) -> None:
        os.fsync(file)

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def make_folder(self, path: Path) -> None:
        path.mkdir(FOLDER_MODE)

    def remove_file(self, path: Path, folder: int | None = None) -> None:
        os.unlink(path, dir_fd=folder)

    def remove_folder(self, path: Path, folder: int | None = None) -> None:
        os.rmdir(path, dir_fd=folder)


disk = Disk()


@contextmanager
def _naming(path: Path, need: int = 0) -> Iterator[None]:
    """Turns an OSError into a StorageError that names `path` and, on a full disk, the bytes."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        hint = None
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = f"needed {need:,} bytes; free: {free_bytes(path):,} bytes"
        problem = Problem(
            code="STO002" if hint else "STO001",
            message=f"cannot write {path}: {reason}",
            hint=hint,
        )
        raise StorageError(problem) from error


def free_bytes(path: Path) -> int:
    """Bytes free for this user on the file system of `path`, or of the nearest parent there is."""
    for place in (path, *path.absolute().parents):
        with suppress(OSError):
            state = os.statvfs(place)
            return state.f_bavail * state.f_frsize
    return 0


def check_free(path: Path, need: int) -> None:
    """Raises StorageError where the file system of `path` has not `need` bytes free."""
    free = free_bytes(path)
    if need > free:
        raise StorageError(
            f"cannot write {path}: needs {need:,} bytes; free: {free:,} bytes", code="STO003"
        )


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        disk.sync(folder)
    finally:
        os.close(folder)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[disk.write(file, rest) :]


# -- folders ---------------------------------------------------------------------------------------


def try_folder(path: Path) -> dict[str, bool | str]:
    """Whether files in a folder can be written, synced and locked, and if not `why`; tried once,
    and nothing is left behind.
    """
    trial = path / f".rnnexp-trial-{secrets.token_hex(4)}"
    answers: dict[str, bool | str] = {"writes": False, "sync": False, "lock": False}
    try:
        file = disk.open(trial, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except OSError as error:
        return answers | {"why": f"{path}: {error.strerror}"}
    try:
        answers["writes"] = disk.write(file, b"rnnexp") == 6
        disk.sync(file)
        answers["sync"] = True
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        answers["lock"] = True
    except OSError as error:
        answers["why"] = f"{path}: {error.strerror}"
    finally:
        os.close(file)
        with suppress(OSError):
            disk.remove_file(trial)
    return answers


def create_folder(path: Path) -> None:
    """Makes a folder that was not there. Raises StorageError, from FileExistsError if it was."""
    with _naming(path):
        disk.make_folder(path)
        _sync_folder(path.parent)


def ensure_folder(path: Path) -> None:
    """Makes a folder and its parents where they are missing. Raises StorageError."""
    for folder in (*reversed(path.parents), path):
        try:
            if not folder.is_dir():
                create_folder(folder)
        except StorageError as error:
            if not (isinstance(error.__cause__, FileExistsError) and folder.is_dir()):
                raise


def move_folder(source: Path, target: Path) -> None:
    """Renames a folder to a name beside it that is free. Raises StorageError, UnsafeError."""
    _refuse_link(source)
    with _naming(target):
        disk.rename(source, target)
        _sync_folder(target.parent)


def remove_file(path: Path) -> None:
    """Removes a file. Raises StorageError."""
    with _naming(path):
        disk.remove_file(path)
        _sync_folder(path.parent)


def remove_tree(path: Path) -> None:
    """Removes a folder and all in it; links in it are removed, not followed.

    Raises StorageError, UnsafeError (it is a link itself).
    """
    _refuse_link(path)
    with _naming(path):
        _remove_tree(path, None)


def _remove_tree(path: Path, parent: int | None) -> None:
    """By open folders, so that no name on the way can become a link. parent: of `path`."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(path, flags, dir_fd=parent)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _remove_tree(Path(entry.name), folder)
                else:
                    disk.remove_file(Path(entry.name), folder)
    finally:
        os.close(folder)
    disk.remove_folder(path, parent)


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise UnsafeError(f"{path} is a symbolic link", hint=f"nothing was changed; remove {path}")


class FolderLock:
    """Holds a folder for this process alone, by the kernel: it ends with the process, however.

    Raises BlockingIOError where another process holds it; StorageError where it cannot be locked.
    """

    def __init__(self, path: Path) -> None:
        with _naming(path):
            self._folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._folder)
            raise
        except OSError as error:
            os.close(self._folder)
            raise StorageError(
                f"cannot lock {path}: {error.strerror}; the file system has no flock",
                hint="keep runs on a local disk: --runs DIR",
            ) from error

    @property
    def descriptor(self) -> int:
        """The open folder: a child process that inherits it holds the lock as well."""
        return self._folder

    def close(self) -> None:
        """Lets others have it."""
        os.close(self._folder)


# -- whole files -----------------------------------------------------------------------------------


@contextmanager
def writing(path: Path, need: int = 0, *, last: bool = True) -> Iterator[Callable[[bytes], None]]:
    """A function that adds bytes to the file `path`, which appears whole at the end, or not at all.

    need: the bytes that the message names on a full disk. last: otherwise another file of the
    folder follows, after which its names are made to last, too. Raises StorageError; what was there
    before then still is, as after any other exception.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with _naming(path, need):
        file = disk.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def write(data: bytes) -> None:
        with _naming(path, need):
            _write_all(file, data)

    try:
        try:
            yield write
            with _naming(path, need):
                disk.sync(file)
        finally:
            os.close(file)
        with _naming(path, need):
            disk.rename(temporary, path)
    except BaseException:
        with suppress(OSError):
            disk.remove_file(temporary)
        raise
    if last:
        with _naming(path):
            _sync_folder(path.parent)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Puts files in a folder, each whole or not at all, all on disk when it returns.

    Raises StorageError; then some may be there already.
    """
    for number, (name, data) in enumerate(files.items(), start=1):
        with writing(folder / name, len(data), last=number == len(files)) as write:
            write(data)


def write_bytes(path: Path, data: bytes) -> None:
    """Puts `data` under `path`, whole or not at all, on disk when it returns.

    Raises StorageError; what was there before then still is.
    """
    with writing(path, len(data)) as write:
        write(data)


class NewFile:
    """A file that is written piece by piece and appears, whole, at the end of a `with` block.

    Where the block ends with an error, what was there before still is. Raises StorageError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        with _naming(path):
            self._file = disk.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def write(self, text: str) -> None:
        """Adds text, in UTF-8."""
        data = text.encode("utf-8", "backslashreplace")
        with _naming(self.path, len(data)):
            _write_all(self._file, data)

    def flush(self) -> None:
        """Nothing waits: what is written is with the system at once."""

    def __enter__(self) -> NewFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _naming(self.path):
            try:
                if error is None:
                    disk.sync(self._file)
                    disk.rename(self._temporary, self.path)
                    _sync_folder(self.path.parent)
            finally:
                os.close(self._file)
                with suppress(OSError):
                    disk.remove_file(self._temporary)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of `text` in UTF-8."""
    write_bytes(path, encoded(text))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """`write_bytes` of `value` as indented JSON; numbers that are not finite as in `json_line`."""
    write_bytes(path, encoded(value))


def encoded(content: str | Mapping[str, Any]) -> bytes:
    """The bytes of a file: text in UTF-8, anything else as indented JSON."""
    if not isinstance(content, str):
        content = json.dumps(finite(content), indent=2, allow_nan=False) + "\n"
    return content.encode("utf-8", "backslashreplace")


# -- logs ------------------------------------------------------------------------------------------


class AppendLog:
    """A file that grows by whole lines; each is with the system, if not on disk, at once.

    A line that a crash tore is cut off when the file is opened again. Raises StorageError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _naming(path):
            self._file: int | None = disk.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            self._cut_torn_line()

    def append(self, record: Mapping[str, Any]) -> None:
        """Adds one JSON object as a line."""
        self.append_line(json_line(record))

    def append_line(self, line: str) -> None:
        """Adds one line of text; a line break within it becomes a space."""
        data = (" ".join(line.splitlines()) + "\n").encode("utf-8", "backslashreplace")
        if self._file is None:
            raise ValueError(f"{self.path} is closed")
        with _naming(self.path, len(data)):
            try:
                _write_all(self._file, data)
            except OSError:
                with suppress(OSError):
                    self._cut_torn_line()
                raise

    @property
    def size(self) -> int:
        """Bytes of the lines so far."""
        assert self._file is not None
        return os.fstat(self._file).st_size

    def cut(self, size: int) -> None:
        """Takes back every line beyond the first `size` bytes."""
        assert self._file is not None
        with _naming(self.path):
            disk.truncate(self._file, size)
            disk.sync(self._file)

    def sync(self) -> None:
        """Returns when every line is on disk."""
        if self._file is not None:
            with _naming(self.path):
                disk.sync(self._file)

    def close(self) -> None:
        """Syncs and closes; a second call does nothing."""
        if self._file is not None:
            try:
                self.sync()
            finally:
                os.close(self._file)
                self._file = None

    def __enter__(self) -> AppendLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cut_torn_line(self) -> None:
        assert self._file is not None
        size = end = os.fstat(self._file).st_size
        while end > 0:
            start = max(0, end - 65536)
            newline = os.pread(self._file, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            disk.truncate(self._file, end)


# -- files that arrive in pieces -------------------------------------------------------------------


class PartialFile:
    """`.NAME.part`: what has arrived of a file, which takes its name when it is whole.

    What an earlier process left in it is still there. While it is open it is locked; another
    process that opens it waits. `notes`, a file that its owner may write, goes when it goes.
    Raises StorageError.
    """

    def __init__(self, target: Path) -> None:
        self.target, self.path = target, target.with_name(f".{target.name}.part")
        self.notes = self.path.with_name(f"{self.path.name}.json")
        with _naming(self.path):
            self._file = self._open_locked()

    def _open_locked(self) -> int:
        while True:
            file = disk.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            fcntl.flock(file, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):  # while it waited, the file can have got its name
                if os.path.samestat(os.fstat(file), self.path.stat()):
                    return file
            os.close(file)

    @property
    def size(self) -> int:
        return os.fstat(self._file).st_size

    def append(self, data: bytes) -> None:
        """Adds bytes at the end."""
        with _naming(self.path, len(data)):
            _write_all(self._file, data)

    def empty(self) -> None:
        """Takes back all that has arrived."""
        with _naming(self.path):
            disk.truncate(self._file, 0)

    def place(self) -> None:
        """Gives the whole file its name, on disk when it returns."""
        with _naming(self.target):
            disk.sync(self._file)
            disk.rename(self.path, self.target)
            self._remove(self.notes)
            _sync_folder(self.target.parent)

    def close(self) -> None:
        """Lets others have it; removes it where nothing has arrived."""
        try:
            with _naming(self.path):
                if self.size == 0:
                    self._remove(self.path, self.notes)
        finally:
            os.close(self._file)

    def _remove(self, *paths: Path) -> None:
        for path in paths:
            with suppress(FileNotFoundError):
                disk.remove_file(path)
