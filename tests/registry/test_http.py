"""Which addresses are asked at all."""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

import pytest

from rnnexp.errors import UnsafeError
from rnnexp.registry.download import _Redirects, ask, is_address
from tests.serving import Site


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://example.org/sets", True),
        ("http://127.0.0.1:8000", True),
        ("file:///etc/passwd", False),
        ("ftp://example.org", False),
        ("example.org", False),
        ("https://", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_addresses(url: str, good: bool) -> None:
    assert is_address(url) is good


@pytest.mark.parametrize(
    ("origin", "target", "followed"),
    [
        ("https://a.example/x", "https://b.example/x", True),
        ("http://a.example/x", "https://a.example/x", True),
        ("http://a.example/x", "http://b.example/x", True),
        ("https://a.example/x", "http://a.example/x", False),
        ("https://a.example/x", "ftp://a.example/x", False),
    ],
)
def test_a_redirect_never_leaves_https(origin: str, target: str, followed: bool) -> None:
    arguments: Any = (Request(origin), None, 302, "Found", {}, target)
    if followed:
        asked = _Redirects().redirect_request(*arguments)
        assert asked is not None and asked.full_url == target
    else:
        with pytest.raises(HTTPError):
            _Redirects().redirect_request(*arguments)


def test_a_file_is_never_opened(site: Site) -> None:
    site.location = "file:///etc/hostname"
    with pytest.raises(UnsafeError, match="redirects"):
        ask(site.url + "/corpus/a.txt", {})
