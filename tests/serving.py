"""A real server on this machine that serves files, and misbehaves when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Site", "serve"]


class Site:
    """What is served, how, and what was asked for.

    files: path -> bytes. requests: the headers of each request, in order.
    cut: bytes after which the next answer breaks off, or each, where `cut_always`.
    stall: bytes after which an answer waits for `resume`.
    """

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}
        self.requests: list[dict[str, str]] = []
        self.ranges = True
        self.declares_length = True
        self.etag: str | None = '"1"'
        self.status = 200
        self.location: str | None = None
        self.cut: int | None = None
        self.cut_always = False
        self.stall: int | None = None
        self.resume = threading.Event()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *_: object) -> None:
            """Says nothing."""

        def do_GET(self) -> None:
            site.requests.append({name.lower(): value for name, value in self.headers.items()})
            content = site.files.get(self.path)
            if site.location is not None:
                self.send_response(302)
                self.send_header("Location", site.location)
                self.end_headers()
            elif site.status != 200 or content is None:
                self.send_error(404 if content is None else site.status)
            else:
                self._give(content)

        def _give(self, content: bytes) -> None:
            start = self._start()
            if start > 0 and start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                end = f"{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", f"bytes {start}-{end}")
            if site.declares_length:
                self.send_header("Content-Length", str(len(content) - start))
            if site.etag:
                self.send_header("ETag", site.etag)
            self.end_headers()
            self._send(content[start:])

        def _start(self) -> int:
            asked = self.headers.get("Range")
            if not (site.ranges and asked) or self.headers.get("If-Range") != site.etag:
                return 0
            return int(asked.removeprefix("bytes=").rstrip("-"))

        def _send(self, body: bytes) -> None:
            cut = site.cut
            if not site.cut_always:
                site.cut = None
            if site.stall is not None:
                self.wfile.write(body[: site.stall])
                self.wfile.flush()
                site.resume.wait(30)
                body = body[site.stall :]
            try:
                self.wfile.write(body[:cut])
            except OSError:  # the reader was interrupted
                self.close_connection = True

    return Handler


@contextmanager
def serve() -> Iterator[Site]:
    """A server on a free port of this machine, for as long as the block lasts."""
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.resume.set()
        server.shutdown()
        server.server_close()
        thread.join()
