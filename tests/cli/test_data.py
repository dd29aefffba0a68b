"""`rnnexp data`: the registry listed, and fetched from a server on this machine."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnexp.cli import app
from rnnexp.cli.progress import LiveDownload
from rnnexp.registry.cache import cache_folder
from rnnexp.registry.sets import SETS
from tests.cli.test_progress import Terminal
from tests.serving import Site, serve

FRESH = "daily-min-temperatures.csv"  # of a set without a published hash: any content is good
TABLE = b"Day,Temp\n" + b"".join(b"%05d,%d.5\n" % (day, day % 30) for day in range(9000))
DIGEST = hashlib.sha256(TABLE).hexdigest()
PUBLIC = cache_folder()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "*")
    with serve() as site:
        site.files[f"/{FRESH}"] = TABLE
        yield site


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RNNEXP_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = app.main(["data", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def start(*arguments: str) -> subprocess.Popen[str]:
    program = "import sys; from rnnexp.cli.app import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code of a process, and all that it said."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


# -- ls --------------------------------------------------------------------------------------------


def test_ls_shows_every_set(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    code, out, _ = run(capsys, "ls")
    assert code == 0
    assert all(found.name in out and found.title in out for found in SETS)
    assert str(cache) in out
    assert not cache.exists()


def test_ls_as_json(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    (cache / "names").mkdir(parents=True)
    (cache / "names" / "Arabic.txt").write_bytes(b"x" * 13_190)
    (cache / "stocks.csv").write_bytes(b"x")
    listed = json.loads(run(capsys, "ls", "--json")[1])
    assert listed["folder"] == str(cache)
    state = {row["name"]: row["in_cache"] for row in listed["sets"]}
    assert (state["names"], state["stocks"], state["mnist"]) == ("partly", "damaged", "no")
    names = next(row for row in listed["sets"] if row["name"] == "names")
    assert len(names["files"]) == 18
    assert {"path", "url", "bytes", "sha256", "in_cache"} <= set(names["files"][0])


# -- get -------------------------------------------------------------------------------------------


def test_get_and_get_again(capsys: pytest.CaptureFixture[str], cache: Path, site: Site) -> None:
    code, out, err = run(capsys, "get", "daily_temperatures", "--from", site.url)
    assert (code, err) == (0, "")
    assert (cache / FRESH).read_bytes() == TABLE
    assert "warning: no hash is published" in out and DIGEST in out
    assert f"in the cache: {cache / FRESH}" in out
    assert (cache / f"{FRESH}.sha256").read_text().startswith(DIGEST)
    code, out, _ = run(capsys, "get", "daily_temperatures", "--from", site.url)
    assert code == 0
    assert "in the cache already" in out
    assert len(site.requests) == 1


def test_get_as_json(capsys: pytest.CaptureFixture[str], cache: Path, site: Site) -> None:
    code, out, err = run(capsys, "get", FRESH, "--from", site.url, "--json")
    assert code == 0
    assert "daily_temperatures" in err
    (found,) = json.loads(out)["sets"]
    assert found["files"] == [
        {
            "path": str(cache / FRESH),
            "bytes": len(TABLE),
            "sha256": DIGEST,
            "published": False,
            "downloaded": True,
        }
    ]


@pytest.mark.skipif(not (PUBLIC / "names").is_dir(), reason=f"no names in {PUBLIC}")
def test_get_of_a_set_of_many_files(
    capsys: pytest.CaptureFixture[str], cache: Path, site: Site
) -> None:
    for path in (PUBLIC / "names").iterdir():
        site.files[f"/names/{path.name}"] = path.read_bytes()
    code, out, _ = run(capsys, "get", "names", "--from", site.url)
    assert code == 0
    assert "warning" not in out
    assert len(list((cache / "names").iterdir())) == 18
    assert f"names: 18 files, 163 kB, in the cache: {cache / 'names'}" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["daily_temperature"], 2, "did you mean: daily_temperatures?"),
        (["daily_temperatures", "nothing-like-it"], 2, "allowed: tinyshakespeare, names"),
        (["../../etc/passwd"], 2, "no such set"),
        (["stocks", "--from", "file:///tmp"], 2, "no address to download from"),
    ],
)
def test_what_get_refuses_before_it_begins(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    got, out, err = run(capsys, "get", *arguments)
    assert (got, out) == (code, "")
    assert message in err
    assert not cache.exists()


def test_a_wrong_hash_ends_with_4(
    capsys: pytest.CaptureFixture[str], cache: Path, site: Site
) -> None:
    site.files["/airline-passengers.csv"] = b"x" * 2180
    code, out, err = run(capsys, "get", "airline_passengers", "--from", site.url)
    assert (code, out) == (4, "")
    assert err.startswith("error[DAT166]") and hashlib.sha256(b"x" * 2180).hexdigest() in err
    assert not any(path.is_file() for path in cache.rglob("*"))


def test_the_living_line_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("rnnexp.cli.progress.time.perf_counter", lambda: now[0])
    stream = Terminal()
    progress = LiveDownload(stream)
    progress.began("a.txt", None)
    for done in range(1, 41):
        now[0] += 0.1
        progress.arrived(done * 50_000, 4_000_000)
    assert "a.txt  2.0 MB of 4.0 MB  500.0 kB/s  ETA 4 s" in stream.getvalue().replace(
        "500 kB", "500.0 kB"
    )


# -- as processes ----------------------------------------------------------------------------------


def test_an_interruption_keeps_what_arrived_and_the_next_goes_on(cache: Path, site: Site) -> None:
    site.stall = 40_000
    process = start("data", "get", "daily_temperatures", "--from", site.url)
    partial = cache / f".{FRESH}.part"
    deadline = time.monotonic() + 60
    while not (partial.is_file() and partial.stat().st_size >= 40_000):
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    code, said = end(process)
    assert code == 130
    assert "Traceback" not in said
    assert "40.0 kB" in said and "goes on" in said
    kept = partial.stat().st_size
    site.stall = None
    code, said = end(start("data", "get", "daily_temperatures", "--from", site.url))
    assert code == 0, said
    assert site.requests[-1]["range"] == f"bytes={kept}-"
    assert (cache / FRESH).read_bytes() == TABLE
    assert not partial.exists()


def test_two_processes_at_once_both_end_well(cache: Path, site: Site) -> None:
    site.stall = 40_000
    processes = [start("data", "get", "daily_temperatures", "--from", site.url) for _ in range(2)]
    deadline = time.monotonic() + 60
    while not site.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    site.resume.set()
    ends = [end(process) for process in processes]
    assert [code for code, _ in ends] == [0, 0], ends
    assert len(site.requests) == 1
    assert sorted(path.name for path in cache.iterdir()) == [FRESH, f"{FRESH}.sha256"]


def test_training_never_downloads(cache: Path, site: Site, tmp_path: Path) -> None:
    config = tmp_path / "a.yaml"
    config.write_text(
        "name: a\ndata: {source: csv, path: data:daily_temperatures, value: Temp, window: 8}\n"
        "task: {kind: many_to_one, target: regression}\ntraining: {max_steps: 2}\n"
    )
    train = ["train", str(config), "--runs", str(tmp_path / "runs")]
    code, said = end(start(*train))
    assert code == 4
    assert f"{config}:2:" in said and "rnnexp data get daily_temperatures" in said
    assert not (tmp_path / "runs").exists() and not site.requests
    assert end(start("data", "get", "daily_temperatures", "--from", site.url))[0] == 0
    code, said = end(start(*train))
    assert code == 0, said
