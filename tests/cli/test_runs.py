"""`runs ls` and `runs show`: every run as it is, damaged ones included."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnexp.cli import app
from rnnexp.recording.run_folder import RunFolder

from ..reports.runs_made import make_run, make_sweep

SUMMARY = {
    "name": "sunspots", "status": "finished", "stopped_by": "epochs", "steps": 200, "epochs": 4,
    "seconds": 23.4, "parameters": 21345, "best_step": 100, "monitor": "val/rmse",
    "metrics": {"val/loss": 0.14, "val/rmse": 20.12, "test/loss": 0.15, "test/rmse": 21.5},
    "baselines": {"persistence": {"test/rmse": 28.6}},
}  # fmt: skip


def finished_run(runs: Path, name: str = "sunspots") -> RunFolder:
    with RunFolder.create(runs, name) as run:
        for step in range(10, 201, 10):
            run.metrics.append({"step": step, "train/loss": 1 / step})
        run.metrics.append({"step": 200, "val/loss": float("nan")})
        run.write_json("summary.json", SUMMARY | {"run": str(run.path)})
        run.write_bytes("plots/loss.png", b"")
        run.set_status("finished", step=200)
    return run


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = app.main(["runs", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_no_runs_yet_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "ls", "--runs", str(tmp_path / "none"))
    assert code == 0
    assert "no runs" in out and "rnnexp train" in out
    assert (
        run(capsys, "ls", "--runs", str(tmp_path / "none"), "--json")[1]
        == '{"runs": [], "sweeps": []}\n'
    )


def test_the_newest_comes_first_with_its_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = finished_run(tmp_path), RunFolder.create(tmp_path, "names")
    _, out, err = run(capsys, "ls", "--runs", str(tmp_path))
    heading, _, *rows = out.splitlines()
    assert heading.split() == [
        "run", "state", "loss", "val/rmse", "test/rmse", "took", "age",
    ]  # fmt: skip
    assert rows[0].split()[:2] == [second.path.name, "running"]
    assert rows[1].split()[:6] == [first.path.name, "finished", "20.12", "21.5", "23", "s"]
    assert err == ""
    _, out, _ = run(capsys, "ls", "--runs", str(tmp_path), "-n", "1")
    assert first.path.name not in out and "1 older" in out


def test_a_run_whose_process_is_gone_is_dead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = RunFolder.create(tmp_path, "x")
    status = made.status() | {"pid": 2**22 + 1}
    made.write_json("status.json", status)
    assert " dead " in run(capsys, "ls", "--runs", str(tmp_path))[1]
    made.write_json("status.json", status | {"host": "another"})
    assert " running " in run(capsys, "ls", "--runs", str(tmp_path))[1]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_a_process_younger_than_the_run_is_another_with_the_same_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = RunFolder.create(tmp_path, "x")
    assert " running " in run(capsys, "ls", "--runs", str(tmp_path))[1]
    made.write_json("status.json", made.status() | {"updated": "2020-01-01T00:00:00.000Z"})
    assert " dead " in run(capsys, "ls", "--runs", str(tmp_path))[1]


def test_a_damaged_run_is_a_row_and_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_run(tmp_path)
    broken, torn = finished_run(tmp_path), finished_run(tmp_path)
    (broken.path / "status.json").write_bytes(b"\xff\x00{")
    (torn.path / "summary.json").write_text('{"metrics": {"test')
    code, out, err = run(capsys, "ls", "--runs", str(tmp_path))
    assert code == 0
    assert len(out.splitlines()) == 5
    assert " damaged " in out
    assert f"{broken.path.name}: status.json is damaged" in err
    assert f"{torn.path.name}: summary.json is damaged" in err


def test_anything_in_the_files_is_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "x\x1b]0;pwned\x07\u202e[red]"
    made = finished_run(tmp_path)
    summary = {"name": evil, "monitor": evil, "stopped_by": evil, "baselines": {evil: 3}}
    made.write_json("summary.json", summary | {"metrics": {evil: 1.0, f"test/{evil}": "NaN"}})
    made.write_json("status.json", {"state": evil})
    for arguments in (["ls"], ["show", "latest"]):
        code, out, err = run(capsys, *arguments, "--runs", str(tmp_path))
        assert code == 0
        assert not any(sign in out + err for sign in "\x1b\x07\u202e")
        assert "[red]" in out


def test_show_tells_scores_curve_checkpoints_and_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = finished_run(tmp_path)
    for step in (100, 200):
        (made.checkpoints / str(step)).mkdir()
    for width in (None, "80", "20"):
        if width:
            monkeypatch.setenv("COLUMNS", width)
        code, out, _ = run(capsys, "show", "latest", "--runs", str(tmp_path))
        assert code == 0
        for part in ("sunspots", "finished", "* 21.5", "28.6", "train/loss", "100 (best)",
                     "plots/loss.png", str(made.path)):  # fmt: skip
            assert part in " ".join(out.split())


def test_show_as_json_has_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = finished_run(tmp_path)
    _, out, _ = run(capsys, "show", made.path.name[:17], "--runs", str(tmp_path), "--json")
    shown = json.loads(out)
    assert shown["run"] == str(made.path)
    assert shown["metrics"] == SUMMARY["metrics"]
    assert (shown["best"], shown["best_step"], shown["plots"]) == (20.12, 100, ["loss.png"])


def test_an_unknown_run_names_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = finished_run(tmp_path)
    code, out, err = run(capsys, "show", "sunspot", "--runs", str(tmp_path), "--json")
    error = json.loads(out)["errors"][0]
    assert code == error["exit"] == 2
    assert error["suggestion"] == made.path.name
    assert made.path.name in err


def test_the_loss_is_drawn_as_a_sparkline_also_in_ascii(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(tmp_path, number=1)
    assert "█▅▁" in run(capsys, "ls", "--runs", str(tmp_path))[1]
    monkeypatch.setenv("LC_ALL", "C")
    out = run(capsys, "ls", "--runs", str(tmp_path))[1]
    assert out.isascii() and "loss" in out


def test_a_sweep_is_one_row_and_its_trials_are_listed_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path, number=9)
    sweep = make_sweep(tmp_path, points=5)
    out = run(capsys, "ls", "--runs", str(tmp_path))[1]
    assert f"{sweep.name}" in out and "3/5 stopped" in out
    told = json.loads(run(capsys, "ls", sweep.name, "--runs", str(tmp_path), "--json")[1])
    assert sorted(row["state"] for row in told["runs"]) == [
        "diverged", "finished", "finished", "pruned",
    ]  # fmt: skip
    assert run(capsys, "ls", "nothing", "--runs", str(tmp_path))[0] == 2


def test_a_trial_is_shown_by_sweep_and_prefix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_sweep(tmp_path)
    code, out, _ = run(capsys, "show", "s-0/20260101-000001", "--runs", str(tmp_path))
    assert code == 0 and "seed" in out and "rnnexp reproduce" in out
    code, out, _ = run(capsys, "show", "s-0", "--runs", str(tmp_path))
    assert code == 0 and "remedy" in out and "clip" in out


def test_gradient_norm_and_clipping_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_run(tmp_path)
    lines = [
        {"step": 10 * n, "grad_norm": n, "grad_norm_max": 2 * n, "clipped": n / 10,
         "clip_threshold": 1.0}
        for n in (1, 2, 6)
    ]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (path / "metrics.jsonl").write_text(text, encoding="utf-8")
    told = json.loads(run(capsys, "show", "latest", "--runs", str(tmp_path), "--json")[1])
    assert told["gradient"]["median"] == 2 and told["gradient"]["largest"] == 12
    assert told["gradient"]["clipped"] == pytest.approx((0.1 * 10 + 0.2 * 10 + 0.6 * 40) / 60)
