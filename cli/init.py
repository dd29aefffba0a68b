"""`rnnexp init DATA`: a commented config for a file that was looked at."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CommandError, Position

from .help import DebugOption, JsonOption
from .render import print_json
from .terminal import print_text, safe, width_of

if TYPE_CHECKING:
    from rnnexp.drafting.draft import Choice, Draft

__all__ = ["init"]

ENDINGS = (".gz", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".txt", ".conllu",
           ".npz", ".safetensors")  # fmt: skip


def init(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A data file, a folder, or data:NAME.")
    ],
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="OUT.yaml",
            help="The config to write.  [default: named after DATA, in this folder]",
            show_default=False,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="KIND", help="many_to_one, one_to_many or many_to_many."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="NAME",
            help="Column or key to predict; of parallel text, the file to translate into.",
        ),
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option("--inputs", metavar="A,B", help="Columns or keys to read."),
    ] = None,
    value: Annotated[
        str | None,
        typer.Option("--value", metavar="A,B", help="Columns of a time series to forecast."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT.yaml.")] = False,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Look at a data file and write a commented config that trains on it as it stands.

    What the file is tells its content: a table, JSON lines, Parquet, text, tagged or parallel
    sentences, arrays, images. Of a large file the beginning is looked at. What the data do not
    settle is chosen, said, and can be chosen otherwise.

    Example:
      rnnexp init sales.csv
      rnnexp init reviews.jsonl mine.yaml --inputs text --target stars
      rnnexp init train.en --target train.fr
      rnnexp init data:tinyshakespeare
    """
    from rnnexp.drafting.asked import Asked
    from rnnexp.drafting.look import draft_of
    from rnnexp.drafting.yaml_text import experiment_name, yaml_text
    from rnnexp.storage import write_text

    config = _config(data, out)
    _check_free(config, data, force)
    asked = Asked(task, target, _names(inputs), _names(value))
    draft = draft_of(data, asked, config.parent)
    write_text(config, yaml_text(draft, experiment_name(config.stem), quote(str(config))))
    _say(draft, config, sys.stderr if json else sys.stdout)
    if json:
        print_json(
            {
                "config": str(config),
                "found": draft.found,
                "choices": [_as_object(choice) for choice in draft.choices],
            }
        )


def _config(data: str, out: Path | None) -> Path:
    """The config to write, named after the data where it is not named."""
    stem = Path(data.removeprefix("data:")).resolve().name
    for ending in ENDINGS:
        stem = stem.removesuffix(ending)
    name = Path(f"{stem or 'experiment'}.yaml")
    if out is None:
        return name
    return out / name if out.is_dir() else out


def _check_free(config: Path, data: str, force: bool) -> None:
    if os.path.lexists(config) and not force:
        raise CommandError(
            "is there already; nothing is overwritten",
            code="CMD014",
            position=Position(str(config)),
            hint=f"name another: rnnexp init {quote(data)} OUT.yaml; --force overwrites this one",
        )


def _names(listed: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (listed or "").split(",") if name.strip())


def _as_object(choice: Choice) -> dict[str, Any]:
    return {
        "key": choice.key, "value": choice.value, "why": choice.why, "change": choice.change,
    }  # fmt: skip


def _say(draft: Draft, config: Path, stream: Any) -> None:
    """What was found and chosen, and what to type next."""
    from rnnexp.drafting.yaml_text import in_words

    print_text(f"{safe(str(config))}: {safe(draft.title)}", stream)
    for key, found in draft.found.items():
        _print_item(key, in_words(found), stream)
    if draft.choices:
        print_text("chosen, as the data do not settle it:", stream)
    for choice in draft.choices:
        value = "none" if choice.value is None else choice.value
        _print_item(choice.key, f"{value} ({choice.why}); to change it: {choice.change}", stream)
    print_text("next:", stream)
    print_text(f"  rnnexp train {safe(quote(str(config)))}", stream)
    if draft.after:
        print_text(f"  {safe(draft.after)}", stream)


def _print_item(name: str, text: str, stream: Any) -> None:
    lines = textwrap.wrap(
        safe(f"{name}: {text}"),
        max(width_of(stream) or 100, 20),
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    print_text("\n".join(lines), stream)
