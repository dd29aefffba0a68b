"""Rules across fields: what is refused, with the lines it names, and what passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rnnexp.config.config import Config
from rnnexp.config.loading import load_config
from rnnexp.errors import ConfigError

FED_BACK = "model.cell=rnn model.recurrence=output_to_hidden"
SOURCES = {
    "arrays": "data: {source: npz, path: a}\ntask: {kind: many_to_one}\n",
    "idx": "data: {source: idx, path: a, labels: b}\ntask: {kind: many_to_one}\n",
    "idx_image": (
        "data: {source: idx, path: a, labels: b, view: image}\ntask: {kind: one_to_many}\n"
    ),
    "captions": ("data: {source: images, path: a, captions: b}\ntask: {kind: one_to_many}\n"),
    "series": "data: {source: sunspots}\ntask: {kind: many_to_one}\n",
    "stream": "data: {source: sine_mixture}\ntask: {kind: many_to_many}\n",
    "text": "data: {source: text, path: a.txt}\ntask: {kind: many_to_many}\n",
    "digits": "data: {source: digits}\ntask: {kind: many_to_one}\n",
    "image": "data: {source: digits, view: image}\ntask: {kind: one_to_many}\n",
    "waves": "data: {source: waveforms}\ntask: {kind: one_to_many}\n",
    "echo": "data: {source: delayed_echo}\ntask: {kind: many_to_many}\n",
    "adding": "data: {source: adding}\ntask: {kind: many_to_one}\n",
    "order": "data: {source: temporal_order}\ntask: {kind: many_to_one}\n",
    "words": (
        "data: {source: jsonl, path: a, unit: word, target_unit: label}\n"
        "task: {kind: many_to_one}\n"
    ),
    "tags": (
        "data: {source: jsonl, path: a, unit: word, target_unit: word}\n"
        "task: {kind: many_to_many}\n"
    ),
    "numbers": "data: {source: jsonl, path: a}\ntask: {kind: many_to_one}\n",
    "folder": "data: {source: folder, path: a}\ntask: {kind: many_to_one}\n",
    "names": "data: {source: folder, path: a}\ntask: {kind: one_to_many}\n",
    "pairs": (
        "data: {source: pairs, path: a, target_path: b}\n"
        "task: {kind: many_to_many, alignment: delayed}\n"
    ),
    "conllu": "data: {source: conllu, path: a, test_path: b}\ntask: {kind: many_to_many}\n",
    "csv": "data: {source: csv, path: a, value: y}\ntask: {kind: many_to_one}\n",
    "rows": (
        "data: {source: csv_rows, path: a, inputs: x, target: y, unit: word}\n"
        "task: {kind: many_to_one, target: classification}\n"
    ),
    "steps": (
        "data: {source: csv_rows, path: a, inputs: [x, y], target: z}\n"
        "task: {kind: many_to_one, target: regression}\n"
    ),
}

NO_EFFECT, CONTRADICTION = "CFG201", "CFG202"

# source | overrides | code | key | what else the message names
REFUSED = [
    ("arrays", "data.lowercase=true", NO_EFFECT, "data.lowercase", "text"),
    ("arrays", "data.val_path=b", CONTRADICTION, "data.val_path", "data.test_path"),
    ("arrays", "model.image_encoder={}", NO_EFFECT, "model.image_encoder", "npz on line 2"),
    ("idx", "task.kind=one_to_many", CONTRADICTION, "task.kind", "data.view is rows"),
    ("idx", "model.image_encoder={}", NO_EFFECT, "model.image_encoder", "data.view is rows"),
    ("idx", "data.words=[a,b,a]", CONTRADICTION, "data.words", "called 'a'"),
    (
        "idx",
        "data.words=[a,b,c] task.class_weights=[1,2]",
        CONTRADICTION,
        "task.class_weights",
        "3, not 2",
    ),
    ("idx", "task.target=regression", CONTRADICTION, "task.target", "another target"),
    ("digits", "model.image_encoder={}", NO_EFFECT, "model.image_encoder", "data.view is rows"),
    ("captions", "task.kind=many_to_one", CONTRADICTION, "task.kind", "images on line 2"),
    ("captions", "data.target_unit=word", NO_EFFECT, "data.target_unit", "images on line 2"),
    ("captions", "data.scale=standard", NO_EFFECT, "data.scale", "data.unit"),
    ("captions", "data.vocabulary=9", NO_EFFECT, "data.vocabulary", "data.unit"),
    ("captions", "data.max_length=9", NO_EFFECT, "data.max_length", "time steps"),
    ("captions", "data.stratify=true", CONTRADICTION, "data.stratify", "one_to_many"),
    ("folder", "data.target_unit=word", NO_EFFECT, "data.target_unit", "folder on line 2"),
    ("folder", "data.folds=5", CONTRADICTION, "data.folds", "data.fold"),
    ("folder", "data.fold=1", CONTRADICTION, "data.fold", "data.folds"),
    ("folder", "data.folds=5 data.fold=5", CONTRADICTION, "data.fold", "override 1"),
    (
        "folder",
        "data.folds=5 data.fold=0 data.split.test=0.2",
        NO_EFFECT,
        "data.split.test",
        "override 1",
    ),
    ("folder", "data.split.test=0 data.split.val=0.2", CONTRADICTION, "data.split.test", "empty"),
    ("csv", "data.inputs=[y]", CONTRADICTION, "data.inputs", "data.value"),
    ("csv", "data.inputs=[x,x]", CONTRADICTION, "data.inputs", "'x'"),
    ("csv", "data.inputs=[x] data.log=true", CONTRADICTION, "data.log", "override 1"),
    ("tags", "data.stratify=true", CONTRADICTION, "data.stratify", "many_to_many"),
    ("names", "data.max_length=5", NO_EFFECT, "data.max_length", "one_to_many"),
    ("pairs", "model.input_dropout=0.1", CONTRADICTION, "model.input_dropout", "delayed"),
    ("pairs", "model.output_dropout=0.1", CONTRADICTION, "model.output_dropout", "delayed"),
    ("pairs", "model.word_dropout=0.1", CONTRADICTION, "model.word_dropout", "delayed"),
    ("conllu", "data.folds=5 data.fold=0", CONTRADICTION, "data.folds", "data.test_path"),
    ("conllu", "data.split.test=0.2", NO_EFFECT, "data.split.test", "data.test_path"),
    ("conllu", "data.val_path=c data.split_seed=1", NO_EFFECT, "data.split_seed", "override 1"),
    ("conllu", "task.kind=many_to_one", CONTRADICTION, "task.kind", "conllu"),
    ("rows", "data.val_path=b", CONTRADICTION, "data.val_path", "data.test_path"),
    ("steps", "data.lowercase=true", NO_EFFECT, "data.lowercase", "data.unit"),
    ("steps", "data.min_count=2", NO_EFFECT, "data.min_count", "data.unit"),
    ("steps", "data.max_vocabulary=20", NO_EFFECT, "data.max_vocabulary", "data.unit"),
    ("steps", "data.stratify=true", CONTRADICTION, "data.stratify", "regression"),
    ("echo", "model.recurrence=output_to_output", CONTRADICTION, "model.cell", "override 1"),
    (
        "series",
        FED_BACK + " model.bidirectional=true",
        CONTRADICTION,
        "model.bidirectional",
        "override 2",
    ),
    (
        "echo",
        FED_BACK + " model.layer_norm=true",
        CONTRADICTION,
        "model.layer_norm",
        "override 2",
    ),
    (
        "echo",
        FED_BACK + " model.recurrent_dropout=0.1",
        CONTRADICTION,
        "model.recurrent_dropout",
        "override 2",
    ),
    (
        "echo",
        FED_BACK + " model.initial_state=learned",
        CONTRADICTION,
        "model.initial_state",
        "is 0",
    ),
    (
        "echo",
        FED_BACK + " model.init.recurrent=identity",
        CONTRADICTION,
        "model.init.recurrent",
        "square",
    ),
    (
        "waves",
        FED_BACK,
        CONTRADICTION,
        "task.conditioning",
        "the condition cannot set it",
    ),
    (
        "echo",
        "training.teacher_forcing={}",
        NO_EFFECT,
        "training.teacher_forcing",
        "no output is fed back",
    ),
    (
        "adding",
        FED_BACK + " training.teacher_forcing={}",
        CONTRADICTION,
        "training.teacher_forcing",
        "one answer",
    ),
    (
        "echo",
        FED_BACK + " training.teacher_forcing={} training.bptt={k1: 5, k2: 10}",
        CONTRADICTION,
        "training.teacher_forcing",
        "other coins",
    ),
    (
        "echo",
        FED_BACK + " training.teacher_forcing={end: 0}",
        CONTRADICTION,
        "training.teacher_forcing.end",
        "epochs",
    ),
    (
        "echo",
        FED_BACK + " training.teacher_forcing={epochs: 3}",
        CONTRADICTION,
        "training.teacher_forcing.epochs",
        "end",
    ),
    (
        "echo",
        FED_BACK + " training.teacher_forcing={end: 1, epochs: 3}",
        NO_EFFECT,
        "training.teacher_forcing.end",
        "does not move",
    ),
    (
        "echo",
        FED_BACK + " training.teacher_forcing={end: 0, epochs: 30}",
        CONTRADICTION,
        "training.teacher_forcing.epochs",
        "training ends before",
    ),
    (
        "echo",
        FED_BACK + " training.teacher_forcing={start: 0}",
        NO_EFFECT,
        "training.teacher_forcing.start",
        "forces no step",
    ),
    ("text", "model.pooling=mean", NO_EFFECT, "model.pooling", "an answer at every step"),
    ("text", "model.pooling=last", NO_EFFECT, "model.pooling", "an answer at every step"),
    ("adding", FED_BACK + " model.pooling=max", CONTRADICTION, "model.pooling", "fed back"),
    (
        "words",
        "model.pooling=mean model.return_sequences=[false]",
        CONTRADICTION,
        "model.return_sequences",
        "the pool reads every step",
    ),
    (
        "echo",
        FED_BACK + " model.output_dropout=0.1",
        CONTRADICTION,
        "model.output_dropout",
        "fed back",
    ),
    ("series", "model.word_dropout=0.1", NO_EFFECT, "model.word_dropout", "not tokens"),
    ("echo", "model.word_dropout=0.1", CONTRADICTION, "model.word_dropout", "no unknown one"),
    (
        "words",
        "model.word_dropout=0.1 data.unit=id",
        CONTRADICTION,
        "model.word_dropout",
        "data.unit is id",
    ),
    *(
        (
            "text",
            f"model.{name}=0.1 model.hidden_sizes=[8,8] training.bptt={{k1: 8, k2: 16}}",
            CONTRADICTION,
            f"model.{name}",
            "needs k2 = k1",
        )
        for name in ("dropout", "recurrent_dropout", "input_dropout", "word_dropout")
    ),
    ("words", "model.pretrained={path: v}", CONTRADICTION, "model.pretrained", "embedding"),
    ("series", "model.pretrained={path: v}", NO_EFFECT, "model.pretrained", "not tokens"),
    (
        "words",
        "model.pretrained={path: v} model.embedding=8 data.unit=id",
        CONTRADICTION,
        "model.pretrained",
        "no names",
    ),
    (
        "text",
        "model.pretrained={path: v, frozen: true} model.embedding=64 model.tied_embedding=true",
        CONTRADICTION,
        "model.pretrained.frozen",
        "output layer",
    ),
    ("words", "model.characters={}", CONTRADICTION, "model.characters", "needs an embedding"),
    (
        "words",
        "model.characters={} model.embedding=8 data.unit=character",
        CONTRADICTION,
        "model.characters",
        "no word",
    ),
    (
        "text",
        "model.characters={} model.embedding=8",
        CONTRADICTION,
        "model.characters",
        "stand alone",
    ),
    (
        "image",
        "model.characters={} model.embedding=8",
        CONTRADICTION,
        "model.characters",
        "no spelling",
    ),
    (
        "series",
        "model.cell=rnn model.forget_bias=chrono",
        NO_EFFECT,
        "model.forget_bias",
        "no gate",
    ),
    (
        "series",
        "training.label_smoothing=0.1",
        NO_EFFECT,
        "training.label_smoothing",
        "not classes",
    ),
    ("series", "model.dropout=0.1", NO_EFFECT, "model.dropout", "model.hidden_sizes is [64]"),
    ("series", "model.activation=relu", NO_EFFECT, "model.activation", "model.cell is lstm"),
    ("series", "model.cell=gru model.activation=tanh", NO_EFFECT, "model.activation", "override 1"),
    ("digits", "model.merge=sum", NO_EFFECT, "model.merge", "model.bidirectional is false"),
    (
        "series",
        "model.cell=gru model.forget_bias=1",
        NO_EFFECT,
        "model.forget_bias",
        "model.cell is gru",
    ),
    (
        "series",
        "model.init.spectral_radius=1",
        NO_EFFECT,
        "model.init.spectral_radius",
        "orthogonal",
    ),
    (
        "series",
        "model.init.recurrent=spectral_radius",
        CONTRADICTION,
        "model.init.recurrent",
        "spectral_radius",
    ),
    (
        "series",
        "model.embedding=8",
        NO_EFFECT,
        "model.embedding",
        "data.source is sunspots on line 2",
    ),
    ("numbers", "model.embedding=8", NO_EFFECT, "model.embedding", "data.unit is number"),
    ("waves", "model.embedding=8", NO_EFFECT, "model.embedding", "waveforms"),
    (
        "text",
        "model.tied_embedding=true",
        CONTRADICTION,
        "model.tied_embedding",
        "model.embedding is not set",
    ),
    (
        "text",
        "model.tied_embedding=true model.embedding=8",
        CONTRADICTION,
        "model.tied_embedding",
        "64",
    ),
    (
        "words",
        "model.tied_embedding=true model.embedding=64",
        CONTRADICTION,
        "model.tied_embedding",
        "jsonl",
    ),
    (
        "digits",
        "model.bidirectional=true training.bptt={k1: 8, k2: 8}",
        CONTRADICTION,
        "model.bidirectional",
        "bptt",
    ),
    ("image", "model.bidirectional=true", CONTRADICTION, "model.bidirectional", "one_to_many"),
    ("text", "model.bidirectional=true", CONTRADICTION, "model.bidirectional", "see the answer"),
    ("stream", "model.bidirectional=true", CONTRADICTION, "model.bidirectional", "see the answer"),
    ("waves", "model.initial_state=learned", NO_EFFECT, "model.initial_state", "task.conditioning"),
    (
        "series",
        "model.return_sequences=[false,false]",
        CONTRADICTION,
        "model.return_sequences",
        "1, not 2",
    ),
    (
        "series",
        "model.return_sequences=[true]",
        CONTRADICTION,
        "model.return_sequences",
        "must not return",
    ),
    (
        "text",
        "model.return_sequences=[false]",
        CONTRADICTION,
        "model.return_sequences",
        "must return",
    ),
    (
        "series",
        "model.hidden_sizes=[8,8] model.return_sequences=[false,false]",
        CONTRADICTION,
        "model.return_sequences",
        "recurrent layer 1 feeds layer 2 and must return its sequence",
    ),
    ("series", "training.clip={}", CONTRADICTION, "training.clip", "clips nothing"),
    (
        "series",
        "training.clip={norm: 1, auto: 2}",
        CONTRADICTION,
        "training.clip.norm",
        "training.clip.auto",
    ),
    (
        "text",
        "training.bptt={k1: 8, k2: 4}",
        CONTRADICTION,
        "training.bptt.k2",
        "training.bptt.k1 is 8",
    ),
    (
        "text",
        "training.bptt={k1: 65, k2: 65}",
        NO_EFFECT,
        "training.bptt.k1",
        "data.window is 64 by default",
    ),
    (
        "series",
        "training.bptt={k1: 8, k2: 8}",
        CONTRADICTION,
        "training.bptt.k1",
        "data.window is 32",
    ),
    ("words", "training.bptt={k1: 8, k2: 8}", CONTRADICTION, "training.bptt", "many_to_one"),
    (
        "series",
        "training.bptt.checkpoint_every=32",
        NO_EFFECT,
        "training.bptt.checkpoint_every",
        "data.window is 32",
    ),
    (
        "series",
        "training.bptt={full: true, checkpoint_every: 8} model.recurrent_dropout=0.1",
        CONTRADICTION,
        "model.recurrent_dropout",
        "checkpoint_every is 8",
    ),
    (
        "digits",
        "training.bptt={full: true, checkpoint_every: 3} model.bidirectional=true",
        CONTRADICTION,
        "model.bidirectional",
        "checkpoint_every is 3",
    ),
    (
        "echo",
        "training.bptt={k1: 8, k2: 8, carry_state: true}",
        CONTRADICTION,
        "training.bptt.carry_state",
        "delayed_echo",
    ),
    (
        "text",
        "training.accumulate=2 training.bptt={k1: 8, k2: 8}",
        CONTRADICTION,
        "training.accumulate",
        "bptt",
    ),
    (
        "series",
        "training.optimizer={name: sgd, nesterov: true}",
        CONTRADICTION,
        "training.optimizer.nesterov",
        "0.0",
    ),
    ("series", "training.monitor=val/accuracy", CONTRADICTION, "training.monitor", "no metric"),
    ("text", "training.monitor=val/macro_f1", CONTRADICTION, "training.monitor", "no metric"),
    ("image", "training.monitor=val/macro_f1", CONTRADICTION, "training.monitor", "no metric"),
    ("adding", "training.monitor=val/mase", CONTRADICTION, "training.monitor", "no metric"),
    ("text", "training.monitor=val/rmse", CONTRADICTION, "training.monitor", "no metric"),
    ("series", "training.monitor=train/loss", CONTRADICTION, "training.monitor", "no metric"),
    (
        "digits",
        "training.monitor=val/accuracy training.mode=min",
        CONTRADICTION,
        "training.mode",
        "rise",
    ),
    (
        "series",
        "training.early_stopping.patience=10",
        NO_EFFECT,
        "training.early_stopping.patience",
        "epochs is 10",
    ),
    (
        "series",
        "training.schedule={name: plateau, patience: 10}",
        NO_EFFECT,
        "training.schedule.patience",
        "epochs",
    ),
    (
        "series",
        "training.schedule={name: step, every: 10}",
        NO_EFFECT,
        "training.schedule.every",
        "epochs",
    ),
    (
        "series",
        "training.max_steps=5 training.schedule={name: cosine, warmup_steps: 6}",
        CONTRADICTION,
        "training.schedule.warmup_steps",
        "max_steps is 5",
    ),
    ("series", "task.kind=one_to_many", CONTRADICTION, "task.kind", "sunspots on line 2"),
    ("digits", "task.kind=one_to_many", CONTRADICTION, "task.kind", "data.view is rows"),
    ("series", "task.target=classification", CONTRADICTION, "task.target", "another target"),
    ("words", "~data.target_unit", "CFG204", "task.target", "does not tell"),
    ("words", "task.target=regression", CONTRADICTION, "task.target", "data.target_unit is label"),
    ("digits", "task.loss=mse", NO_EFFECT, "task.loss", "cross-entropy"),
    ("series", "task.class_weights=balanced", NO_EFFECT, "task.class_weights", "regression"),
    ("order", "task.class_weights=[1,2]", CONTRADICTION, "task.class_weights", "4, not 2"),
    ("series", "data.split.train=0.6", CONTRADICTION, "data.split", "0.9"),
    ("series", "data.split.train=0.7000001", CONTRADICTION, "data.split", "sum to 1.0000001,"),
    (
        "series",
        "data.split={train: 0.5, val: 0.5, test: 0}",
        CONTRADICTION,
        "data.split.test",
        "empty",
    ),
    ("words", "data.val_path=b", CONTRADICTION, "data.val_path", "data.test_path"),
    (
        "words",
        "data.val_path=b data.test_path=c data.split_seed=1",
        NO_EFFECT,
        "data.split_seed",
        "override 1",
    ),
    ("words", "data.scale=standard", NO_EFFECT, "data.scale", "data.unit is word"),
    ("words", "data.nan=drop", NO_EFFECT, "data.nan", "data.unit is word"),
    ("words", "data.vocabulary=9", NO_EFFECT, "data.vocabulary", "data.unit is word"),
    ("numbers", "data.target_unit=number data.classes=3", NO_EFFECT, "data.classes", "number"),
    ("text", "data.unit=bpe", CONTRADICTION, "data.pieces", "override 1"),
    ("text", "data.pieces=300", NO_EFFECT, "data.pieces", "data.unit is character by default"),
    ("words", "data.pieces=300", NO_EFFECT, "data.pieces", "data.unit is word"),
    (
        "text",
        "data.unit=bpe data.pieces=300 data.max_vocabulary=100",
        NO_EFFECT,
        "data.max_vocabulary",
        "data.unit is bpe",
    ),
    ("tags", "data.unit=bpe data.pieces=300", CONTRADICTION, "data.unit", "many_to_many"),
    ("tags", "data.target_unit=bpe data.pieces=300", CONTRADICTION, "data.target_unit", "each"),
    ("words", "data.target_unit=bpe data.pieces=300", CONTRADICTION, "data.target_unit", "one"),
    (
        "words",
        "task.kind=one_to_many data.unit=bpe data.pieces=300",
        CONTRADICTION,
        "data.unit",
        "one_to_many",
    ),
    ("echo", "data.delay=50", CONTRADICTION, "data.delay", "data.length is 50 by default"),
]

ACCEPTED = [
    ("arrays", "task.kind=one_to_many data.lengths=n data.scale=standard"),
    ("arrays", "task.kind=many_to_many data.unit=id data.vocabulary=9 task.target=classification"),
    ("arrays", "data.val_path=b data.test_path=c data.nan=drop data.empty=drop"),
    ("idx", "data.words=[a,b] task.class_weights=[1,2] model.cell=gru"),
    ("idx_image", "model.image_encoder={} data.words=[a,b]"),
    ("image", "model.image_encoder={channels: [4]}"),
    ("captions", "model.image_encoder={} data.unit=word data.min_count=2 data.size=[8,8]"),
    ("captions", "data.ambiguous=drop data.duplicates=drop data.empty=drop data.color=gray"),
    ("series", "model.hidden_sizes=[8,8] model.dropout=0.1"),
    ("series", "model.cell=rnn model.activation=relu model.init.recurrent=identity"),
    ("digits", "model.bidirectional=true model.merge=mean task.class_weights=balanced"),
    ("text", "model.embedding=64 model.tied_embedding=true"),
    ("image", "model.embedding=64 model.tied_embedding=true training.monitor=val/exact_match"),
    ("text", "training.bptt={k1: 64, k2: 64, carry_state: true}"),
    ("stream", "training.bptt={k1: 8, k2: 32, carry_state: true}"),
    ("series", "training.bptt.checkpoint_every=6 training.accumulate=2"),
    ("words", "training.bptt.checkpoint_every=6 model.pooling=mean model.dropout=0"),
    ("waves", "training.bptt.full=true training.bptt.checkpoint_every=4"),
    ("echo", "training.bptt={k1: 8, k2: 16} model.bidirectional=false"),
    ("waves", "task.conditioning=every_step model.initial_state=learned"),
    ("text", "training.monitor=val/bits_per_unit training.mode=min"),
    ("numbers", "data.classes=3 training.monitor=val/accuracy"),
    ("numbers", "data.classes=3 training.monitor=val/macro_f1 training.mode=max"),
    ("series", "training.monitor=val/mase training.mode=min"),
    ("numbers", "task.target=classification task.class_weights=[1,2]"),
    ("words", "data.val_path=b data.test_path=c"),
    ("adding", "task.loss=huber training.monitor=val/mae"),
    ("text", "data.unit=bpe data.pieces=300"),
    ("words", "data.unit=bpe data.pieces=300"),
    ("words", "task.kind=one_to_many data.target_unit=bpe data.pieces=300"),
    ("words", "model.pooling=max model.return_sequences=[true] training.label_smoothing=0.1"),
    ("words", "model.pooling=last model.return_sequences=[false]"),
    ("tags", "model.embedding=8 model.characters={cell: gru} model.word_dropout=0.1"),
    ("tags", "model.embedding=8 model.pretrained={path: v, frozen: true}"),
    ("digits", "model.cell=gru model.forget_bias=chrono model.input_dropout=0.1"),
    ("text", "model.output_dropout=0.1 training.bptt={k1: 8, k2: 16}"),
]


def load(tmp_path: Path, source: str, overrides: str) -> Config:
    path = tmp_path / "exp.yaml"
    path.write_text(f"name: x\n{SOURCES[source]}", encoding="utf-8")
    return load_config(path, re.split(r" (?=~?[a-z]+\.)", overrides))


@pytest.mark.parametrize(("source", "overrides", "code", "key", "words"), REFUSED)
def test_refused(  # noqa: PLR0917
    tmp_path: Path, source: str, overrides: str, code: str, key: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, source, overrides)
    (problem,) = (p for p in caught.value.problems if p.key == key)
    assert problem.code == code
    assert words in problem.message
    assert problem.position is not None
    assert caught.value.exit == 3


@pytest.mark.parametrize(("source", "overrides"), ACCEPTED)
def test_accepted(tmp_path: Path, source: str, overrides: str) -> None:
    assert load(tmp_path, source, overrides).experiment.name == "x"


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_loads_without_more(tmp_path: Path, source: str) -> None:
    load(
        tmp_path,
        source,
        "data.source=" + SOURCES[source].split("source: ")[1].split(",")[0].split("}")[0],
    )


def test_both_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "exp.yaml"
    path.write_text(f"name: x\n{SOURCES['series']}model:\n  hidden_sizes: [8]\n  dropout: 0.5\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    (problem,) = caught.value.problems
    assert str(problem.position) == f"{path}:6:12"
    assert problem.message.endswith("model.hidden_sizes is [8] on line 5")
