from __future__ import annotations

import json

import pytest

from rnnexp.cli import app
from rnnexp.config.reference import json_schema


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_prints_the_schema(capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    assert app.main(["schema", *options]) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == json_schema()
