"""Nothing reaches the disk but through `rnnexp/storage.py`, as the kernel saw it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """
name: traced
data: {source: sunspots, window: 5}
task: {kind: many_to_one}
model: {cell: gru, hidden_sizes: [4]}
training: {epochs: 2, batch_size: 40, threads: 1}
"""
# Runs a command with a disk that also writes down every path, then prints them.
RECORDING = """
import sys
from pathlib import Path
from rnnexp import storage
seen = []
class Recording(storage.Disk):
    def __getattribute__(self, name):
        found = object.__getattribute__(self, name)
        def call(*arguments):
            seen.extend(str(each) for each in arguments if isinstance(each, Path))
            return found(*arguments)
        return call
storage.disk = Recording()
from rnnexp.cli.app import main
code = main(sys.argv[1:])
for path in seen:
    print("SEEN", path, file=sys.stderr)
sys.exit(code)
"""
OPENS = ("openat", "open", "creat")
OTHERS = (
    "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "symlink",
    "symlinkat", "link", "linkat", "truncate",
)  # fmt: skip
CALL = re.compile(
    rf"^\d+ +(?:(?P<open>{'|'.join(OPENS)})|{'|'.join(OTHERS)})\((?P<rest>.*)\) += (?!-1)",
    re.MULTILINE,
)
WRITES = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND")
DEVICES = ("/dev/", "/proc/", "/sys/")


@pytest.fixture
def trace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed")
    probe = subprocess.run([found, "-o", "/dev/null", "true"], check=False, capture_output=True)
    if probe.returncode:
        pytest.skip("tracing is not allowed here")
    return found


def changed(log: str, folder: Path) -> set[str]:
    """The paths within a folder that calls of the kernel opened for writing, made or removed."""
    found = set()
    for match in CALL.finditer(log):
        if match["open"] and not any(flag in match["rest"] for flag in WRITES):
            continue
        for path in re.findall(r'"((?:[^"\\]|\\.)*)"', match["rest"]):
            whole = (folder / path).resolve() if not path.startswith("/") else Path(path)
            if not str(whole).startswith(DEVICES):
                found.add(str(whole))
    return found


def traced(trace: str, folder: Path, code: str, *arguments: str) -> tuple[set[str], set[str]]:
    """What the kernel saw written, and what went through storage."""
    log = folder / "trace.log"
    calls = f"trace={','.join((*OPENS, *OTHERS))}"
    command = [trace, "-f", "--seccomp-bpf", "-qq", "-s", "4096", "-e", calls, "-o", str(log)]
    done = subprocess.run(
        [*command, sys.executable, "-B", "-c", code, *arguments],
        cwd=folder, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = {line[5:] for line in done.stderr.splitlines() if line.startswith("SEEN ")}
    ours = {str((folder / path).resolve()) for path in seen}
    return changed(log.read_text(errors="replace"), folder), ours


def test_every_write_of_a_run_goes_through_storage(trace: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    kernel, storage = traced(trace, tmp_path, RECORDING, "train", "config.yaml")
    within = {path for path in kernel if path.startswith(str(tmp_path))}
    assert len(within) > 20
    assert within <= storage
    # What libraries keep for themselves (font caches) is outside; of rnnexp's own nothing is.
    assert not [path for path in kernel - within if "rnnexp" in path]


def test_the_trace_sees_what_goes_round_storage(trace: str, tmp_path: Path) -> None:
    """A positive control: one file written without storage is found."""
    code = RECORDING.replace(
        "code = main", "Path('round.txt').write_text('x'); Path('sub').mkdir()\ncode = main"
    )
    kernel, storage = traced(trace, tmp_path, code, "doctor")
    assert {Path(path).name for path in kernel - storage if str(tmp_path) in path} == {
        "round.txt", "sub",
    }  # fmt: skip
