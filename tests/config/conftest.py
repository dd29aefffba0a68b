"""Valid configs of many kinds, to load and to spoil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rnnexp.config.config import Config
from rnnexp.config.loading import load_config
from rnnexp.errors import Problem, RnnexpError

EXAMPLES = {
    "series": """\
# Sunspots
name: sunspots-lstm
seed: 0
data:
  source: csv
  path: sunspots.csv   # relative to this file
  value: count
  window: 33
  horizon: 1
  split: {train: 0.7, val: 0.15, test: 0.15}
  scale: standard
task: {kind: many_to_one, target: regression, loss: huber}
model:
  cell: lstm
  hidden_sizes: [64, 32]
  return_sequences: [true, false]
  dropout: 0.1
  forget_bias: 1
  init:
    input: glorot
    recurrent: spectral_radius
    spectral_radius: 0.9
training:
  epochs: 40
  batch_size: 32
  optimizer:
    name: adam
    lr: 2e-3
    betas: [0.9, 0.99]
  schedule: {name: plateau, patience: 3}
  clip:
    norm: 1.0
  early_stopping:
    patience: 10
  monitor: val/rmse
""",
    "text": """\
name: characters
data: {source: text, path: corpus.txt, unit: character, window: 64}
task:
  kind: many_to_many
model:
  cell: gru
  hidden_sizes: [128]
  embedding: 128
  tied_embedding: true
  recurrent_dropout: 0.2
training:
  max_steps: 1000
  optimizer: {name: sgd, lr: 0.5, momentum: 0.9, nesterov: true}
  schedule:
    name: cosine
    warmup_steps: 100
  bptt:
    k1: 16
    k2: 16
    carry_state: true
  monitor: val/perplexity
  mode: min
  threads: 1
""",
    "reviews": """\
name: reviews
data:
  source: jsonl
  path: train.jsonl
  val_path: val.jsonl
  test_path: test.jsonl
  inputs: text
  target: label
  unit: word
  target_unit: label
  classes: 2
  empty: drop
task:
  kind: many_to_one
  class_weights: [1, 2.5]
model:
  cell: rnn
  activation: relu
  hidden_sizes:
    - 32
    - 16
  bidirectional: true
  merge: sum
  layer_norm: true
  initial_state: learned
training:
  accumulate: 2
  clip: {value: 5}
  optimizer:
    name: rmsprop
    alpha: 0.95
  schedule: {name: step, every: 2}
  precision: bfloat16
  device: cpu
""",
    "names": """\
name: names
data:
  source: folder
  path: names
  unit: character
  duplicates: drop
  ambiguous: drop
  stratify: true
  folds: 5
  fold: 4
  split: {train: 0.9, val: 0.1, test: 0}
task: {kind: many_to_one, class_weights: balanced}
model: {cell: gru, hidden_sizes: [32], embedding: 16}
""",
    "tags": """\
name: tags
data:
  source: conllu
  path: dev.conllu
  test_path: test.conllu
  column: xpos
  lowercase: true
  min_count: 2
  max_length: 100
task: {kind: many_to_many}
model: {cell: lstm, hidden_sizes: [32], embedding: 16, bidirectional: true}
""",
    "table": """\
name: table
data:
  source: csv_rows
  path: rows.csv
  inputs: [a, b, c]
  target: kind
  target_unit: label
  scale: standard
  nan: drop
task: {kind: many_to_one, target: classification}
""",
    "digits": """\
name: digits
data: {source: idx, path: images.gz, labels: ../labels.gz, view: rows}
task: {kind: many_to_one}
""",
    "captions": """\
name: captions
data: {source: images, path: album, captions: captions.csv, color: gray, size: [16, 16]}
task: {kind: one_to_many}
model: {cell: gru, hidden_sizes: [32], image_encoder: {channels: [8], size: 32}}
""",
    "translation": """\
name: translation
data:
  source: pairs
  path: train.en
  target_path: train.fr
  val_path: val.en
  val_target_path: val.fr
  test_path: test.en
  test_target_path: test.fr
task: {kind: many_to_many, alignment: delayed}
model: {cell: gru, hidden_sizes: [32], embedding: 16}
""",
    "waves": """\
name: waves
data:
  source: waveforms
  length: 40
  period: 20
  noise: 0.05
  train: 500
task:
  kind: one_to_many
  conditioning: every_step
training:
  clip: null
  log_every: 5
""",
}

Write = Callable[..., Path]
Load = Callable[..., Config]
Problems = Callable[..., list[Problem]]


@pytest.fixture(params=sorted(EXAMPLES))
def example(request: pytest.FixtureRequest) -> str:
    """Each valid config in turn."""
    return EXAMPLES[request.param]


@pytest.fixture
def examples() -> dict[str, str]:
    return EXAMPLES


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(text, name="exp.yaml") -> the path of a new config."""

    def write(text: str | bytes, name: str = "exp.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def load(write: Write) -> Load:
    """load(text, *overrides) -> Config."""
    return lambda text, *overrides: load_config(write(text), overrides)


@pytest.fixture
def problems(load: Load) -> Problems:
    """problems(text, *overrides) -> what is wrong with it; each with its exit code filled in."""

    def find(text: str | bytes, *overrides: str) -> list[Problem]:
        with pytest.raises(RnnexpError) as caught:
            load(text, *overrides)
        error = caught.value
        exits = {problem.exit or error.exit_code for problem in error.problems}
        assert error.exit in exits
        return list(error.problems)

    return find
