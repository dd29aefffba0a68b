from __future__ import annotations

from pathlib import Path

from rnnexp.config.reference import reference
from rnnexp.config.unknown_keys import homes

PAGE = Path(__file__).parents[2] / "docs" / "config.md"


def test_the_page_is_in_step_with_the_schema() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `make docs`"


def test_every_key_is_on_the_page() -> None:
    page = reference()
    assert [name for name in homes() if f"| `{name}` |" not in page and name != "val"] == []
    assert "| `hidden_sizes` | `[64]` | a list of 1 to 64 whole numbers from 1 to 65,536 |" in page


def test_no_text_of_the_library_below_the_schema() -> None:
    assert "pydantic" not in reference().lower()
    assert "Usage Documentation" not in reference()
