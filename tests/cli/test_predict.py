"""`predict`, `generate` and `evaluate FILE` on runs that were moved and whose data are gone."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnexp.cli.app import main
from rnnexp.recording import checkpoints

MovedRun = Callable[[str], Path]
Capture = pytest.CaptureFixture[str]


def lines(capsys: Capture) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def errors(capsys: Capture) -> dict[str, Any]:
    (error,) = lines(capsys)[-1]["errors"]
    assert isinstance(error, dict)
    return error


def test_a_text_is_classified_and_unknown_words_are_counted(
    moved_run: MovedRun, capsys: Capture
) -> None:
    assert main(["predict", str(moved_run("reviews")), "So LOVELY, zzz", "--json"]) == 0
    streams = capsys.readouterr()
    record, summary = map(json.loads, streams.out.splitlines())
    assert record["prediction"] in ("good", "bad")
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-5)  # six digits each
    assert summary["predictions"] == 1
    assert (summary["units"], summary["unknown"]) == (4, 1)
    assert "zzz" in streams.err


def test_a_file_is_answered_line_by_line_alike(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["so warm", "grey, dull film", "long and long and long"]
    objects = tmp_path / "new.jsonl"
    objects.write_text("".join(json.dumps({"text": text, "id": 3}) + "\n\n" for text in texts))
    plain = tmp_path / "new.txt"
    plain.write_text("\n".join(texts))
    run = str(moved_run("reviews"))
    assert main(["predict", run, str(objects)]) == 0
    by_object = lines(capsys)
    assert [record["line"] for record in by_object] == [1, 3, 5]
    out = tmp_path / "out.jsonl"
    assert main(["predict", run, str(plain), "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""
    by_text = [json.loads(line) for line in out.read_text().splitlines()]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(plain.read_bytes())))
    assert main(["predict", run, "-"]) == 0
    piped = lines(capsys)
    assert [r["line"] for r in by_text] == [r["line"] for r in piped] == [1, 2, 3]
    for name in ("input", "prediction"):
        answers = [[record[name] for record in found] for found in (by_object, by_text, piped)]
        assert answers[0] == answers[1] == answers[2]
    # Alone or padded in a batch: the same to float32.
    for one, other in zip(by_text, piped, strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=2e-6)


def test_words_get_tags_and_ids_of_padding_none(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path
) -> None:
    run, file = str(moved_run("tags")), tmp_path / "new.jsonl"
    file.write_text('{"inputs": ["the", "noun1"]}\n{"inputs": ["the", "old", "noun2", "runs"]}\n')
    assert main(["predict", run, str(file)]) == 0
    first, second = (record["prediction"] for record in lines(capsys))
    assert [word for word, _ in first] == ["the", "noun1"]
    assert len(second) == 4
    assert main(["predict", run, "the noun1"]) == 0
    assert lines(capsys)[0]["prediction"] == first


def test_words_are_read_by_their_characters_too(moved_run: MovedRun, capsys: Capture) -> None:
    assert main(["predict", str(moved_run("spelled")), "the nounish", "--json"]) == 0
    record, summary = lines(capsys)
    assert [word for word, _ in record["prediction"]] == ["the", "nounish"]
    assert summary["unknown"] == 1


def test_a_sequence_of_its_own_length_is_written(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path
) -> None:
    run, file = str(moved_run("delayed")), tmp_path / "new.txt"
    file.write_text("a b x\na b a b x\n")
    assert main(["predict", run, str(file)]) == 0
    greedy = lines(capsys)
    assert main(["predict", run, "a b x"]) == 0
    # Alone or padded in a batch: the same to float32, six digits of which are written.
    (alone,) = lines(capsys)
    assert alone["prediction"] == greedy[0]["prediction"]
    assert alone["score"] == pytest.approx(greedy[0]["score"], abs=1e-4)
    assert all(len(record["prediction"]) <= 8 for record in greedy)  # half as long again as 5
    assert main(["predict", run, str(file), "--beam", "4"]) == 0
    assert all(record["score"] <= 0 for record in lines(capsys))
    scored = tmp_path / "scored.jsonl"
    scored.write_text('{"inputs": ["a", "b", "x"], "target": ["b", "a"]}\n')
    assert main(["evaluate", run, str(scored), "--json"]) == 0
    (result,) = lines(capsys)
    assert result["metrics"]["file/exact_match"] == float(greedy[0]["prediction"] == ["b", "a"])


def test_numbers_come_in_their_own_units(moved_run: MovedRun, capsys: Capture) -> None:
    assert main(["predict", str(moved_run("sums")), "[3, 3, 20]"]) == 0
    (record,) = lines(capsys)
    assert 0 < record["prediction"] < 60  # targets were 0..49 with mean 24.5, scaled to 0 and 1


def series_file(folder: Path, rows: int = 40) -> Path:
    path = folder / "new.csv"
    cells = [f"x,{i % 12},{20 + i % 5}" for i in range(rows)]
    path.write_text("note,down,up\n" + "\n".join(cells) + "\n")
    return path


@pytest.mark.parametrize(("name", "columns"), [("window", ["up", "down"]), ("stream", ["up"])])
def test_a_series_is_forecast_with_intervals(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path, name: str, columns: list[str]
) -> None:
    run, file = str(moved_run(name)), str(series_file(tmp_path))
    picture = tmp_path / "forecast.png"
    assert main(["predict", run, file, "--steps", "3", "--plot", str(picture), "--json"]) == 0
    *records, summary = lines(capsys)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert summary["interval"]["level"] == 0.9
    assert [record["step"] for record in records] == [1, 2, 3]
    assert {record["line"] for record in records} == {41}
    for record in records:
        assert list(record["forecast"]) == columns
        assert all(record["low"][c] < record["high"][c] for c in columns)
    assert main(["predict", run, file]) == 0
    (last,) = lines(capsys)
    horizon = {"window": 2, "stream": 1}[name]
    assert last["step"] == horizon
    ahead = records[horizon - 1]["forecast"]
    assert last["forecast"] == {c: pytest.approx(ahead[c], rel=1e-5) for c in columns}
    assert main(["predict", run, file, "--all"]) == 0
    every = lines(capsys)
    assert [record["line"] for record in every] == list(range({"window": 7, "stream": 2}[name], 42))
    if name == "window":
        assert every[-1]["forecast"]["up"] == pytest.approx(last["forecast"]["up"], rel=1e-5)


def test_beyond_the_intervals_there_are_none(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path
) -> None:
    run, file = str(moved_run("window")), str(series_file(tmp_path))
    assert main(["predict", run, file, "--steps", "60"]) == 0
    records = lines(capsys)
    assert records[-1]["low"] is None and records[0]["low"] is not None


def ahead_file(folder: Path, further: list[int], known: int = 40) -> str:
    """Known rows, then rows to forecast: blank but for the column that is not predicted."""
    path = folder / "ahead.csv"
    rows = [f"{20 + i % 5},{i % 12}" for i in range(known)] + [f",{value}" for value in further]
    path.write_text("up,down\n" + "\n".join(rows) + "\n")
    return str(path)


def test_rows_without_values_are_forecast_from_the_further_columns(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path
) -> None:
    run = str(moved_run("beside"))
    assert main(["predict", run, ahead_file(tmp_path, [4, 5, 6, 7, 8]), "--json"]) == 0
    *records, summary = lines(capsys)
    assert [record["step"] for record in records] == [1, 2, 3, 4, 5]
    assert {record["line"] for record in records} == {41}
    assert all(record["low"]["up"] < record["high"]["up"] for record in records)
    assert summary["interval"]["level"] == 0.9
    assert main(["predict", run, ahead_file(tmp_path, [11, 0, 11, 0, 11])]) == 0
    others = lines(capsys)
    same = [a["forecast"] == b["forecast"] for a, b in zip(records, others, strict=True)]
    assert same == [True, True, False, False, False]  # a horizon of 2 rows reads none of them
    assert main(["predict", run, ahead_file(tmp_path, [4, 5]), "--steps", "4"]) == 0
    assert [r["forecast"] for r in lines(capsys)] == [r["forecast"] for r in records[:4]]


def test_a_forecast_needs_the_further_columns(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path
) -> None:
    run = str(moved_run("beside"))
    assert main(["predict", run, ahead_file(tmp_path, [4]), "--steps", "4", "--json"]) == 4
    error = errors(capsys)
    assert (error["code"], error["line"]) == ("DAT159", 41)
    assert "2 more rows of 'down', got 1" in error["message"]
    assert main(["predict", run, ahead_file(tmp_path, [4]), "--all", "--json"]) == 4
    assert errors(capsys)["line"] == 42


def test_a_file_with_further_columns_shows_its_exposure_gap(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path
) -> None:
    run, file = str(moved_run("beside")), ahead_file(tmp_path, [])
    assert main(["evaluate", run, file, "--steps", "4", "--json"]) == 0
    gap = lines(capsys)[-1]["exposure_gap"]
    assert gap["ratio"][:2] == [pytest.approx(1)] * 2
    assert gap["ratio"][3] != pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "content", "suffix", "line"),
    [
        ("reviews", '{"text": "so"}\n{"txt": "so"}\n', ".jsonl", 2),
        ("reviews", '{"text": "so"}\n{"text": ""}\n', ".jsonl", 2),
        ("reviews", '{"text": "so"}\n{"text": 3}\n', ".jsonl", 2),
        ("reviews", "so\n\n{\"text\": \n", ".txt", 3),
        ("reviews", "", ".txt", 1),
        ("sums", "[1, 2]\n[1, null]\n", ".jsonl", 2),
        ("sums", "[[1, 2]]\n", ".jsonl", 1),
        ("sums", '["a"]\n', ".jsonl", 1),
        ("window", "up,down\n1,2\n3\n", ".csv", 3),
        ("window", "up,down\n1,2\n3,x\n", ".csv", 3),
        ("window", "up,down\n1,2\n,3\n", ".csv", 3),
        ("window", "up,other\n1,2\n", ".csv", 1),
        ("window", "up,down\n1,2\n", ".csv", 2),
        ("stream", "up\n1\n-3\n4\n", ".csv", 3),
    ],
)  # fmt: skip
def test_bad_input_is_refused_where_it_stands(  # noqa: PLR0917
    moved_run: MovedRun,
    capsys: Capture,
    tmp_path: Path,
    name: str,
    content: str,
    suffix: str,
    line: int,
) -> None:
    file, out = tmp_path / f"new{suffix}", tmp_path / "out.jsonl"
    file.write_text(content)
    command = ["predict", str(moved_run(name)), str(file), "--out", str(out), "--json"]
    assert main(command) == 4
    error = errors(capsys)
    assert (error["file"], error["line"]) == (str(file), line)
    assert sorted(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["predict", "absent", "x"], 2, "rnnexp runs ls"),
        (["predict", "{text}", "x"], 2, "generate"),
        (["predict", "{reviews}", "absent.csv"], 2, None),
        (["predict", "{sums}", "not json"], 2, None),
        (["predict", "{reviews}", "so", "--steps", "3"], 2, None),
        (["predict", "{sums}", "[1]", "--probabilities"], 2, None),
        (["predict", "{window}", "[[1,2]]", "--plot", "x.png"], 2, None),
        (["predict", "{window}", "[[1,2]]", "--steps", "0"], 2, None),
        (["predict", "{reviews}", "so", "--beam", "3"], 2, None),
        (["generate", "{reviews}"], 2, "predict"),
        (["generate", "{text}", "--label", "x"], 2, None),
        (["generate", "{text}", "--temperature", "-1"], 2, None),
        (["generate", "{text}", "--top-p", "0"], 2, None),
        (["generate", "{text}", "--top-k", "0"], 2, None),
        (["generate", "{text}", "--temperature", "0", "--seed", "1"], 2, None),
        (["generate", "{text}", "--prompt", ""], 2, None),
        (["generate", "{names}"], 2, None),
        (["generate", "{names}", "--label", "zz"], 2, None),
        (["generate", "{names}", "--features", "[1]"], 2, None),
        (["generate", "{waves}", "--label", "sine", "--top-k", "2"], 2, None),
        (["evaluate", "{reviews}", "absent.jsonl"], 2, None),
        (["evaluate", "{reviews}", "--blocks", "3"], 2, None),
        (["evaluate", "{reviews}", "--steps", "3"], 2, None),
        (["evaluate", "{reviews}", "--split", "test"], 4, None),
    ],
)
def test_what_does_not_fit_is_said_at_once(
    moved_run: MovedRun, capsys: Capture, arguments: list[str], code: int, hint: str | None
) -> None:
    names = ("text", "reviews", "sums", "window", "names", "waves")
    given = [
        str(moved_run(word[1:-1])) if word[1:-1] in names and word[0] == "{" else word
        for word in arguments
    ]
    assert main([*given, "--json"]) == code
    error = errors(capsys)
    assert error["exit"] == code
    assert hint is None or hint in error["hint"]


def test_the_same_seed_writes_the_same_text(moved_run: MovedRun, capsys: Capture) -> None:
    run = str(moved_run("text"))
    command = ["generate", run, "--prompt", "ab~", "--length", "30", "--seed"]
    assert main([*command, "1"]) == 0
    first = capsys.readouterr()
    assert "'~'" in first.err
    assert main([*command, "1"]) == 0
    assert capsys.readouterr().out == first.out
    assert main([*command, "2"]) == 0
    assert capsys.readouterr().out != first.out
    assert main([*command, "1", "--samples", "3", "--json"]) == 0
    (result,) = lines(capsys)
    assert len(result["samples"]) == 3
    # The first of three is the one that was drawn alone; products of other batch sizes may differ
    # in the last bit, which no draw of this test falls on.
    assert first.out == result["samples"][0]["prompt"] + result["samples"][0]["text"] + "\n"


def test_greedy_text_has_no_chance_in_it(moved_run: MovedRun, capsys: Capture) -> None:
    command = ["generate", str(moved_run("text")), "--temperature", "0", "--length", "5", "--json"]
    assert main(command) == 0
    (result,) = lines(capsys)
    assert result["samples"][0]["prompt"] == "\n"
    assert len(result["samples"][0]["text"]) == 5


def test_a_class_becomes_names_that_end(moved_run: MovedRun, capsys: Capture) -> None:
    run = str(moved_run("names"))
    assert main(["generate", run, "--label", "ab", "--samples", "5", "--length", "4"]) == 0
    made = capsys.readouterr().out.splitlines()
    assert len(made) == 5
    assert all(len(name) <= 4 and set(name) <= {"a", "c"} for name in made)
    assert main(["predict", run, "ab"]) == 0
    assert isinstance(lines(capsys)[0]["prediction"], str)


def test_an_image_is_described(moved_run: MovedRun, capsys: Capture, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    picture = pytest.importorskip("PIL.Image")
    run, file, listed = str(moved_run("pictures")), tmp_path / "a.png", tmp_path / "all.txt"
    picture.new("L", (30, 20), 128).save(file)
    listed.write_text("a.png\na.png\n")
    assert main(["generate", run, "--image", str(file), "--temperature", "0"]) == 0
    word = capsys.readouterr().out.strip()
    assert main(["predict", run, str(file)]) == 0
    assert lines(capsys)[0]["prediction"] == word
    assert main(["predict", run, str(listed)]) == 0
    assert [record["prediction"] for record in lines(capsys)] == [word, word]
    listed.write_text("a.png\nabsent.png\n")
    assert main(["predict", run, str(listed), "--json"]) == 4
    assert errors(capsys)["line"] == 2


def test_numbers_follow_from_a_class(moved_run: MovedRun, capsys: Capture) -> None:
    assert main(["generate", str(moved_run("waves")), "--label", "square", "--json"]) == 0
    (result,) = lines(capsys)
    assert len(result["samples"][0]["sequence"]) == 8


def test_a_file_is_scored_without_the_training_data(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path
) -> None:
    file = tmp_path / "new.jsonl"
    file.write_text('{"text": "so warm", "mood": "good"}\n{"text": "so dull", "mood": "good"}\n')
    run = str(moved_run("reviews"))
    assert main(["predict", run, str(file)]) == 0
    right = sum(record["prediction"] == "good" for record in lines(capsys))
    assert main(["evaluate", run, str(file), "--json"]) == 0
    (result,) = lines(capsys)
    assert result["metrics"]["file/accuracy"] == right / 2
    assert result["baselines"] == {}


def test_a_series_file_is_scored_with_its_exposure_gap(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path
) -> None:
    run, file = str(moved_run("window")), str(series_file(tmp_path))
    assert main(["evaluate", run, file, "--steps", "4", "--json"]) == 0
    (result,) = lines(capsys)
    assert result["metrics"]["file/rmse"] > 0
    gap = result["exposure_gap"]
    assert gap["ratio"][:2] == pytest.approx([1, 1], rel=1e-5)
    assert len(gap["free_running_rmse"]) == 4


def test_a_text_file_is_scored_in_blocks(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path
) -> None:
    run, file = str(moved_run("text")), tmp_path / "new.txt"
    file.write_text("abcd abc.\n" * 5)
    scores = {}
    for blocks in ("8", "49", "1"):
        assert main(["evaluate", run, str(file), "--blocks", blocks, "--json"]) == 0
        scores[blocks] = lines(capsys)[0]["metrics"]["file/loss"]
    assert main(["evaluate", run, str(file), "--json"]) == 0
    whole = lines(capsys)[0]["metrics"]["file/loss"]
    assert scores["8"] == pytest.approx(whole, rel=1e-6)  # trained in windows of 8, none carried
    assert len({round(score, 6) for score in scores.values()}) == 3


def test_a_checkpoint_alone_knows_its_encoding(moved_run: MovedRun) -> None:
    from rnnexp.data.signature import Signature
    from rnnexp.inference.trained import restore_for_use

    run = moved_run("reviews")
    written = json.loads((run / "encoding.json").read_text())
    trained = restore_for_use(run)
    assert trained.signature == Signature.from_json(written)
    assert not trained.network.training


@pytest.mark.parametrize(
    ("harm", "code"),
    [("no checkpoint", "CKP101"), ("another network", "CKP103"), ("no encoding", "CKP104")],
)
def test_a_run_that_cannot_answer_says_why(
    moved_run: MovedRun, capsys: Capture, tmp_path: Path, harm: str, code: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(moved_run("reviews"), run)
    if harm == "another network":
        config = run / "resolved.yaml"
        config.write_text(config.read_text().replace("hidden_sizes: [8]", "hidden_sizes: [9]"))
    elif harm == "no checkpoint":
        shutil.rmtree(run / "checkpoints")
    else:
        for step in checkpoints.steps(run / "checkpoints"):
            kept = checkpoints.load(run / "checkpoints" / str(step))
            del kept.state["signature"]
            checkpoints.save(run / "checkpoints", kept)
    assert main(["predict", str(run), "so warm", "--json"]) == 5
    assert errors(capsys)["code"] == code
