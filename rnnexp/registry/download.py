"""Fetching one file of the registry: into a partial file, held against its hash, then placed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit

from rnnexp import __version__, storage
from rnnexp.errors import DataError, EnvironmentMissingError, UnsafeError
from rnnexp.reading import read_bytes, sha256
from rnnexp.registry.cache import check_file, expected_sha256, record_of
from rnnexp.registry.sets import RegistryFile

__all__ = ["Fetched", "ask", "fetch", "is_address"]


# Asking a server for a file: over http and https alone, with a limit on time and redirects.

TIMEOUT_SECONDS = 30.0  # for the connection, and for each wait for more
NO_SUCH_RANGE = 416
REDIRECTS = range(300, 400)

LOST = (OSError, HTTPException)
"""what is raised where no server answers, or the connection breaks"""


def is_address(url: str) -> bool:
    """Whether this is an address that `ask` may ask."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def ask(url: str, headers: Mapping[str, str]) -> HTTPResponse | HTTPError:
    """The answer of the server, its body unread; the caller closes it.

    An HTTPError is returned for `NO_SUCH_RANGE` alone. The system's proxies are used.

    Raises:
        DataError: the server answers that it does not give the file.
        UnsafeError: it redirects to where a download may not go.
        OSError, HTTPException: see `LOST`.
    """
    asked = request.Request(url, headers={"User-Agent": f"rnnexp/{__version__}", **headers})
    try:
        answer: HTTPResponse = _opener().open(asked, timeout=TIMEOUT_SECONDS)
    except HTTPError as error:
        if error.code == NO_SUCH_RANGE and "Range" in headers:
            return error
        with error:
            raise _refusal(url, error) from None
    return answer


def reason_of(error: Exception) -> str:
    """Why the server could not be reached, in words."""
    reason = error.reason if isinstance(error, URLError) else error
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _opener() -> request.OpenerDirector:
    """An opener without the handlers for file:, ftp: and data: addresses."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.UnknownHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


class _Redirects(request.HTTPRedirectHandler):
    """Follows a few redirects, to http and https alone, and never from https to http."""

    max_redirections = 5

    def redirect_request(  # noqa: PLR0917 (urllib's own signature)
        self,
        req: request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> request.Request | None:
        followed = ("https",) if req.type == "https" else ("http", "https")
        if urlsplit(newurl).scheme not in followed:
            raise HTTPError(req.full_url, code, msg, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refusal(url: str, error: HTTPError) -> DataError | UnsafeError:
    if error.code in REDIRECTS:
        return UnsafeError(
            f"{url} redirects to where a download may not go",
            code="SAF020",
            value=error.headers.get("Location"),
            allowed=f"up to {_Redirects.max_redirections} redirects, to http or https, "
            "never from https to http",
        )
    return DataError(
        f"{url} answers {error.code} {error.reason}",
        code="DAT164",
        hint="it may have moved: --from URL names a mirror that has it",
    )


# Fetching one file of the registry: into a partial file, held against its hash, then placed.
#
# What has arrived is kept when the connection breaks or the process ends, and the next try goes on
# from there where the server can.

ATTEMPTS = 3  # as long as each brings more
PIECE = 1 << 16
LARGEST = 1 << 32  # bytes of a file whose size is not known beforehand
NOTES_BYTES = 1 << 16

Progress = Callable[[int, int | None], None]
"""is told how many bytes have arrived, and of how many, where that is known"""


@dataclass(frozen=True)
class Fetched:
    """A file that is in the cache now; `downloaded`: it was not before."""

    file: RegistryFile
    path: Path
    sha256: str
    bytes: int
    downloaded: bool


def fetch(
    file: RegistryFile,
    folder: Path,
    progress: Progress = lambda done, total: None,
    mirror: str | None = None,
) -> Fetched:
    """Puts a file into the cache folder, unless it is there already.

    mirror: the address under which the same paths lie as in the cache, instead of the public one.
    Of two processes that want the same file, one waits for the other.

    Raises:
        DataError: the server does not give it, or gives another size or hash than published; or
            the file that is there already has another.
        EnvironmentMissingError: the server cannot be reached.
        StorageError: the cache cannot be written, or is full.
        UnsafeError: the server redirects to where a download may not go.
    """
    target = folder / file.path
    if target.exists():
        return _fetched(file, folder, downloaded=False)
    storage.ensure_folder(target.parent)
    with closing(storage.PartialFile(target)) as partial:
        if target.exists():  # another process was faster
            partial.empty()
            return _fetched(file, folder, downloaded=False)
        url = file.url if mirror is None else f"{mirror.rstrip('/')}/{quote(file.path)}"
        _Transfer(file, url, partial, progress).run()
        _verify(file, url, folder, partial)
        partial.place()
    fetched = _fetched(file, folder, downloaded=True)
    if expected_sha256(file, folder) is None:
        storage.write_text(record_of(target), f"{fetched.sha256}  {target.name}\n")
    return fetched


def _fetched(file: RegistryFile, folder: Path, downloaded: bool) -> Fetched:
    digest = check_file(file, folder)
    path = folder / file.path
    return Fetched(file, path, digest, path.stat().st_size, downloaded)


def _verify(file: RegistryFile, url: str, folder: Path, partial: storage.PartialFile) -> None:
    expected, digest = expected_sha256(file, folder), sha256(partial.path)
    if expected in (None, digest):
        return
    partial.empty()
    hint = "what arrived is removed. It may have changed there: --from URL names a mirror"
    if file.sha256 is None:
        record = record_of(folder / file.path)
        hint = f"what arrived is removed. To take it as it is now, remove {record}"
    raise DataError(f"{url} has SHA-256 {digest}, expected {expected}", code="DAT166", hint=hint)


@dataclass(frozen=True)
class _Transfer:
    """The bytes on their way from an address into a partial file."""

    file: RegistryFile
    url: str
    partial: storage.PartialFile
    progress: Progress

    def run(self) -> None:
        """Returns when all has arrived."""
        for attempt in range(1, ATTEMPTS + 1):
            before = self.partial.size
            try:
                self._attempt()
                break
            except LOST as error:
                if self.partial.size <= before or attempt == ATTEMPTS:
                    raise self._unreachable(error) from None

    def _attempt(self) -> None:
        start, validator = self._left_by_earlier()
        if start and start == self.file.bytes:
            return
        headers = {"Range": f"bytes={start}-", "If-Range": validator} if start else {}
        with ask(self.url, headers) as answer:
            if isinstance(answer, HTTPResponse) and _goes_on(answer, start):
                self._receive(answer, start)
                return
        if not start:
            raise ConnectionError("the server answers with a part of the file, unasked")
        self.partial.empty()  # it has no such range: from the beginning
        self._attempt()

    def _left_by_earlier(self) -> tuple[int, str]:
        """How many bytes there are to go on from, and what says that the file is still the same."""
        notes = _read_notes(self.partial.notes)
        start, validator = self.partial.size, notes.get("validator") or ""
        too_long = self.file.bytes is not None and start > self.file.bytes
        if start and (too_long or not validator or notes.get("url") != self.url):
            self.partial.empty()
            return 0, ""
        return start, validator

    def _receive(self, answer: HTTPResponse, start: int) -> None:
        if answer.status != 206:
            start = 0
            self.partial.empty()
            self._note(answer)
        total = None if answer.length is None else start + answer.length
        limit = LARGEST if self.file.bytes is None else self.file.bytes
        if total is not None and (total > limit or self.file.bytes not in (None, total)):
            raise self._wrong_size(f"{total:,} bytes")
        total = self.file.bytes if total is None else total
        storage.check_free(self.partial.path, (total or 0) - start)
        while piece := answer.read1(PIECE):
            if self.partial.size + len(piece) > limit:
                raise self._wrong_size(f"more than {limit:,} bytes")
            self.partial.append(piece)
            self.progress(self.partial.size, total)
        if self.partial.size < (total or 1):
            raise ConnectionError("the connection was cut")

    def _note(self, answer: HTTPResponse) -> None:
        """Writes down where the bytes come from, so that a later try knows what it goes on with."""
        tag = answer.headers.get("ETag", "")
        validator = tag if tag.startswith('"') else answer.headers.get("Last-Modified")
        storage.write_json(self.partial.notes, {"url": self.url, "validator": validator})

    def _wrong_size(self, size: str) -> DataError:
        self.partial.empty()
        expected = f"at most {LARGEST:,}" if self.file.bytes is None else f"{self.file.bytes:,}"
        return DataError(
            f"{self.url} has {size}, expected {expected}",
            code="DAT165",
            hint="what arrived is removed. It may have changed there: --from URL names a mirror",
        )

    def _unreachable(self, error: Exception) -> EnvironmentMissingError:
        kept = self.partial.size
        hint = "no network, or a proxy that is not set? --from URL names a mirror"
        if kept:
            hint = f"{kept:,} bytes have arrived; the same command goes on from there"
        return EnvironmentMissingError(
            f"cannot download {self.url}: {reason_of(error)}", code="ENV110", hint=hint
        )


def _goes_on(answer: HTTPResponse, start: int) -> bool:
    """Whether the answer begins at byte `start`, or at the beginning of the file."""
    if answer.status != 206:
        return True
    return start > 0 and answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _read_notes(path: Path) -> dict[str, str]:
    try:
        notes = json.loads(read_bytes(path, NOTES_BYTES))
    except (OSError, ValueError, UnsafeError):
        return {}
    return notes if isinstance(notes, dict) else {}
