"""What the results table measures on a finished run beyond its own metrics."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rnnexp.config.gallery import find

__all__ = ["asked_language", "held_out_tenth"]

NAMES_PER_LANGUAGE = 100
TEMPERATURE = "0.5"  # at 1 the letters are drawn as they come, and many names are nobody's
BLOCK = 256


def held_out_tenth(run: Path) -> Mapping[str, float]:
    """The loss over the last tenth of the text: in one pass with the state carried, and in blocks
    of 256 characters that each begin anew, as nanoGPT scores.
    """
    data = json.loads((run / "data.json").read_text(encoding="utf-8"))
    text = Path(data["files"][0]["path"]).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        tenth = Path(folder) / "tenth.txt"
        tenth.write_text(text[round(len(text) * 0.9) :], encoding="utf-8")
        whole = _json("evaluate", str(run), str(tenth))
        blocks = _json("evaluate", str(run), str(tenth), "--blocks", str(BLOCK))
    return {"held-out tenth/loss": _loss(whole), "blocks of 256/loss": _loss(blocks)}


def asked_language(run: Path) -> Mapping[str, float]:
    """How many generated names a classifier of names puts into the language they were asked for,
    and how many stand in the training part.

    The classifier is trained on the same training part.
    """
    classes = json.loads((run / "data.json").read_text(encoding="utf-8"))
    languages = [unit for unit in classes["inputs"]["vocabulary"]["units"] if unit[0] != "<"]
    asked, names = [], []
    for language in languages:
        answer = _json("generate", str(run), "--label", language, "--temperature", TEMPERATURE,
                       "--samples", str(NAMES_PER_LANGUAGE), "--seed", "0")  # fmt: skip
        texts = [sample["sequence"] for sample in answer["samples"]]
        asked += [language] * len(texts)
        names += texts
    judged = _lines("predict", str(_classifier(run.parent)), "-", text="\n".join(names) + "\n")
    right = sum(
        each["prediction"] == language for each, language in zip(judged, asked, strict=True)
    )
    known = _known_names(run)
    return {
        "share in the asked language": right / len(asked),
        "duplicates of training names": sum(name in known for name in names) / len(names),
    }


@cache
def _classifier(runs: Path) -> Path:
    """A finished run of the names classifier: one of the table's own, or a new one."""
    done = (path.parent for path in sorted(runs.glob("*-names-language-*/summary.json")))
    found = next(done, None)
    if found is not None:
        return found
    summary = _json("train", str(find("many_to_one/names_language").path), "--runs", str(runs))
    return Path(summary["run"])


def _known_names(run: Path) -> set[str]:
    from rnnexp.config.loading import load_config
    from rnnexp.data.prepare import prepare

    dataset = prepare(load_config(run / "resolved.yaml"))
    vocabulary, train = dataset.outputs.vocabulary, dataset.train  # type: ignore[union-attr]
    assert vocabulary is not None and train.lengths is not None
    rows = zip(train.targets, train.lengths, strict=True)
    return {"".join(vocabulary.decode(row[: length - 1].tolist())) for row, length in rows}


def _loss(result: Mapping[str, Any]) -> float:
    return float(next(v for k, v in result["metrics"].items() if k.endswith("/loss")))


def _json(*arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(_run(*arguments, "--json").splitlines()[-1])
    return answer


def _lines(*arguments: str, text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _run(*arguments, text=text).splitlines()]


def _run(*arguments: str, text: str | None = None) -> str:
    command = [str(Path(sys.executable).parent / "rnnexp"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, input=text)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout
