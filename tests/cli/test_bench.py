"""`bench`: a tiny shape measured for real, refusals before anything is measured, the picture."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rnnexp.benching import measure as measuring
from rnnexp.benching.measure import WorkerError
from rnnexp.cli import app

TINY = ["--cells", "gru", "--threads", "1", "--shapes", "2,3,1,4,1", "--quick"]


def test_a_tiny_shape_as_json_and_as_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "speed.svg"
    assert app.main(["bench", *TINY, "--plot", str(picture), "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found.keys() == {
        "rows", "means", "best_product", "versions", "absent", "machine", "rounds",
    }  # fmt: skip
    (row,) = found["rows"]
    assert (row["shape"], row["cell"], row["threads"]) == ("2,3,1,4,1", "gru", 1)
    assert {"torch", "kept"} <= row["ratios"].keys()
    assert {len(each) for each in row["seconds_of_rounds"].values()} == {found["rounds"]}
    assert row["path"]["name"] and row["path"]["reason"]
    assert {(mean["cell"], mean["shapes"]) for mean in found["means"]} == {("gru", 1)}
    assert found["best_product"]["1"]["gflops"] > 0
    assert "2,3,1,4,1" in err and "GFLOP/s" in err
    assert picture.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--cells", "gru,lsmt", "lstm"),
        ("--cells", "", "rnn"),
        ("--threads", "0", "cores"),
        ("--threads", "1,100000", "cores"),
        ("--threads", "two", "cores"),
        ("--shapes", "1,2,3", "B,T,I,H,L"),
        ("--shapes", "32,100,2,64,-1", "B,T,I,H,L"),
        ("--shapes", "1,1,1,1,\x1b[2J", "B,T,I,H,L"),
        ("--peers", "/nonexistent/python", "--peers"),
        ("--plot", "speed.gif", ".svg"),
        ("--plot", "/nonexistent/speed.png", "/nonexistent"),
    ],
)
def test_what_cannot_be_measured_is_refused_before(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
    told: str,
) -> None:
    def start(*_: object) -> Any:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(measuring, "start_worker", start)
    assert app.main(["bench", option, value, "--json"]) == 2
    out, err = capsys.readouterr()
    (problem,) = json.loads(out)["errors"]
    assert problem["key"] == option and problem["exit"] == 2
    assert told in err and "Traceback" not in err and "\x1b[2J" not in err


def test_a_worker_without_memory_ends_with_9(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Worker:
        def hear(self) -> Any:
            raise WorkerError("its process ended by signal 9", memory=True)

        def kill(self) -> None:
            pass

    monkeypatch.setattr(measuring, "start_worker", lambda *_: Worker())
    assert app.main(["bench", *TINY]) == 9
    assert "signal 9" in capsys.readouterr().err


def test_the_parent_imports_no_torch() -> None:
    program = (
        "import sys; from rnnexp.cli.app import main; code = main(sys.argv[1:]);"
        " sys.exit(code or 10 * bool({'torch', 'numpy', 'matplotlib'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "bench", *TINY], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_an_interruption_ends_with_130_and_leaves_no_worker() -> None:
    main = "import sys; from rnnexp.cli.app import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", main, "bench", "--threads", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(children := children_of(process.pid)) < 3:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    # One that was just being started learns of it when it has imported torch and finds no parent.
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.02)
