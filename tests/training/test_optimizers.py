"""torch's optimizers without torch's compiler, whose import would take as long again as torch's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TRAINING = """
import sys
from pathlib import Path
from rnnexp.config.loading import load_config
from rnnexp.running.resuming import resume
from rnnexp.running.runner import train
from rnnexp.training.journal import Silent

config = load_config(Path(sys.argv[1]), [f"training.optimizer.name={sys.argv[3]}"])
run = train(config, Path(sys.argv[2]), Silent())["run"]
resume(Path(run), Silent(), ["training.epochs=2"])
sys.exit("torch._dynamo" in sys.modules or "sympy" in sys.modules)
"""
CONFIG = """
name: short
data: {source: adding, length: 5, train: 20, val: 10, test: 10}
task: {kind: many_to_one}
model: {hidden_sizes: [4]}
training: {epochs: 1, batch_size: 10, clip: {norm: 0.1}}
"""


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_no_compiler_is_imported(tmp_path: Path, name: str) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    arguments = [str(tmp_path / "config.yaml"), str(tmp_path / "runs"), name]
    subprocess.run([sys.executable, "-c", TRAINING, *arguments], check=True)
