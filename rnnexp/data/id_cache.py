"""The ids of a large text on disk, encoded once and used again.

<cache>/encoded/<key>.ids    a flat array of the smallest unsigned type
<cache>/encoded/<key>.json   its size, its type and its SHA-256, the vocabulary, the split
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnexp import reading, storage
from rnnexp.data.corpus import Corpus
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.splits import SPLITS
from rnnexp.data.stored import StoredIds
from rnnexp.errors import StorageError, UnsafeError
from rnnexp.registry.cache import cache_folder

__all__ = ["Encoded", "encoded"]

FORMAT = 1
SETTINGS = ("unit", "pieces", "lowercase", "max_vocabulary", "split")
LARGEST_HEADER = 1 << 28


@dataclass(frozen=True)
class Encoded:
    """A text as ids. sizes: ids of each part. state: how the ids came here, for `data.json`.

    mended: they were in the cache, and damaged.
    """

    ids: StoredIds
    vocabulary: Vocabulary
    sizes: tuple[int, int, int]
    state: str = "found in the cache"
    mended: bool = False


def encoded(corpus: Corpus, sha256: str) -> Encoded:
    """The ids of the text of a file with this SHA-256: those in the cache, or made now.

    What is damaged in the cache is made anew, and the state says so.

    Raises:
        StorageError: the cache cannot be written, or has no room for them.
        DataError: the text cannot be read.
    """
    settings = corpus.settings.model_dump(mode="json", include=set(SETTINGS))
    key = _digest({"format": FORMAT, "sha256": sha256, **settings})[:32]
    path = cache_folder() / "encoded" / f"{key}.ids"
    state, mended = "written to the cache", False
    try:
        return _opened(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError, UnsafeError) as error:
        state, mended = f"{state} anew, where they were damaged: {error}", True
    _make_folder(path.parent)
    _write(corpus, path)
    return replace(_opened(path), state=state, mended=mended)


def _opened(path: Path) -> Encoded:
    """Raises OSError, UnsafeError, ValueError, KeyError or TypeError where it is not whole."""
    stored = json.loads(reading.read_bytes(path.with_suffix(".json"), LARGEST_HEADER))
    header = stored["header"]
    if stored["sha256"] != _digest(header):
        raise ValueError("the header is not what was written")
    dtype = np.dtype(header["dtype"])
    size, expected = path.stat().st_size, sum(header["sizes"]) * dtype.itemsize
    if size != expected:
        raise ValueError(f"{size:,} bytes instead of {expected:,}")
    if reading.sha256(path) != header["sha256"]:
        raise ValueError("the ids are not what was written")
    train, val, test = header["sizes"]
    ids = StoredIds(path, dtype, train + val + test)
    return Encoded(ids, Vocabulary.from_json(header["vocabulary"]), (train, val, test))


def _make_folder(folder: Path) -> None:
    try:
        storage.ensure_folder(folder)
    except StorageError as error:
        raise StorageError(
            f"{error}; a text this large is encoded into a file there",
            code="STO004",
            key="data.path",
            hint="RNNEXP_DATA names another folder to keep it in",
        ) from error


def _write(corpus: Corpus, path: Path) -> None:
    length = corpus.measure()
    vocabulary = corpus.fit(length)
    dtype = np.min_scalar_type(len(vocabulary) - 1)
    need = length * dtype.itemsize
    storage.check_free(path, need)
    sizes, digest = [0] * len(SPLITS), hashlib.sha256()
    with storage.writing(path, need) as write:
        for part, ids in corpus.encode(vocabulary, length):
            raw = ids.astype(dtype).tobytes()
            write(raw)
            digest.update(raw)
            sizes[part] += len(ids)
    header = {
        "sizes": sizes,
        "dtype": dtype.name,
        "sha256": digest.hexdigest(),
        "vocabulary": vocabulary.to_json(),
    }
    content = json.dumps({"sha256": _digest(header), "header": header})
    storage.write_text(path.with_suffix(".json"), content)


def _digest(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
