"""A server with one file, the entry that describes it, and an empty cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnexp.registry.sets import RegistryFile
from tests.serving import Site, serve

CONTENT = bytes(range(256)) * 2000  # 512,000 bytes: several pieces
PATH = "/corpus/a.txt"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "*")
    with serve() as site:
        site.files[PATH] = CONTENT
        yield site


@pytest.fixture
def entry(site: Site) -> RegistryFile:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return RegistryFile("corpus/a.txt", site.url + PATH, len(CONTENT), digest)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RNNEXP_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"
