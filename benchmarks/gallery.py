"""Train every config of the gallery whole and hold it to the metric that its header promises.

    python -m benchmarks.gallery [NAME ...]

Prints one row a config and ends with exit code 1 if one missed its mark. A config whose data file
is not there is looked for under RNNEXP_DATA and ../shared/data, and skipped aloud without one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rnnexp.config.gallery import Entry, entries

EXPECT = re.compile(r"(\S+) (<=|>=) (\S+)")
DATA_FOLDERS = (os.environ.get("RNNEXP_DATA", ""), "../shared/data")


def data_override(entry: Entry) -> list[str] | None:
    """How to name the config's own data file; None where it cannot be found."""
    named = re.search(r"^  path: (\S+)", entry.path.read_text(encoding="utf-8"), re.MULTILINE)
    if not named:
        return []
    places = (Path(folder) / named[1] for folder in DATA_FOLDERS if folder)
    found = next((place for place in places if place.is_file()), None)
    return None if found is None else [f"data.path={found.resolve()}"]


def train(entry: Entry, override: list[str], runs: str) -> dict[str, float]:
    """The metrics of a whole training, as a user would start it."""
    command = ["rnnexp", "train", str(entry.path), *override, "--json", "--runs", runs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{entry.name}: exit {done.returncode}\n{done.stderr}")
    summary = json.loads(done.stdout.splitlines()[-1])
    return {**summary["metrics"], "seconds": summary["seconds"]}


def met(expect: str, metrics: dict[str, float]) -> tuple[bool, str]:
    """Whether the promise in the header holds, and the figure."""
    match = EXPECT.search(expect)
    assert match, f"not an expectation: {expect}"
    name, relation, mark = match[1], match[2], float(match[3])
    value = metrics[name]
    return (value <= mark if relation == "<=" else value >= mark), f"{name} {value:.4g}"


def main() -> int:
    wanted, missed = sys.argv[1:], 0
    with tempfile.TemporaryDirectory() as runs:
        for entry in entries():
            if wanted and entry.name not in wanted:
                continue
            override = data_override(entry)
            if override is None:
                print(f"skip  {entry.name}: its data file is not here", flush=True)
                continue
            metrics = train(entry, override, runs)
            good, figure = met(entry.expect, metrics)
            missed += not good
            verdict = "ok  " if good else "MISS"
            seconds = metrics["seconds"]
            print(
                f"{verdict}  {entry.name}: {figure}, {seconds:.0f} s ({entry.expect})", flush=True
            )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
