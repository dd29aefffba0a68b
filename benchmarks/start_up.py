"""How long light commands take beside `python -c "import torch"`.

    python -m benchmarks.start_up

Whole processes in turn, medians of the pairs' ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

PAIRS = 7
RNNEXP = str(Path(sys.executable).parent / "rnnexp")
COMMANDS = (["--help"], ["runs", "ls"], ["validate", "configs/quickstart.yaml"])


def seconds(command: list[str]) -> float:
    """Wall time of a whole process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    peer = [sys.executable, "-c", "import torch"]
    seconds(peer)
    for arguments in COMMANDS:
        pairs = [(seconds([RNNEXP, *arguments]), seconds(peer)) for _ in range(PAIRS)]
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(mine / other for mine, other in pairs)
        print(f"rnnexp {' '.join(arguments):34} {ours:.2f} s  torch {theirs:.2f} s  {ratio:.3f}")


if __name__ == "__main__":
    main()
