"""`rnnexp init`: what it writes trains as it stands, and it says what it cannot read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rnnexp.cli.app import main
from rnnexp.config.loading import load_config
from rnnexp.running.runner import train
from rnnexp.training.journal import Silent

DATA = Path(__file__).parents[3] / "shared" / "data"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORDS = ("dog", "cat", "bird", "fish", "horse")


def series(name: str = "2021") -> str:
    rows = (
        f"{name}-{1 + i // 28:02d}-{1 + i % 28:02d},{50 + 10 * (i % 7) + i % 3},{DAYS[i % 7]}"
        for i in range(300)
    )
    return "\n".join(["date,sales,weekday", *rows])


def reviews() -> str:
    rows = (
        f'"the {word} was {mood} on day {i}",{mood}'
        for i in range(40)
        for word in WORDS[:3]
        for mood in ("good", "bad")
    )
    return "\n".join(["review,mood", *rows])


def tagged() -> str:
    lines = (
        json.dumps({"words": ["the", word, str(i)], "tags": ["DET", "NOUN", "NUM"]})
        for i in range(30)
        for word in WORDS
    )
    return "\n".join(lines)


FILES = {
    "sales.csv": (series(), "csv"),
    "sales.tsv": (series().replace(",", "\t"), "csv"),
    "reviews.csv": (reviews(), "csv_rows"),
    "tags.jsonl": (tagged(), "jsonl"),
    "play.txt": ("To be, or not to be, that is the question.\n" * 200, "text"),
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def drafted(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["init", *arguments, "--json"]) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def two_steps(config: str) -> dict[str, Any]:
    loaded = load_config(Path(config), ["training.max_steps=2"])
    return train(loaded, Path("runs"), Silent())


@pytest.mark.parametrize("name", FILES)
def test_what_it_writes_trains(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, source = FILES[name]
    (tmp_path / name).write_text(text)
    config = drafted(capsys, name)["config"]
    assert load_config(Path(config)).experiment.data.source == source
    assert two_steps(config)["steps"] == 2


@pytest.mark.parametrize(
    ("name", "more", "source"),
    [
        ("monthly-sunspots.csv", [], "csv"),
        ("airline-passengers.csv", [], "csv"),
        ("stocks.csv", [], "csv"),
        ("names", [], "folder"),
        ("ud_english_ewt/en_ewt-ud-dev.conllu", [], "conllu"),
        ("multi30k/val.en.gz", ["--target", str(DATA / "multi30k/val.fr.gz")], "pairs"),
    ],
)
def test_public_data(
    name: str, more: list[str], source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not on this machine")
    config = drafted(capsys, str(DATA / name), "mine.yaml", *more)["config"]
    assert load_config(Path(config)).experiment.data.source == source
    assert two_steps(config)["steps"] == 2


def test_the_column_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(f"{i},{i * 2 % 17},{i * 3 % 11}" for i in range(200))
    (tmp_path / "a.csv").write_text(f"t,x,y\n{rows}")
    config = drafted(capsys, "a.csv", "--value", "y")["config"]
    data: Any = load_config(Path(config)).experiment.data
    assert data.value == "y"


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sales.csv").write_text(series())
    (tmp_path / "sales.yaml").write_text("mine")
    assert main(["init", "sales.csv"]) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "sales.yaml").read_text() == "mine"
    assert main(["init", "sales.csv", "--force"]) == 0


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("absent.csv", None, 2),
        ("empty.csv", b"", 4),
        ("noise.bin", bytes(range(256)) * 8, 4),
        ("weights.pt", b"\x80\x04\x95\x10\x00\x00\x00.", 10),
        ("short.csv", b"t,y\n1,2\n2,3\n", 4),
    ],
)
def test_what_it_refuses(
    name: str,
    content: bytes | None,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert main(["init", name]) == code
    assert "error[" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.yaml"))
