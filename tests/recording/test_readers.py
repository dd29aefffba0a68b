"""Readers beside a writer that saves as fast as it can: they never see half a file.

RNNEXP_PROOF=1 (`make proof`) lets them read for a minute; here for a few seconds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import torch

from rnnexp.cli.app import main
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.recording.run_folder import RunFolder
from rnnexp.reports.run_index import list_runs

SECONDS = 60.0 if os.environ.get("RNNEXP_PROOF") else 3.0
READERS = 4


def _write(run: RunFolder, until: float) -> None:
    step = 0
    while time.monotonic() < until:
        step += 1
        run.set_status("running", step=step)
        run.metrics.append({"step": step, "train/loss": step / 3})
        run.write_json("summary.json", {"name": "x", "steps": step, "metrics": {"val/loss": step}})
        weights = {"model/w": torch.full((2000,), float(step))}
        checkpoints.save(run.checkpoints, Checkpoint(step, weights, {"best_step": step}))
        checkpoints.prune(run.checkpoints, {step, step - 1})


def _read(path: Path, until: float, found: Any) -> None:
    reads, wrong = 0, []
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    commands = [["runs", "ls"], ["runs", "show", str(path)], ["runs", "compare", str(path)]]
    while time.monotonic() < until:
        (row,) = list_runs(path.parent)
        if row.warning or row.state != "running":
            wrong.append(f"{row.state}: {row.warning}")
        lines = (path / "metrics.jsonl").read_bytes().split(b"\n")[:-1]
        try:
            for line in lines[-3:]:
                json.loads(line)
        except ValueError as error:
            wrong.append(str(error))
        command = [*commands[reads % 3], "--runs", str(path.parent)]
        if code := main(command):
            wrong.append(f"{' '.join(command)}: exit {code}")
        reads += 1
    found.put((reads, wrong))


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("fork")
    found: Any = processes.Queue()
    with RunFolder.create(tmp_path / "runs", "x") as run:
        run.write_json("summary.json", {"name": "x"})
        run.metrics.append({"step": 0})
        until = time.monotonic() + SECONDS
        readers = [
            processes.Process(target=_read, args=(run.path, until, found)) for _ in range(READERS)
        ]
        for reader in readers:
            reader.start()
        _write(run, until)
        results = [found.get(timeout=30) for _ in readers]
        for reader in readers:
            reader.join()
    assert all(reads >= 3 for reads, _ in results)  # each command once
    assert [wrong for _, wrong in results] == [[]] * READERS
