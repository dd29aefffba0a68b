"""What a stranger could send: refused with the right exit code, nothing run, nothing exhausted.

Every file is handed to the real commands in one process under an audit hook, which sees imports,
processes, sockets and unpicklings, and a clock and a gauge of memory beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROOF = bool(os.environ.get("RNNEXP_PROOF"))
WATCHER = r"""
import json, os, resource, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
os.chdir(folder)
from rnnexp.cli.app import main
for warm in json.loads(Path("warm.json").read_text()):
    assert main([*warm, "--json"]) == 0, warm
seen, watching = [], False
WATCHED = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork",
           "pickle.find_class", "socket.connect", "socket.bind", "socket.getaddrinfo",
           "ctypes.dlopen", "webbrowser.open")
NEVER = ("antigravity", "this", "pickle", "evil")
def hook(event, arguments):
    if not watching:
        return
    if event in WATCHED and arguments != (None,):  # dlopen(None): the C library, for mallopt
        seen.append(f"{event} {arguments!r}"[:200])
    if event == "import" and str(arguments[0]).split(".")[0] in NEVER:
        seen.append(f"import {arguments[0]}")
sys.addaudithook(hook)
results = {}
real = sys.stdout
for name, command in json.loads(Path("cases.json").read_text()).items():
    seen.clear()
    sys.stdout = open("out.txt", "w")
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    watching = True
    if name == "control":
        import pickle, socket
        pickle.loads(Path("control.pkl").read_bytes())
        sys.audit("import", "antigravity", None, None, None, None)  # it would open a browser
        os.system("true")
        code = 0
    else:
        code = main([*command, "--json"])
    watching = False
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    sys.stdout.close()
    sys.stdout = real
    results[name] = {"code": code, "seconds": seconds, "mib": grown, "seen": list(seen),
                     "out": Path("out.txt").read_text()[-3000:]}
print(json.dumps(results))
"""
SERIES = """
name: small
data: {source: csv, path: data.csv, value: y, window: 5}
task: {kind: many_to_one}
model: {cell: gru, hidden_sizes: [4]}
training: {epochs: 1}
"""
HEADER = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}"


def laughs() -> str:
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 9)]
    return "\n".join(["l0: &l0 [x, x, x, x, x, x, x, x, x]", *levels]) + "\n"


def png_header(width: int, height: int) -> bytes:
    import struct
    import zlib

    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


class Evil:
    """Unpickled, it makes a folder."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("canary",)


def arrays(folder: Path, name: str, member: bytes, *, deflated: bool = False) -> str:
    import zipfile

    kind = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(folder / f"{name}.npz", "w", kind) as archive:
        archive.writestr("inputs.npy", member)
        archive.writestr(
            "target.npy", npy("{'descr': '<i8', 'fortran_order': False, 'shape': (0,), }")
        )
    return f"""
name: arrays
data: {{source: npz, path: {name}.npz}}
task: {{kind: many_to_one}}
"""


def configs(folder: Path) -> dict[str, tuple[str, set[int]]]:
    """Configs, with the exit codes that are right for each."""
    import gzip
    import pickle

    os.mkfifo(folder / "pipe")
    with gzip.open(folder / "bomb.csv.gz", "wb", compresslevel=9) as bomb:
        bomb.write(b"y\n")
        for _ in range(64):
            bomb.write(b"0" * 2**20)
    (folder / "album").mkdir()
    (folder / "album" / "a.png").write_bytes(png_header(60_000, 60_000))
    (folder / "captions.csv").write_text("image,caption\n" + "a.png,dark\n" * 9)
    claims = HEADER.format("<f4", "(8589934592,)")
    images = "{source: images, path: album, captions: captions.csv}"
    return {
        "tag": ('a: !!python/object/apply:os.system ["touch canary"]\n', {10}),
        "laughs": (laughs(), {10}),
        "itself": ("a: &a [*a]\n", {10}),
        "deep": ("a: " + "[" * 200_000 + "\n", {3}),
        "huge": ("# " + "x" * 2**20 + "\n", {3, 10}),
        "target": (SERIES + "_target_: antigravity\nmodule: this\nclass_path: os.system\n", {3}),
        "variable": (SERIES.replace("data.csv", '"${oc.env:HOME}/data.csv"'), {4}),
        "escape": (SERIES.replace("small", '"\\e]0;evil\\a"'), {3}),
        "outside": (SERIES.replace("small", "../../outside"), {3}),
        "device": (SERIES.replace("data.csv", "/dev/zero"), {4}),
        "pipe": (SERIES.replace("data.csv", "pipe"), {4}),
        "bomb": (SERIES.replace("data.csv", "bomb.csv.gz"), {4, 9}),
        "picture": (f"name: p\ndata: {images}\ntask: {{kind: one_to_many}}\n", {4, 10, 12}),
        "pickle": (arrays(folder, "pickle", pickle.dumps(Evil())), {4, 10}),
        "object": (
            arrays(
                folder,
                "object",
                npy(HEADER.format("|O", "(1,)"), pickle.dumps(Evil())),
            ),
            {10},
        ),
        "claims": (arrays(folder, "claims", npy(claims, b"\0" * 16)), {4}),
        "zeros": (
            arrays(
                folder, "zeros", npy(claims.replace("8589934592", "99999999"), bytes(2**26)),
                deflated=True,
            ),
            {4, 9, 10},
        ),
    }  # fmt: skip


def spoilt_runs(folder: Path, run: Path) -> dict[str, tuple[list[str], set[int]]]:
    """Copies of a run that a stranger sent: how they are used, and the right exit codes."""
    import pickle
    import shutil

    def copy(name: str) -> Path:
        return Path(shutil.copytree(run, folder / "sent" / name))

    def newest(place: Path) -> Path:
        steps = (int(each.name) for each in (place / "checkpoints").iterdir())
        return place / "checkpoints" / str(max(steps))

    (folder / "secret.txt").write_text("s3cret\n")
    weights = copy("weights")
    (newest(weights) / "tensors.safetensors").write_bytes(pickle.dumps(Evil()))
    state = copy("state")
    (newest(state) / "state.json").write_bytes(pickle.dumps(Evil(), 0))
    linked = copy("linked")
    place = newest(linked)
    place.rename(linked / "elsewhere")
    place.symlink_to(linked / "elsewhere")
    tagged = copy("tagged")
    with (tagged / "resolved.yaml").open("a") as config:
        config.write('x: !!python/object/apply:os.system ["touch canary"]\n')
    status = copy("status")
    (status / "status.json").unlink()
    (status / "status.json").symlink_to(folder / "secret.txt")
    log = copy("log")
    with (log / "metrics.jsonl").open("a") as lines:
        lines.write('{"step": 9, "val/\\u001b]0;evil\\u0007": 1}\n' + "[" * 100_000 + "\n")
    summary = json.loads((log / "summary.json").read_text())
    summary["name"] = "\u202ex[/]\u001b[31m"
    (log / "summary.json").write_text(json.dumps(summary))
    return {
        "run weights": (["evaluate", str(weights)], {10}),
        "run weights resume": (["resume", str(weights), "--extend", "training.epochs=9"], {10}),
        "run state": (["predict", str(state), "[1, 2, 3, 4, 5, 6]"], {10}),
        "run linked": (["evaluate", str(linked)], {10}),
        "run linked verify": (["runs", "verify", str(linked)], {10, 13}),
        "run tagged": (["evaluate", str(tagged)], {5, 10}),
        "run status": (["runs", "show", str(status)], {0, 2, 5, 10}),
        "run log": (["runs", "show", str(log)], {0}),
        "run list": (["runs", "ls", "--runs", str(folder / "sent")], {0}),
    }


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], Any]:
    """The folder, what was right for each case, and what happened."""
    import pickle

    folder = tmp_path_factory.mktemp("hostile")
    (folder / "data.csv").write_text("y\n" + "\n".join(str(i % 7) for i in range(80)) + "\n")
    (folder / "small.yaml").write_text(SERIES)
    from rnnexp.cli.app import main

    assert main(["train", str(folder / "small.yaml"), "--runs", str(folder / "own")]) == 0
    (run,) = (folder / "own").iterdir()
    cases: dict[str, list[str]] = {"control": []}
    right: dict[str, set[int]] = {}
    for name, (text, codes) in configs(folder).items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        cases[name] = ["train", f"{name}.yaml", "--runs", "never"]
        right[name] = codes
    for name, (command, codes) in spoilt_runs(folder, run).items():
        cases[name], right[name] = command, codes
    (folder / "control.pkl").write_bytes(pickle.dumps(Evil()))
    warm = [["evaluate", str(run)], ["runs", "show", str(run)], ["runs", "ls", "--runs", "own"]]
    (folder / "warm.json").write_text(json.dumps(warm))
    (folder / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run(
        [sys.executable, "-c", WATCHER, str(folder)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder, right, json.loads(done.stdout.splitlines()[-1])


def test_the_hook_sees_what_it_is_to_see(watched: Any) -> None:
    """A positive control: an unpickling, an import and a process."""
    folder, _, results = watched
    seen = " ".join(results["control"]["seen"])
    assert all(word in seen for word in ("pickle.find_class", "antigravity", "os.system"))
    assert (folder / "canary").is_dir()


def test_everything_hostile_is_refused(watched: Any) -> None:
    folder, right, results = watched
    wrong = {
        name: (results[name]["code"], results[name]["out"][-300:])
        for name, codes in right.items()
        if results[name]["code"] not in codes
    }
    assert wrong == {}
    assert {name: results[name]["seen"] for name in right if results[name]["seen"]} == {}
    assert not (folder / "never").exists() and not (folder.parent / "outside").exists()


def test_nothing_hostile_reaches_the_terminal(watched: Any) -> None:
    _, right, results = watched
    for name in right:
        printed = results[name]["out"]
        assert "Traceback" not in printed
        assert not any(mark in printed for mark in ("\x1b", "\x07", "\u202e", "s3cret")), name


def test_nothing_hostile_costs_much(watched: Any) -> None:
    """At most 300 MiB and, where nothing else runs (make proof), two seconds."""
    _, right, results = watched
    if PROOF:
        assert {n: results[n]["seconds"] for n in right if results[n]["seconds"] > 2} == {}
    costly = {name: results[name]["mib"] for name in right if results[name]["mib"] > 300}
    assert costly == {}
