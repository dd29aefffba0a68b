"""Checkpoints whose hashes fit and whose contents do not: refused, with the file and the name."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnexp.cli.app import main
from rnnexp.config.loading import load_config
from rnnexp.data.signature import Signature
from rnnexp.errors import CheckpointError
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoint_state import progress_of
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.training.experiment import assemble
from rnnexp.training.trainer import Trainer

CONFIG = """
name: small
data: {source: csv, path: data.csv, value: up, window: 6}
task: {kind: many_to_one}
model: {cell: rnn, hidden_sizes: [5]}
training: {epochs: 2, batch_size: 40, threads: 1, checkpoint_steps: 2, %s}
"""
CARRIED = """
name: carried
data: {source: sine_mixture, length: 2000, waves: 2, window: 12}
task: {kind: many_to_many}
model: {cell: lstm, hidden_sizes: [5, 4]}
training: {epochs: 2, max_steps: 8, batch_size: 40, threads: 1,
           bptt: {k1: 2, k2: 5, carry_state: true}}
"""
OPTIMIZERS = {
    "sgd": "optimizer: {name: sgd}",
    "momentum": "optimizer: {name: sgd, momentum: 0.9}",
    "rmsprop": "optimizer: {name: rmsprop, momentum: 0.5}",
    "adam": "optimizer: {name: adam}, clip: {auto: 2.0}",
    "adamw": "optimizer: {name: adamw}",
}
Made = Callable[[str], Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The run of an optimizer, to be copied and not to be changed."""

    @cache
    def train(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        values = [f"{20 + (i * 7) % 13 + i / 50:.2f}" for i in range(160)]
        (folder / "data.csv").write_text("up\n" + "\n".join(values) + "\n", encoding="utf-8")
        config = CARRIED if name == "carried" else CONFIG % OPTIMIZERS[name]
        (folder / "config.yaml").write_text(config, encoding="utf-8")
        assert main(["train", str(folder / "config.yaml"), "--runs", str(folder / "runs")]) == 0
        return next(iter((folder / "runs").iterdir()))

    return train


def newest(run: Path) -> Checkpoint:
    folder = run / "checkpoints"
    return checkpoints.load(folder / str(checkpoints.steps(folder)[-1]))


def trainer_of(run: Path) -> Trainer:
    return assemble(load_config(run / "resolved.yaml")).trainer()


def variants(tensor: Tensor) -> Iterator[tuple[str, Tensor | None]]:
    """What a stranger could put in the place of a tensor."""
    other = torch.int64 if tensor.is_floating_point() else torch.float32
    yield "missing", None
    yield "empty", tensor.flatten()[:0]
    yield "longer", torch.cat([tensor.flatten()] * 2)
    yield "other kind", tensor.to(other)
    yield "half", tensor.to(torch.float16)
    if tensor.dim():
        yield "scalar", tensor.flatten()[0]
        yield "wrapped", tensor[None]
    if tensor.dim() == 2 and tensor.shape[0] != tensor.shape[1]:
        yield "transposed", tensor.T.contiguous()
    if tensor.is_floating_point():
        yield "NaN", torch.full_like(tensor, math.nan)
        yield "minus infinity", torch.full_like(tensor, -math.inf)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_tensor_is_what_this_training_needs(made: Made, name: str) -> None:
    whole, trainer = newest(made(name)), trainer_of(made(name))
    trainer.check(whole)
    kept = {each for each in whole.tensors if each.startswith("optimizer/")}
    assert bool(kept) == (name != "sgd")
    if kept:
        none = {each: tensor for each, tensor in whole.tensors.items() if each not in kept}
        with pytest.raises(CheckpointError, match=r"'optimizer/0/.*missing"):
            trainer.check(replace(whole, tensors=none))
    for each, tensor in whole.tensors.items():
        for what, value in variants(tensor):
            if value is None and name == "momentum" and each in kept:
                continue  # as of a parameter that never had a gradient
            others = {key: t for key, t in whole.tensors.items() if key != each}
            tensors = others if value is None else others | {each: value}
            with pytest.raises(CheckpointError, match=f"safetensors: tensor '{each}'") as caught:
                trainer.check(replace(whole, tensors=tensors))
                pytest.fail(f"{each} {what}")
            assert caught.value.problems[0].key == each
    for extra in ("model/other", "optimizer/99/step", "optimizer/x", "carried/history", "x"):
        with pytest.raises(CheckpointError, match=f"'{extra}' belongs to nothing"):
            trainer.check(replace(whole, tensors={**whole.tensors, extra: torch.ones(())}))


def test_what_is_carried_is_of_this_network(made: Made) -> None:
    whole, trainer = newest(made("carried")), trainer_of(made("carried"))
    trainer.check(whole)
    carried = {name for name in whole.tensors if name.startswith("carried/")}
    assert carried == {"carried/history", *(f"carried/state/{i}/{j}" for i in "01" for j in "01")}
    assert whole.state["cursor"] == {"epoch": 0, "batch": 1, "window": 2, "in_mid_epoch": True}
    for name in carried:
        for what, value in variants(whole.tensors[name]):
            tensors = {key: tensor for key, tensor in whole.tensors.items() if key != name}
            tensors |= {} if value is None else {name: value}
            with pytest.raises(CheckpointError, match="tensor 'carried/"):
                trainer.check(replace(whole, tensors=tensors))
                pytest.fail(f"{name} {what}")
    narrow = {"carried/history": whole.tensors["carried/history"][:, :3]}
    for tensors in (narrow, {"carried/state/1/0": whole.tensors["carried/state/1/0"][:3]}):
        with pytest.raises(CheckpointError, match="tensor 'carried/"):
            trainer.check(replace(whole, tensors=whole.tensors | tensors))
    for key, count in (("cursor.batch", 4), ("cursor.window", 7)):
        with pytest.raises(CheckpointError, match=key):
            trainer.check(replace(whole, state=changed(whole.state, key, count)))


def test_a_count_of_updates_that_cannot_be(made: Made) -> None:
    whole, trainer = newest(made("adam")), trainer_of(made("adam"))
    for value in (-1.0, whole.step + 1.0, math.inf):
        tensors = {**whole.tensors, "optimizer/0/step": torch.tensor(value)}
        with pytest.raises(CheckpointError, match="optimizer/0/step"):
            trainer.check(replace(whole, tensors=tensors))


def test_a_mean_of_squares_that_overflowed_is_no_fault(made: Made) -> None:
    whole, trainer = newest(made("adam")), trainer_of(made("adam"))
    squares = torch.full_like(whole.tensors["optimizer/0/exp_avg_sq"], math.inf)
    tensors = {**whole.tensors, "optimizer/0/exp_avg_sq": squares}
    trainer.check(replace(whole, tensors=tensors))


# -- state.json ------------------------------------------------------------------------------------

MISSING = object()
HOSTILE: tuple[Any, ...] = (
    MISSING,
    "1",
    [],
    {},
    [1],
    -1,
    math.nan,
    math.inf,
    10**30,
    1e308,
    True,
    None,
)
FREE = {
    "stopped_by": (None,),
    "strike": (MISSING, None),
    "settings": (MISSING, {}),
    "signature": (MISSING, {}),
    "log_bytes": (MISSING,),
    "best_metrics": ({},),
    "clipping": ({},),
    "clipping.mean": (MISSING,),
    "clipping.weight": (MISSING,),
    "clipping.threshold": (MISSING, None),
}
"""what is no fault at these keys, or not to be told from the state alone"""
REAL = ("loss", "monitor", "best", "reference", "latest")


def keys(state: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in state.items():
        yield prefix + key
        if isinstance(value, dict) and key not in ("settings", "signature", "best_metrics"):
            yield from keys(value, f"{prefix}{key}.")


def changed(state: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(state))
    *path, last = key.split(".")
    place = copy
    for part in path:
        place = place[part]
    place[last] = value
    if value is MISSING:
        del place[last]
    return copy


def is_fine(key: str, value: Any) -> bool:
    last = key.rpartition(".")[2]
    if any(value is free or (value == free and type(value) is dict) for free in FREE.get(key, ())):
        return True
    if value is None and last in REAL:
        return last != "loss"
    if last in REAL:
        return type(value) in (int, float) and math.isfinite(value)
    if last in ("ended", "in_mid_epoch"):
        return value is True
    if last in ("norm", "largest_norm", "mean", "threshold"):
        return value in (1e308, 10**30) and type(value) is not bool
    return False


def test_every_key_of_the_state_is_of_its_kind_and_within_its_bounds(made: Made) -> None:
    whole = newest(made("adam"))
    progress_of(whole)
    tried = 0
    for key in keys(whole.state):
        for value in HOSTILE:
            odd = replace(whole, state=changed(whole.state, key, value))
            if is_fine(key, value):
                continue
            tried += 1
            with pytest.raises(CheckpointError) as caught:
                progress_of(odd)
                pytest.fail(f"{key} = {value!r}")
            problem = caught.value.problems[0]
            assert problem.code == "CKP011" and f"{whole.path}/state.json is" in problem.message
            assert key in problem.message
    assert tried > 250


@pytest.mark.parametrize(
    ("key", "value"),
    [("cursor.batch", 5), ("cursor.window", 1), ("clipping", {}), ("best_metrics", {"val/x": 1.0})],
)
def test_what_only_the_training_can_tell(made: Made, key: str, value: Any) -> None:
    whole, trainer = newest(made("adam")), trainer_of(made("adam"))
    with pytest.raises(CheckpointError) as caught:
        trainer.check(replace(whole, state=changed(whole.state, key, value)))
    assert caught.value.problems[0].key == key


def test_what_a_network_reads_is_of_its_kind_and_within_its_bounds(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = newest(made("adam")).state["signature"]
    assert Signature.from_json(record).to_json() == record
    for key in keys(record):
        for value in HOSTILE:
            last = key.rpartition(".")[2]
            if (value == {} and last == "categories") or (value == [] and last == "names"):
                continue
            if (value is None and last == "scaler") or (value == "1" and last == "source"):
                continue
            if (value is True and last == "log") or (value == [1] and last in ("shift", "scale")):
                continue
            with pytest.raises((KeyError, TypeError, ValueError)):
                Signature.from_json(changed(record, key, value))
                pytest.fail(f"{key} = {value!r}")

    def wide(checkpoint: Checkpoint) -> Checkpoint:
        state = changed(checkpoint.state, "signature.inputs.features", 9_999_999)
        return replace(checkpoint, state=changed(state, "signature.inputs.scaler", None))

    run = doctored(made("adam"), tmp_path, wide)
    assert main(["predict", str(run), "1 2 3 4 5 6"]) == 5
    assert "signature" in capsys.readouterr().err


# -- commands --------------------------------------------------------------------------------------

MORE = ("--extend", "training.epochs=3")
COMMANDS: dict[str, tuple[str, ...]] = {
    "resume": ("resume", "RUN", *MORE),
    "evaluate": ("evaluate", "RUN"),
    "predict": ("predict", "RUN", "1 2 3 4 5 6"),
    "verify": ("runs", "verify", "RUN"),
    "replay": ("runs", "verify", "RUN", "--replay"),
    "diagnose": ("diagnose", "RUN"),
    "compare-manual": ("compare-manual", "RUN"),
}


def doctored(run: Path, folder: Path, change: Callable[[Checkpoint], Checkpoint]) -> Path:
    """A copy of a run whose every checkpoint is changed, its manifest made to fit."""
    copy = folder / run.name
    shutil.copytree(run, copy)
    shutil.copy(run.parents[1] / "data.csv", folder)
    (copy / "files.json").unlink(missing_ok=True)
    place = copy / "checkpoints"
    for step in checkpoints.steps(place):
        checkpoints.save(place, change(checkpoints.load(place / str(step))))
    return copy


def bad_weights(checkpoint: Checkpoint) -> Checkpoint:
    name = "model/head.bias"
    bad = torch.full_like(checkpoint.tensors[name], math.nan)
    return replace(checkpoint, tensors={**checkpoint.tensors, name: bad})


def bad_state(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, state=changed(checkpoint.state, "stopping.best", MISSING))


@pytest.mark.parametrize(("change", "named"), [
    (bad_weights, ("tensors.safetensors", "model/head.bias")),
    (bad_state, ("state.json", "stopping.best")),
])  # fmt: skip
def test_every_command_names_the_file_and_the_place(
    made: Made,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Checkpoint], Checkpoint],
    named: tuple[str, str],
) -> None:
    run = doctored(made("adam"), tmp_path, change)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for command, words in COMMANDS.items():
        code = main([str(run) if word == "RUN" else word for word in words])
        said = "".join("".join(capsys.readouterr()).split())  # as wide as the terminal
        assert code == (13 if command == "verify" else 5), (command, said)
        assert all(each in said for each in named), (command, said)
    assert {path: path.read_bytes() for path in before} == before


def test_a_log_shorter_than_the_checkpoint_says_is_not_filled_up(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def longer(checkpoint: Checkpoint) -> Checkpoint:
        return replace(checkpoint, state=changed(checkpoint.state, "log_bytes", 10**12))

    run = doctored(made("adam"), tmp_path, longer)
    assert main(["resume", str(run), *MORE]) == 5
    assert "log_bytes" in capsys.readouterr().err
    assert (run / "metrics.jsonl").stat().st_size < 10**6


@pytest.mark.parametrize("manifest", [
    {"step": "4"}, {"step": None}, {"step": -1}, {"step": True}, {"files": []}, {"files": {}},
    {"files": {"state.json": 1, "tensors.safetensors": 2}},
])  # fmt: skip
def test_a_sealed_manifest_that_says_nothing(
    made: Made, tmp_path: Path, manifest: dict[str, Any]
) -> None:
    run = doctored(made("sgd"), tmp_path, lambda checkpoint: checkpoint)
    place = newest(run).path
    assert place is not None
    whole = json.loads((place / "manifest.json").read_text())
    del whole[checkpoints.SEAL]
    (place / "manifest.json").write_bytes(checkpoints._sealed(whole | manifest))
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        checkpoints.load(place)


CRASHES: dict[str, tuple[str, Callable[[Tensor], Tensor | None]]] = {
    "no first moment": ("optimizer/0/exp_avg", lambda t: t.flatten()[:0]),
    "a scalar": ("optimizer/0/exp_avg_sq", lambda t: t.flatten()[0]),
    "no step": ("optimizer/1/step", lambda t: None),
    "another generator": ("random/cpu", lambda t: t.float()),
    "zeros for a generator": ("random/cpu", torch.zeros_like),
    "a bias of no length": ("model/stack.layers.0.forward_reader.rnn.bias_ih_l0", lambda t: t[:0]),
    "NaN": ("model/head.bias", lambda t: t * math.nan),
}
RUNNER = """
import sys
from rnnexp.cli.app import main
for run in sys.argv[1:]:
    print(main(["resume", run, "--extend", "training.epochs=3"]), flush=True)
"""


def test_no_tensor_ends_the_process(made: Made, tmp_path: Path) -> None:
    runs = []
    for what, (name, turn) in CRASHES.items():

        def change(checkpoint: Checkpoint, name: str = name, turn: Any = turn) -> Checkpoint:
            tensors = dict(checkpoint.tensors)
            assert name in tensors or not checkpoint.step
            value = turn(tensors.pop(name)) if name in tensors else None
            return replace(checkpoint, tensors=tensors | ({} if value is None else {name: value}))

        (tmp_path / what).mkdir()
        runs.append(str(doctored(made("adam"), tmp_path / what, change)))
    command = [sys.executable, "-c", RUNNER, *runs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["5"] * len(runs)), done.stderr[-3000:]
    for name, _ in CRASHES.values():
        assert name in "".join(done.stderr.split())


def test_a_checkpoint_whose_header_begins_as_a_pickle_does(made: Made, tmp_path: Path) -> None:
    """640 bytes of header, as a tiny network trained by SGD has it: `80 02`."""
    whole = newest(made("sgd"))
    for length in range(550, 650):
        tensors = {"x" * length: torch.ones(1)}
        place = checkpoints.save(tmp_path, replace(whole, tensors=tensors))
        if (place / "tensors.safetensors").read_bytes()[:2] == b"\x80\x02":
            break
    else:
        pytest.fail("no header of 640 bytes")
    assert checkpoints.load(place).tensors.keys() == tensors.keys()
