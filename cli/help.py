"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from rnnexp.errors import CommandError, Problem, nearest

__all__ = [
    "Command",
    "DebugOption",
    "Group",
    "JsonOption",
    "OverridesArgument",
    "RunsOption",
    "SetOption",
    "TensorBoardOption",
]


# Help pages: plain text that fits the terminal, examples kept as they were written.
#
# Markup is not parsed, so `[a.b=c ...]` in a docstring stays what it is, and no library for rich
# text is imported before the first line is on the screen.


def _paragraphs(text: str) -> Iterator[tuple[str, bool]]:
    """Each paragraph of a docstring, and whether its line breaks are meant (an example is)."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        verbatim = any(line.startswith("  ") for line in paragraph.splitlines())
        yield paragraph, verbatim


def _write_text(text: str, formatter: Any, examples: bool) -> None:
    """The paragraphs of a docstring; its examples are left for the end of the page."""
    with formatter.indentation():
        for paragraph, verbatim in _paragraphs(text):
            if paragraph.startswith("Example") is not examples:
                continue
            formatter.write_paragraph()
            if verbatim:
                margin = "" if examples else " " * formatter.current_indent
                formatter.write("".join(f"{margin}{line}\n" for line in paragraph.splitlines()))
            else:
                formatter.write_text(paragraph)


class Command(TyperCommand):
    """A command whose docstring is its help page."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        _write_text(self.help or "", formatter, examples=False)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_text(self.help or "", formatter, examples=True)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`CONFIG [a.b=c ...] [OPTIONS]`: in the order in which people type it."""
        arguments = [param for param in self.params if param.param_type_name == "argument"]
        return [*map(_usage, arguments), "[OPTIONS]"]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        params = self.get_params(ctx)
        arguments = [
            (param.display_name_raw, param.help or "")  # type: ignore[attr-defined]
            for param in params
            if param.param_type_name == "argument"
        ]
        options = [
            record
            for param in params
            if param.param_type_name != "argument" and (record := param.get_help_record(ctx))
        ]
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _usage(argument: Any) -> str:
    name = str(argument.display_name_raw)
    if name.startswith("["):
        return name
    name += " ..." if argument.nargs == -1 else ""
    return name if argument.required else f"[{name}]"


class Group(TyperGroup):
    """A group that lists its commands first, in a given order, and knows the nearest name."""

    order: tuple[str, ...] = ()

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(self.commands, key=lambda name: (name not in self.order, self._rank(name)))

    def _rank(self, name: str) -> int:
        names = self.order if name in self.order else tuple(self.commands)
        return names.index(name)

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        _write_text(self.help or "", formatter, examples=False)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_text(self.help or "", formatter, examples=True)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        self.format_commands(ctx, formatter)
        TyperCommand.format_options(self, ctx, formatter)  # type: ignore[arg-type]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The first sentence of each command, in full: a cut line helps nobody."""
        names = self.list_commands(ctx)
        rows = [(name, _first_sentence(self.commands[name].help or "")) for name in names]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name in self.commands or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        names = self.list_commands(ctx)
        raise CommandError(
            Problem(
                code="CMD101",
                message=f"{ctx.command_path} has no such command",
                value=name,
                suggestion=nearest(name, names),
                allowed=", ".join(names),
                hint=f"{ctx.command_path} --help says what each does",
            )
        )


def _first_sentence(text: str) -> str:
    paragraph, _ = next(_paragraphs(text), ("", False))
    return " ".join(paragraph.split()).partition(". ")[0].rstrip(".")


# Options that several commands share, so that they read the same everywhere.

JsonOption = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one machine-readable object last on stdout; text for people goes to stderr.",
    ),
]

RunsOption = Annotated[
    Path | None,
    typer.Option(
        "--runs",
        metavar="DIR",
        help="Folder that holds the runs.  [default: $RNNEXP_RUNS, or ./runs]",
        show_default=False,
    ),
]

DebugOption = Annotated[
    bool,
    typer.Option("--debug", help="Show the traceback of an error."),
]

TensorBoardOption = Annotated[
    bool,
    typer.Option("--tensorboard", help="Leave events for TensorBoard beside the run, too."),
]

OverridesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[a.b=c ...]",
        help="Change a key (a.b=c) or remove it ('~a.b').",
        show_default=False,
    ),
]

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=c", help="The same as the positional form; repeatable."),
]
