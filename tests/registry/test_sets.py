"""The table itself: well formed, and true of the files that are at hand."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest

from rnnexp.reading import sha256
from rnnexp.registry.cache import cache_folder
from rnnexp.registry.sets import SETS, RegistryFile

FILES = sorted({file for found in SETS for file in found.files}, key=lambda file: file.path)
SAFE_ENDINGS = (".txt", ".csv", ".gz", ".conllu", ".pos", ".neg")


def test_names_are_distinct_and_plain() -> None:
    assert max(Counter(found.name for found in SETS).values()) == 1
    assert all(re.fullmatch(r"[a-z0-9_]+", found.name) for found in SETS)
    assert all(found.title and found.licence and found.use and found.files for found in SETS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_every_file_is_one_safe_file_at_a_https_address(file: RegistryFile) -> None:
    parts = PurePosixPath(file.path).parts
    assert not file.path.startswith("/") and ".." not in parts and 1 <= len(parts) <= 2
    assert file.path.endswith(SAFE_ENDINGS) and not file.path.endswith((".tar.gz", ".zip"))
    assert urlsplit(file.url).scheme == "https"
    assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    assert file.bytes is None or file.bytes > 0


def test_no_two_entries_share_a_path() -> None:
    assert max(Counter(file.path for file in FILES).values()) == 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_the_table_is_true_of_the_file_at_hand(file: RegistryFile) -> None:
    path = cache_folder() / file.path
    if not path.is_file() or file.sha256 is None:
        pytest.skip(f"no {file.path} with a published hash in {cache_folder()}")
    assert sha256(path) == file.sha256
    assert file.bytes in (None, path.stat().st_size)
