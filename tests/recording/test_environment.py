"""env.json: enough to explain a difference, nothing that is secret."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rnnexp.recording.environment import environment, git_state


def test_it_holds_versions_machine_and_threads() -> None:
    record = environment()
    assert record["versions"].keys() >= {"python", "torch", "numpy", "rnnexp"}
    assert record["cores"] >= 1
    assert record["threads"] >= 1
    assert record["device"] and record["cpu"] and record["platform"]
    json.dumps(record, allow_nan=False)


def test_only_listed_variables_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-value")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    record = environment(torch=False)
    assert record["variables"]["OMP_NUM_THREADS"] == "2"
    assert "canary-value" not in json.dumps(record)


def test_git_is_asked_without_running_what_the_repository_names(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)

    git("init", "-q")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-qm", "a")
    state = git_state(tmp_path)
    assert state is not None and len(state["commit"]) == 40 and state["dirty"] is False
    canary = tmp_path / "canary"
    git("config", "core.fsmonitor", f"touch {canary}")
    (tmp_path / "a").write_text("22")
    state = git_state(tmp_path)
    assert state is not None and state["dirty"] is True
    assert not canary.exists()


def test_no_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert git_state(tmp_path) is None


def test_without_torch_it_imports_no_torch() -> None:
    program = (
        "import sys; from rnnexp.recording.environment import environment;"
        "environment(torch=False); sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
