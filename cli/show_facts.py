"""What `runs show` says of a run in one line each: its settings, its gradients, its machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .compare_sheet import setting_text
from .text import number, safe

if TYPE_CHECKING:
    from rnnexp.reports.gradient_norms import GradientNorms
    from rnnexp.reports.runs import RunRow

__all__ = ["environment_text", "gradient_text", "settings_text"]


def settings_text(row: RunRow) -> dict[str, str]:
    """Seed and settings that are not the defaults, as facts; none where they cannot be read."""
    from rnnexp.errors import RnnexpError
    from rnnexp.reports.chosen_settings import chosen_settings

    try:
        chosen = chosen_settings(row.path)
    except RnnexpError as error:
        return {"seed": number(row.seed), "settings": f"not readable: {safe(str(error))}"}
    parts = [f"{safe(key)}={setting_text(v)}".replace(", ", ",") for key, v in chosen.items()]
    seed = chosen.get("seed", row.seed or 0)
    told = " ".join(part for part in parts if not part.startswith(("name=", "seed=")))
    return {"seed": number(seed), "settings": told}


def gradient_text(norms: GradientNorms | None) -> str:
    """`norm median 0.54, largest 3.6; clipped at 1 in 34 % of the steps`."""
    if norms is None:
        return ""
    text = f"norm median {number(norms.median)}, largest {number(norms.largest)}; "
    if norms.clipped is None:
        return text + "not clipped"
    where = f" at {number(norms.threshold)}" if norms.threshold is not None else ""
    return f"{text}clipped{where} in {100 * norms.clipped:.0f} % of the steps"


def environment_text(record: Mapping[str, Any]) -> str:
    """`torch 2.13.0, 1 thread, Intel Xeon, AVX512`, from env.json."""
    versions = record.get("versions")
    torch = versions.get("torch") if isinstance(versions, Mapping) else None
    threads, device = record.get("threads"), record.get("device")
    parts = [
        f"torch {torch}" if torch else "",
        f"{threads} thread{'' if threads == 1 else 's'}" if isinstance(threads, int) else "",
        str(device) if device and device != "cpu" else "",
        str(record.get("cpu") or ""),
        str(record.get("cpu_capability") or ""),
    ]
    return safe(", ".join(part for part in parts if part))
