"""Validation and test files that lie beside a training file, known by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnexp.drafting.draft import Choice, Key

__all__ = ["OtherFiles", "beside", "in_place_of_train"]

VALIDATION = ("val", "valid", "validation", "dev")
TRAIN = re.compile(r"(?<![A-Za-z])train(?:ing)?(?![A-Za-z])", re.IGNORECASE)


@dataclass(frozen=True)
class OtherFiles:
    """Files as the config is to name them; None where there is no such file."""

    val: str | None = None
    test: str | None = None

    def keys(self, ending: str = "path") -> list[Key]:
        """`val_path` and `test_path`; a validation counts only where there is a test as well."""
        if self.test is None:
            return []
        found = [("val", self.val, "chooses the checkpoint"), ("test", self.test, "scored once")]
        return [Key(f"{name}_{ending}", path, why) for name, path, why in found if path]

    def choices(self) -> list[Choice]:
        why = "lies beside the training file"
        return [
            Choice(f"data.{key.name}", key.value, why, f"remove data.{key.name}")
            for key in self.keys()
        ]


def in_place_of_train(path: Path, names: Sequence[str]) -> Path | None:
    """`train.csv` -> `test.csv`: a file beside `path` with one of `names` for `train`, or with a
    longer name that begins so, such as `test2016.en` beside `train.en`.
    """
    if not TRAIN.search(path.name):
        return None
    before, _, after = TRAIN.sub("\0", path.name, count=1).partition("\0")
    for name in names:
        exact = path.with_name(f"{before}{name}{after}")
        if exact.is_file():
            return exact
        longer = re.compile(re.escape(f"{before}{name}") + r"[\w-]*" + re.escape(after))
        found = sorted(p for p in path.parent.iterdir() if longer.fullmatch(p.name) and p.is_file())
        if len(found) == 1:
            return found[0]
    return None


def beside(path: Path) -> tuple[Path | None, Path | None]:
    """The validation and the test that belong to a training file; a validation only with a test."""
    test = in_place_of_train(path, ("test",))
    return (in_place_of_train(path, VALIDATION) if test else None), test
