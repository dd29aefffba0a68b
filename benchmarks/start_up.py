"""How long light commands, and a training until its first step, take beside `import torch`.

    python -m benchmarks.start_up

Whole processes in turn with `python -c "import torch"`, medians: of the pairs' ratios for commands
that need no torch, of their differences for the first step. Python keeps its compiled modules, as
it does in any installation.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PAIRS = 7
RNNEXP = str(Path(sys.executable).parent / "rnnexp")
COMMANDS = (["--help"], ["runs", "ls"], ["validate", "configs/quickstart.yaml"])
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
TORCH = [sys.executable, "-c", "import torch"]
# Ends the process when the line of the first update goes into the log.
FIRST_STEP = """
import os, sys
from rnnexp import storage
from rnnexp.cli.app import main
append = storage.AppendLog.append

def leave(log, record):
    append(log, record)
    if "train/loss" in record:
        os._exit(0)

storage.AppendLog.append = leave
main(["train", "configs/quickstart.yaml", "training.log_every=1", "--runs", sys.argv[1]])
sys.exit("the log never came to an update")
"""


def seconds(command: list[str]) -> float:
    """Wall time of a whole process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
    return time.perf_counter() - began


def beside_torch(command: list[str]) -> list[tuple[float, float]]:
    """Seconds of the command and of `import torch`, in turn."""
    return [(seconds(command), seconds(TORCH)) for _ in range(PAIRS)]


def main() -> None:
    for command in (TORCH, [RNNEXP, *COMMANDS[-1]]):
        seconds(command)
    for arguments in COMMANDS:
        pairs = beside_torch([RNNEXP, *arguments])
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(mine / other for mine, other in pairs)
        print(f"rnnexp {' '.join(arguments):34} {ours:.2f} s  torch {theirs:.2f} s  {ratio:.3f}")
    with tempfile.TemporaryDirectory() as runs:
        pairs = beside_torch([sys.executable, "-c", FIRST_STEP, runs])
    more = statistics.median(mine - other for mine, other in pairs)
    torch = statistics.median(other for _, other in pairs)
    print(f"rnnexp train, to its first step: {more:.2f} s more than torch's {torch:.2f} s")


if __name__ == "__main__":
    main()
