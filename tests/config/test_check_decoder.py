"""The delayed many-to-many: what goes together, and what each refusal names."""

from __future__ import annotations

import pytest

from tests.config.conftest import Load, Problems

DELAYED = """\
name: delayed
data: {source: jsonl, path: pairs.jsonl, unit: word}
task: {kind: many_to_many, alignment: delayed}
model: {cell: gru, hidden_sizes: [8], embedding: 4}
"""
ALIGNED = """\
name: aligned
data: {source: delayed_echo}
task: {kind: many_to_many}
"""


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["model.bidirectional=true", "task.beam=4", "task.length_penalty=0.6"],
        ["model.decoder={attention: dot, bridge: copy, tied_embedding: true}"],
        ["model.decoder={attention: additive, bridge: zero, input_feeding: true, dropout: 0.2}"],
        ["model.decoder={hidden_sizes: [6, 6], embedding: 3}", "model.dropout=0.1"],
        ["training.teacher_forcing={start: 1.0, end: 0.5, epochs: 5}"],
        ["training.teacher_forcing.start=0.0"],
        ["training.monitor=val/bleu", "training.mode=max"],
        ["data.unit=character", "training.monitor=val/exact_match"],
        ["data.unit=number", "data.target_unit=word", "~model.embedding"],
    ],
)
def test_what_goes_together(load: Load, overrides: list[str]) -> None:
    load(DELAYED, *overrides)


@pytest.mark.parametrize(
    ("overrides", "code", "key"),
    [
        (["task.target=regression"], "CFG202", "task.target"),
        (["data.unit=number", "~model.embedding"], "CFG202", "data.target_unit"),
        (["data.target_unit=number"], "CFG202", "data.target_unit"),
        (["training.bptt={k1: 4, k2: 4}"], "CFG202", "training.bptt"),
        (["training.bptt={checkpoint_every: 4}"], "CFG202", "training.bptt"),
        (["model.cell=rnn", "model.recurrence=output_to_hidden"], "CFG202", "model.recurrence"),
        (["task.length_penalty=0.5"], "CFG201", "task.length_penalty"),
        (["model.tied_embedding=true"], "CFG202", "model.tied_embedding"),
        (["~model.embedding", "model.decoder.tied_embedding=true"], "CFG202",
         "model.decoder.tied_embedding"),
        (["model.bidirectional=true", "model.decoder.attention=dot"], "CFG202",
         "model.decoder.attention"),
        (["model.bidirectional=true", "model.decoder.bridge=copy"], "CFG202",
         "model.decoder.bridge"),
        (["model.decoder={hidden_sizes: [8, 8], bridge: copy}"], "CFG202", "model.decoder.bridge"),
        (["model.decoder={bridge: zero, attention: none}"], "CFG202", "model.decoder.bridge"),
        (["model.decoder={input_feeding: true, attention: none}"], "CFG201",
         "model.decoder.input_feeding"),
        (["model.dropout=0.1"], "CFG201", "model.dropout"),
        (["training.teacher_forcing.start=1.0"], "CFG201", "training.teacher_forcing.start"),
        (["training.monitor=val/perplexity"], "CFG202", "training.monitor"),
        (["data.unit=character", "training.monitor=val/bleu"], "CFG202", "training.monitor"),
    ],
)  # fmt: skip
def test_what_does_not(problems: Problems, overrides: list[str], code: str, key: str) -> None:
    found = problems(DELAYED, *overrides)
    assert (code, key) in {(problem.code, problem.key) for problem in found}


@pytest.mark.parametrize(
    ("overrides", "code", "key"),
    [
        (["model.decoder.attention=dot"], "CFG201", "model.decoder"),
        (["task.beam=4"], "CFG201", "task.beam"),
        (["task.length_penalty=1.0"], "CFG201", "task.length_penalty"),
        (["task.alignment=delayed"], "CFG202", "task.alignment"),
    ],
)
def test_aligned_tasks_have_no_decoder(
    problems: Problems, overrides: list[str], code: str, key: str
) -> None:
    (found,) = problems(ALIGNED, *overrides)
    assert (found.code, found.key) == (code, key)


def test_sums_are_delayed(problems: Problems) -> None:
    (found,) = problems("name: a\ndata: {source: reversed_addition}\ntask: {kind: many_to_many}\n")
    assert (found.key, found.suggestion) == ("task.alignment", "delayed")
