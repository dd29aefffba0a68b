"""Train every config of the gallery whole and hold it to the metric that its header promises.

    python -m benchmarks.gallery [--seeds N] [NAME ...]

Prints a Markdown row a config: mean and spread of the metric over the seeds, seconds of training,
the best baseline on the same split. Ends with exit code 1 if a mean missed its mark. A config whose
data set is not in the cache (RNNEXP_DATA, else ../shared/data) is skipped aloud.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rnnexp.config.gallery import Entry, experiments
from rnnexp.registry.cache import missing

EXPECT = re.compile(r"(\S+) (<=|>=) (\S+)")
PUBLIC_DATA = Path(__file__).parents[2] / "shared" / "data"
HEAD = (
    "| config | metric | mean | spread | n | mark | seconds | best baseline |\n" + "|---" * 8 + "|"
)


def train(entry: Entry, overrides: list[str], runs: str) -> dict[str, Any]:
    """The result of a whole training, as a user would start it."""
    rnnexp = str(Path(sys.executable).parent / "rnnexp")
    command = [rnnexp, "train", str(entry.path), *overrides, "--json", "--runs", runs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{entry.name}: exit {done.returncode}\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def row(entry: Entry, results: list[dict[str, Any]]) -> tuple[bool, str]:
    """Whether the mean keeps the promise in the header, and the row of the table."""
    match = EXPECT.search(entry.expect)
    assert match, f"not an expectation: {entry.expect}"
    name, relation, mark = match[1], match[2], float(match[3])
    values = [result["metrics"][name] for result in results]
    mean, spread = statistics.mean(values), statistics.stdev(values) if values[1:] else 0.0
    naive = {who: scores[name] for who, scores in results[0]["baselines"].items() if name in scores}
    best = (min if relation == "<=" else max)(naive, key=lambda who: naive[who], default=None)
    beside = "" if best is None else f"{best} {naive[best]:.4g}"
    seconds = statistics.mean(result["seconds"] for result in results)
    good = mean <= mark if relation == "<=" else mean >= mark
    cells = (
        entry.name, name, f"{mean:.4g}", f"{spread:.2g}", str(len(values)),
        f"{relation} {mark:g}{'' if good else ' MISSED'}", f"{seconds:.0f}", beside,
    )  # fmt: skip
    return good, f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seeds", type=int, default=1)
    if PUBLIC_DATA.is_dir():
        os.environ.setdefault("RNNEXP_DATA", str(PUBLIC_DATA))
    wanted, missed = parser.parse_args(), 0
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as runs:
        for entry in experiments():
            if wanted.names and entry.name not in wanted.names:
                continue
            if absent := missing(entry.path.read_text(encoding="utf-8")):
                print(f"{entry.name} skipped: rnnexp data get {' '.join(absent)}", file=sys.stderr)
                continue
            results = [train(entry, [f"seed={seed}"], runs) for seed in range(wanted.seeds)]
            good, text = row(entry, results)
            missed += not good
            print(text, flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
