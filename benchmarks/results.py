"""Train the rows of the results table and write it: `make results`.

    python -m benchmarks.results [--out docs/results.md] [--runs runs/results] [NAME ...]

A row is a config of the gallery, trained once for each seed (or fold), and what is said beside it:
a naive baseline, another model on the same split, a published number. Every finished training is
kept in a file of its own, so that a run that was stopped goes on where it was; a config that has
changed is trained again. Data come from the cache (`rnnexp data get NAME`, or RNNEXP_DATA).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.results_rows import ROWS, Row
from rnnexp.config.config import Config
from rnnexp.config.gallery import find
from rnnexp.config.loading import load_config

BEGIN, END = "<!-- results: make results -->", "<!-- end of results -->"
COLUMNS = (
    "task",
    "model",
    "parameters",
    "metric",
    "mean",
    "spread",
    "n",
    "mark",
    "naive",
    "beside",
    "seconds",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"

Json = dict[str, Any]


def rnnexp(*arguments: str, text: str | None = None) -> list[str]:
    """The lines that a command prints; it must succeed."""
    command = [str(Path(sys.executable).parent / "rnnexp"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, input=text)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout.splitlines()


def trained(row: Row, overrides: tuple[str, ...], kept: Path, runs: Path) -> Json:
    """The summary of one training and what the row measures on its run; made once, then kept."""
    config = load_config(find(row.config).path, overrides)
    digest = _digest(config)
    if kept.is_file():
        result: Json = json.loads(kept.read_text(encoding="utf-8"))
        if result["config"] == digest:
            return result
    path = str(find(row.config).path)
    told = json.loads(rnnexp("train", path, *overrides, "--runs", str(runs), "--json")[-1])
    run = Path(told["run"])
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    measured = row.measure(run) if row.measure else {}
    beside = row.beside(config) if row.beside else {}
    result = {"config": digest, "summary": summary, "measured": measured, "beside": beside}
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return result


def _digest(config: Config) -> str:
    """Of all that the config says; a key that is new to rnnexp changes nothing until it is used."""
    said = config.experiment.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def line(row: Row, results: list[Json]) -> str:
    """The row of the table."""
    config = load_config(find(row.config).path).experiment
    cells = [row.title, _model(config.model), f"{results[0]['summary']['parameters']:,}"]
    first = _values(row.metric, results)
    cells += [row.metric.removeprefix("test/"), *_spread(first), str(len(first))]
    cells += [_mark(row, statistics.mean(first)), _naive(row, results)]
    others = [f"{name} {_mean(name, results):.4g}" for name in row.also]
    others += [f"{name} {_mean(name, results):.4g}" for name in results[0]["beside"]]
    cells.append("; ".join([*others, *([row.published] if row.published else [])]))
    cells.append(f"{statistics.mean(r['summary']['seconds'] for r in results):,.0f}")
    return f"| {' | '.join(cells)} |"


def _model(model: Any) -> str:
    sizes = " x ".join(map(str, model.hidden_sizes))
    return f"{'bi-' if model.bidirectional else ''}{model.cell} {sizes}"


def _values(name: str, results: list[Json]) -> list[float]:
    places = ("measured", "beside")
    return [
        next((r[p][name] for p in places if name in r[p]), None)
        or r["summary"]["metrics"].get(name, 0.0)
        for r in results
    ]


def _mean(name: str, results: list[Json]) -> float:
    return statistics.mean(_values(name, results))


def _spread(values: list[float]) -> tuple[str, str]:
    spread = f"{statistics.stdev(values):.2g}" if values[1:] else ""
    return f"{statistics.mean(values):.4g}", spread


def _mark(row: Row, mean: float) -> str:
    if row.mark is None:
        return ""
    good = mean >= row.mark if row.higher else mean <= row.mark
    return f"{'>=' if row.higher else '<='} {row.mark:g}{'' if good else ' MISSED'}"


def _naive(row: Row, results: list[Json]) -> str:
    baselines = results[0]["summary"]["baselines"]
    known = {
        who: statistics.mean(r["summary"]["baselines"][who][row.metric] for r in results)
        for who, scores in baselines.items()
        if row.metric in scores
    }
    ordered = sorted(known, key=lambda who: known[who], reverse=row.higher)
    return "; ".join(f"{who} {known[who]:.4g}" for who in ordered[:2])


def write(page: Path, table: str) -> None:
    """Put the table between its marks in the page."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--runs", type=Path, default=Path("runs/results"))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    lines = [HEAD]
    for row in ROWS:
        if given.names and row.name not in given.names:
            continue
        results = []
        for number, overrides in enumerate(row.runs):
            kept = given.runs / "kept" / row.name / f"{number}.json"
            results.append(trained(row, overrides, kept, given.runs))
            shown = _values(row.metric, results[-1:])[0]
            print(f"{row.name} {number}: {row.metric} {shown:.4g}", file=sys.stderr, flush=True)
        lines.append(line(row, results))
        print(lines[-1], flush=True)
    if given.out:
        write(given.out, "\n".join(lines))
    return int(any("MISSED" in text for text in lines))


if __name__ == "__main__":
    sys.exit(main())
