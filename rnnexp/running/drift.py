"""What is not as it was when a run was trained: its settings, its data, the machine.

`resume` and `runs verify` ask whether the same bits would come again, `reproduce` why they did
not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.loading import settings_of
from rnnexp.data.dataset import Dataset
from rnnexp.errors import Problem
from rnnexp.reading import differences, read_json
from rnnexp.recording.run_folder import RunFolder
from rnnexp.running.runner import surroundings, trained_files
from rnnexp.training.experiment import Experiment

__all__ = [
    "ALLOW",
    "ENVIRONMENT",
    "config_drift",
    "data_drift",
    "environment_drift",
    "told",
    "within",
]

FIXED = ("data", "task", "model", "training.optimizer.name", "training.bptt", "training.clip")
"""what the state in a checkpoint belongs to"""
COMPARED = ("versions", "cpu", "cpu_capability", "kernels", "cuda", "device", "threads")
"""what of env.json the bits of a result can depend on"""
ENVIRONMENT = "CKP112"
ALLOW = "put it back as it was; or --allow-drift goes on all the same, and says so in the run"


def config_drift(trained: Mapping[str, Any], config: Config) -> Iterator[Problem]:
    """The settings that a run was not trained with, though its resolved.yaml now says so."""
    for key, (then, now) in differences(trained, settings_of(config)):
        message = f"{then!r} when trained, {now!r} now"
        hint = f"put {config.path} back as it was" if within(key, FIXED) else ALLOW
        yield Problem("CKP110", message, config.where(key), key=key, hint=hint)


def data_drift(folder: RunFolder, dataset: Dataset) -> Iterator[Problem]:
    """The files whose SHA-256 is another. Raises CheckpointError: data.json is damaged."""
    now = {file["path"]: file["sha256"] for file in dataset.record.get("files", ())}
    for path, sha256 in trained_files(folder):
        if now.get(path) != sha256:
            yield Problem(
                "CKP111",
                f"{path} has changed since the run was trained",
                value=now.get(path),
                allowed=f"SHA-256 {sha256}",
                hint=ALLOW,
            )


def environment_drift(folder: RunFolder, experiment: Experiment) -> Iterator[Problem]:
    """What has changed of the versions and the machine, as far as bits depend on it."""
    recorded, current = read_json(folder.path / "env.json") or {}, surroundings(experiment)
    for name in COMPARED:
        then, now = ({name: env.get(name)} for env in (recorded, current))
        for key, (was, is_now) in differences(then, now):
            message = f"{was!r} when trained, {is_now!r} now"
            yield Problem(ENVIRONMENT, message, key=key, hint=ALLOW)


def told(problem: Problem) -> str:
    """A drift as one line."""
    return f"{problem.key}: {problem.message}" if problem.key else problem.message


def within(key: str, names: Sequence[str]) -> bool:
    """Whether a key is one of these, stands in one of them, or holds one of them."""
    return any(f"{key}.".startswith(f"{name}.") or name.startswith(f"{key}.") for name in names)
