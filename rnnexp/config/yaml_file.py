"""A config file's bytes -> text: regular files of bounded size, UTF-8, no control characters."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from yaml.reader import Reader

from rnnexp.config.nearest import nearest
from rnnexp.errors import CommandError, ConfigError, Position, Problem, RnnexpError

__all__ = ["MAX_BYTES", "decode", "read_config"]

MAX_BYTES = 1024 * 1024


def read_config(path: Path) -> str:
    """The text of a config file.

    Raises CommandError where `path` names no regular file, ConfigError where it cannot be read.
    """
    try:
        return decode(_read(path), str(path))
    except FileNotFoundError:
        raise _missing(path) from None
    except (NotADirectoryError, ValueError) as error:
        raise CommandError(
            f"no such file ({error})", code="CMD010", position=Position(str(path))
        ) from None
    except PermissionError:
        raise _unreadable(path) from None
    except OSError as error:
        raise CommandError(
            f"cannot be read: {error.strerror}", code="CMD010", position=Position(str(path))
        ) from None


def _read(path: Path) -> bytes:
    # O_NONBLOCK: opening a FIFO must not wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise _directory(path)
        if not stat.S_ISREG(mode):
            raise CommandError(
                "is a device, pipe or socket; a config is a regular file",
                code="CMD012",
                position=Position(str(path)),
            )
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def decode(data: bytes, source: str) -> str:
    """Text of a YAML file, without a byte order mark; raises ConfigError."""
    if len(data) > MAX_BYTES:
        raise ConfigError(
            f"larger than {MAX_BYTES:,} bytes",
            code="CFG012",
            position=Position(source, 1, 1),
            hint="is this a data file? the config names it under data.path",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(data, error, source) from None
    if control := Reader.NON_PRINTABLE.search(text):
        raise ConfigError(
            f"control character U+{ord(control[0]):04X}",
            code="CFG013",
            position=_position(source, text[: control.start()]),
            hint='write it as an escape in double quotes, such as "\\e"',
        )
    return text


def _not_utf8(data: bytes, error: UnicodeDecodeError, source: str) -> ConfigError:
    before = data[: error.start].decode("utf-8-sig", errors="replace")
    return ConfigError(
        f"not UTF-8: byte 0x{data[error.start]:02x} at byte offset {error.start}",
        code="CFG011",
        position=_position(source, before),
        hint="save the file as UTF-8",
    )


def _position(source: str, before: str) -> Position:
    """The position that follows the text `before`."""
    return Position(source, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _missing(path: Path) -> CommandError:
    folder = path.parent
    siblings = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    best = nearest(path.name, siblings)
    return CommandError(
        f"no such file ({path.absolute()})",
        code="CMD010",
        position=Position(str(path)),
        suggestion=str(folder / best) if best else None,
        hint="`rnnexp configs ls` lists the configs that come with rnnexp",
    )


def _directory(path: Path) -> RnnexpError:
    files = sorted(p.name for p in path.iterdir() if p.suffix in (".yaml", ".yml"))
    return CommandError(
        "is a directory; name one config in it",
        code="CMD011",
        position=Position(str(path)),
        allowed=", ".join(files[:20]) or "(it holds no .yaml file)",
    )


def _unreadable(path: Path) -> ConfigError:
    return ConfigError(
        Problem(
            "CFG010",
            f"no permission to read it ({_ownership(path)})",
            Position(str(path)),
            hint=f"chmod u+r {path}",
        )
    )


def _ownership(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        return f"{error.strerror}"
    return f"owner {_user(status.st_uid)}, mode {stat.filemode(status.st_mode)}"


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
