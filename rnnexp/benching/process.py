"""The parent's end of a worker: started, asked, let go."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import rnnexp
from rnnexp.benching.contender import Contender, cores_for, environment_for
from rnnexp.benching.lines import Record

__all__ = ["Process", "WorkerError", "start_worker"]

LAST_LINES = 20
GRACE = 2.0
"""seconds that a worker may take to leave; it has nothing to save"""
WORKER = "rnnexp.benching.worker"
# A peer's environment need not hold rnnexp: this very one is put in its place there, and what
# else lies beside it, our torch for one, is not.
BOOT = """
import importlib.util, runpy, sys
folder, name = sys.argv.pop(1), "rnnexp"
spec = importlib.util.spec_from_file_location(
    name, folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules[name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules[name])
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


class WorkerError(Exception):
    """A worker that could not do what it was asked for, or is gone. memory: that ran out."""

    def __init__(self, message: str, memory: bool = False) -> None:
        super().__init__(message)
        self.memory = memory


class Process:
    """A process that answers questions; it has a session of its own, so a ^C reaches only us."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self._said: deque[str] = deque(maxlen=LAST_LINES)
        self._errors = threading.Thread(target=self._hear_errors, daemon=True)
        self._errors.start()

    def ask(self, **question: Any) -> Record:
        """The answer. Raises WorkerError."""
        assert self.process.stdin is not None
        with suppress(OSError):  # it died: that is heard at once
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
        return self.hear()

    def hear(self) -> Record:
        """The next line that it says. Raises WorkerError."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise self._epitaph()
        said: Record = json.loads(line)
        if "failed" in said:
            raise WorkerError(said["failed"], said["memory"])
        return said

    def close(self) -> None:
        """Let it go, and end it where it does not go."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._errors.join()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.close()

    def _epitaph(self) -> WorkerError:
        """How it ended, and its last words."""
        code = self.process.wait()
        self._errors.join()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        words = " | ".join(line for line in self._said if line)[-500:]
        told = f"its process ended by {how}" + (f" ({words})" if words else "")
        return WorkerError(told, code == -signal.SIGKILL)

    def _hear_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._said.append(line.decode("utf-8", "backslashreplace").strip())


def start_worker(contender: Contender, threads: int, peers: Path | None = None) -> Process:
    """The process of a contender, which says `ready` or what is `missing` first.

    peers: the Python of the environment that holds the peers, where that is not ours.
    """
    start = ["-m", WORKER]
    python = sys.executable
    if contender.peer and peers is not None:
        start = ["-c", BOOT, str(Path(rnnexp.__file__).parent), WORKER]
        python = str(peers)
    keeps = "keeps" if contender.keeps_memory else "frees"
    cores = ",".join(map(str, cores_for(threads)))
    command = [python, "-P", *start, contender.library, keeps, str(threads), cores]
    return Process(command, environment_for(contender, threads))
