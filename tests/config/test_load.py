from __future__ import annotations

from pathlib import Path

import pytest

from rnnexp.config.load import load_config, resolved_yaml
from rnnexp.errors import CommandError


def test_examples_load(load, example: str) -> None:
    config = load(example)
    assert config.text == example
