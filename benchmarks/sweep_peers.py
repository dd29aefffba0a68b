"""The same 64 small trials by `rnnexp sweep`, by Optuna with joblib processes and by Ray Tune.

    python -m benchmarks.sweep_peers [--trials 64] [--rounds 3]

Two processes each, one thread a trial, whole processes timed, by turns in one run. The peers call
rnnexp as a library, so that a trial is the same work: data, training, test score, a run folder
without pictures. What is not installed is skipped: `pip install optuna joblib "ray[tune]"` into an
environment of its own, beside rnnexp.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.sweep_speed import CONFIG, FIXED, RNNEXP, WORKERS

ROOT = Path(__file__).parents[1]

TRIAL = f"""
import sys
from pathlib import Path

RUNS, TRIALS, WORKERS = Path(sys.argv[1]), int(sys.argv[2]), {WORKERS}


def trial(seed):
    from rnnexp.config.loading import load_config
    from rnnexp.running.runner import train
    from rnnexp.training.journal import Silent

    config = load_config(Path({str(ROOT / CONFIG)!r}), [*{FIXED!r}, f"seed={{seed}}"])
    summary = train(config, RUNS, Silent(), trial={{"point": seed}})
    return summary["metrics"]["val/loss"]
"""
OPTUNA = """
import optuna
from joblib import Parallel, delayed
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend


def work(number):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(RUNS / "journal.log")))
    study = optuna.create_study(
        study_name="s", storage=storage, load_if_exists=True,
        sampler=optuna.samplers.RandomSampler(seed=number),
    )
    study.optimize(lambda t: trial(t.suggest_int("seed", 0, 10**6)), n_trials=TRIALS // WORKERS)


if __name__ == "__main__":
    RUNS.mkdir(exist_ok=True)
    work_0 = JournalStorage(JournalFileBackend(str(RUNS / "journal.log")))
    optuna.create_study(study_name="s", storage=work_0)
    Parallel(n_jobs=WORKERS)(delayed(work)(n) for n in range(WORKERS))
"""
RAY = """
import os

os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
import ray
from ray import tune


def one(settings):
    tune.report({"loss": trial(settings["seed"])})


if __name__ == "__main__":
    ray.init(num_cpus=WORKERS, include_dashboard=False, _node_ip_address="127.0.0.1",
             log_to_driver=False, logging_level="error")
    tune.Tuner(
        tune.with_resources(one, {"cpu": 1}),
        param_space={"seed": tune.grid_search(list(range(TRIALS)))},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(storage_path=str(RUNS / "ray"), verbose=0),
    ).fit()
"""
PEERS = {"Optuna + joblib": (("optuna", "joblib"), OPTUNA), "Ray Tune": (("ray",), RAY)}


def peer(script: str, trials: int) -> float:
    """Trials per minute of a whole process."""
    with tempfile.TemporaryDirectory() as folder:
        runs, program = Path(folder) / "runs", Path(folder) / "peer.py"
        runs.mkdir()
        program.write_text(TRIAL + script, encoding="utf-8")
        return _rate([sys.executable, str(program), str(runs), str(trials)], runs, trials, "*")


def ours(trials: int) -> float:
    """The same by `rnnexp sweep`."""
    with tempfile.TemporaryDirectory() as folder:
        axes = [f"seed=0..{trials - 1}", *FIXED, "-j", str(WORKERS), "--runs", folder]
        command = [RNNEXP, "sweep", str(ROOT / CONFIG), *axes]
        return _rate(command, Path(folder), trials, "*/trials/*")


def _rate(command: list[str], runs: Path, trials: int, pattern: str) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"RAY_DEDUP_LOGS": "0"},
    )
    seconds = time.perf_counter() - began
    finished = len(list(runs.glob(f"{pattern}/summary.json")))
    if done.returncode or finished != trials:
        raise SystemExit(f"{finished} of {trials} trials\n{done.stderr[-2000:]}")
    return 60 * trials / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {"rnnexp sweep": []}
    for name, (packages, _) in PEERS.items():
        if all(importlib.util.find_spec(package) for package in packages):
            rates[name] = []
        else:
            print(f"{name}: skipped, {' and '.join(packages)} are not installed")
    for _ in range(options.rounds):
        rates["rnnexp sweep"].append(ours(options.trials))
        for name in rates.keys() & PEERS.keys():
            rates[name].append(peer(PEERS[name][1], options.trials))
    for name, found in rates.items():
        ratio = statistics.median(a / b for a, b in zip(rates["rnnexp sweep"], found, strict=True))
        print(
            f"{name:16} {statistics.median(found):6.0f} trials/min, rnnexp is {ratio:.2f}x as fast"
        )


if __name__ == "__main__":
    main()
