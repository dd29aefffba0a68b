"""`rnnexp doctor`: what is installed, what this machine can do, what would be refused."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .help import DebugOption, JsonOption, RunsOption
from .render import print_json
from .tables import fact_lines
from .terminal import number, print_text, safe, style

__all__ = ["doctor"]

NEEDED = ("torch", "numpy", "safetensors", "pydantic", "PyYAML", "matplotlib", "typer", "rich")
EXTRAS = {
    "datasets": ("scikit-learn", "the digits, as images and as sequences"),
    "parquet": ("pyarrow", "Parquet files"),
    "text": ("tokenizers", "byte pairs, and BLEU and chrF of translations"),
    "sweep": ("optuna", "sweeps that learn from what came back (TPE), and pruning"),
    "tensorboard": ("tensorboard", "--tensorboard of train and resume"),
}
LITTLE = 2**30  # bytes free under which a long run may not find room


def doctor(runs: RunsOption = None, json: JsonOption = False, debug: DebugOption = False) -> None:
    """Show what is installed, what this machine can do, and what would be refused.

    The folder for runs is tried for real: a file is written, synced, locked and removed.

    Example:
      rnnexp doctor
    """
    from rnnexp.reports.run_index import runs_folder

    found = examine(runs_folder(runs))
    if json:
        print_json(found)
        return
    print_text(_page(found))


def examine(runs: Path) -> dict[str, Any]:
    """Everything doctor knows; nothing in it raises, torch that does not load included."""
    from rnnexp import __version__
    from rnnexp.recording.environment import cpu_model, package_versions, usable_cores
    from rnnexp.storage import free_bytes

    torch = _torch()
    found: dict[str, Any] = {
        "rnnexp": __version__,
        "python": platform.python_version(),
        "packages": package_versions(NEEDED),
        "extras": {
            name: {
                "package": package,
                "installed": package_versions((package,))[package],
                "gives": gives,
                "install": f"pip install 'rnnexp[{name}]'",
            }
            for name, (package, gives) in EXTRAS.items()
        },
        "platform": platform.platform(),
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "memory_bytes": _memory(),
        "torch": torch,
        "runs": {"folder": str(runs.absolute()), "free_bytes": free_bytes(runs), **probe(runs)},
    }
    return found | {"refused": _refused(found)}


def _torch() -> dict[str, Any]:
    """What torch says of the machine, or why it does not load."""
    try:
        import torch

        from rnnexp.kernels import in_use, native

        cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return {
            "loads": True,
            "version": torch.__version__,
            "devices": ["cpu", *(f"cuda:{i} {name}" for i, name in enumerate(cuda))],
            "threads": torch.get_num_threads(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "kernels": {"built": list(native.usable()), "used": in_use()},
        }
    except Exception as error:  # a broken installation can fail in any way
        return {"loads": False, "why": f"{type(error).__name__}: {error}"[:500]}


def _memory() -> int | None:
    with suppress(OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def probe(runs: Path) -> dict[str, Any]:
    """Whether a run could be written: tried in the folder itself, or in the parent it would be in.

    The probe leaves nothing behind.
    """
    from rnnexp.storage import try_folder

    place = next((p for p in (runs.absolute(), *runs.absolute().parents) if p.exists()), Path("/"))
    return {"exists": runs.is_dir()} | try_folder(place)


def _refused(found: Mapping[str, Any]) -> list[str]:
    """What a command would refuse here, in the words of its error."""
    runs, torch = found["runs"], found["torch"]
    refused = [
        f"everything: {name} is missing" for name, v in found["packages"].items() if v is None
    ]
    if not torch["loads"]:
        refused.append(f"train, evaluate, plan: torch does not load ({torch['why']})")
    elif len(torch["devices"]) == 1:
        refused.append("training.device: cuda (exit 12): no CUDA device")
    if not runs["writes"]:
        refused.append(f"train (exit 6): runs cannot be written ({runs.get('why')})")
    elif not (runs["sync"] and runs["lock"]):
        refused.append(f"a safe run: this file system lacks fsync or flock ({runs.get('why')})")
    for extra in found["extras"].values():
        if extra["installed"] is None:
            refused.append(f"{extra['gives']} (exit 12): {extra['install']}")
    return refused


def _page(found: Mapping[str, Any]) -> str:
    torch, runs = found["torch"], found["runs"]
    missing = style("missing", "red", sys.stdout)
    packages = [f"{name} {version or missing}" for name, version in found["packages"].items()]
    extras = [
        f"{name} ({extra['package']} {extra['installed'] or missing})"
        + ("" if extra["installed"] else f": {extra['install']}")
        for name, extra in found["extras"].items()
    ]
    able = [word for word in ("writes", "sync", "lock") if runs[word]]
    facts = {
        "rnnexp": f"{found['rnnexp']} on Python {found['python']}, {safe(found['platform'])}",
        "packages": ", ".join(packages),
        "extras": "; ".join(extras),
        "processor": f"{safe(found['cpu'])}, {found['cores']} cores{_capability(torch)}",
        "kernels": _kernels(torch),
        "memory": _gib(found["memory_bytes"]),
        "devices": safe(", ".join(torch["devices"])) if torch["loads"] else "unknown",
        "threads": f"{number(torch['threads'])} (torch's default)" if torch["loads"] else "unknown",
        "runs": f"{safe(runs['folder'])}{'' if runs['exists'] else ' (made by the first run)'}",
        "works": ", ".join(able) or style("no", "red", sys.stdout),
        "free": _gib(runs["free_bytes"])
        + (", which is little" if runs["free_bytes"] < LITTLE else ""),
        "terminal": f"{shutil.get_terminal_size().columns} columns, {sys.stdout.encoding}",
    }
    refused = "\n".join(f"  {safe(line)}" for line in found["refused"])
    end = f"would be refused here:\n{refused}" if refused else "nothing would be refused here"
    return f"{fact_lines(facts, sys.stdout)}\n\n{end}"


def _capability(torch: Mapping[str, Any]) -> str:
    return f", {safe(torch['cpu_capability'])}" if torch["loads"] else ""


def _kernels(torch: Mapping[str, Any]) -> str:
    if not torch["loads"]:
        return "unknown"
    found = torch["kernels"]
    if found["used"] == "bptt" and not found["built"]:
        return "none: there was no C compiler when rnnexp was installed; gradients by hand in torch"
    if found["used"]:
        return f"{found['used']} (built and usable: {', '.join(found['built'])})"
    return f"none, as RNNEXP_KERNELS says (usable: {', '.join([*found['built'], 'bptt'])})"


def _gib(amount: int | None) -> str:
    return "unknown" if amount is None else f"{amount / 2**30:,.1f} GiB"
