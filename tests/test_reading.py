"""Reading with care."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rnnexp.errors import UnsafeError
from rnnexp.reading import read_bytes


def test_a_read_refuses_links_pipes_devices_and_large_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert read_bytes(tmp_path / "a", 5) == b"12345"
    os.mkfifo(tmp_path / "pipe")
    odd = (tmp_path / "link", None), (tmp_path / "pipe", None), (Path("/dev/zero"), 9)
    for path, limit in (*odd, (tmp_path / "a", 4)):
        with pytest.raises(UnsafeError):
            read_bytes(path, limit)
