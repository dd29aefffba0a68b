"""Asking a server for a file: over http and https alone, with a limit on time and redirects."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import IO, Any
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from rnnexp import __version__
from rnnexp.errors import DataError, UnsafeError

__all__ = ["LOST", "NO_SUCH_RANGE", "ask", "is_address", "reason_of"]

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
