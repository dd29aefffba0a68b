"""The command `rnnexp`: its commands in order, and what becomes of an error."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from rnnexp import __version__
from rnnexp.errors import CommandError, Problem, RnnexpError, nearest
from rnnexp.libraries import set_up

from . import configs, data, runs
from .bench import bench
from .compare import compare
from .compare_manual import compare_manual
from .diagnose import diagnose
from .doctor import doctor
from .evaluate import evaluate
from .generate import generate
from .help import Command, Group
from .init import init
from .predict import predict
from .render import print_errors
from .report import report
from .reproduce import reproduce, verify
from .runs import rm
from .show import show
from .sweep import sweep
from .terminal import mute, print_text, safe, style, wipe
from .train import resume, train
from .validate import plan, schema, validate

__all__ = ["app", "main"]

BROKEN_PIPE = 141  # 128 + SIGPIPE, what a shell reports for a reader that left early

# typer carries its own copy of click under a private name; BadParameter is its public end.
UsageError: Any = typer.BadParameter.__mro__[1]


class Commands(Group):
    """The commands in the order in which a newcomer meets them."""

    order = (
        "train",
        "resume",
        "evaluate",
        "predict",
        "generate",
        "compare-manual",
        "diagnose",
        "sweep",
        "reproduce",
        "runs",
        "init",
        "validate",
        "plan",
        "schema",
        "configs",
        "data",
        "bench",
        "doctor",
    )


RUNS_HELP = """Look at what was run: a table of all runs, or one in detail.

Example:
  rnnexp runs ls
  rnnexp runs show latest
  rnnexp runs compare --baseline model.cell=rnn
  rnnexp runs report latest
  rnnexp runs verify latest
"""

CONFIGS_HELP = """Find a ready experiment in the gallery and copy it.

Example:
  rnnexp configs ls
  rnnexp configs cp quickstart my-experiment.yaml
"""

DATA_HELP = """Find public data sets by name and fetch them into a cache.

Example:
  rnnexp data ls
  rnnexp data get tinyshakespeare
"""


def _print_version(wanted: bool) -> None:
    if wanted:
        print_text(f"rnnexp {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="rnnexp",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.callback()
def _rnnexp(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Recurrent networks, one experiment a file.

    A YAML file is an experiment, a command runs it, a folder under runs/ holds what happened.

    Example:
      rnnexp train configs/quickstart.yaml model.cell=gru
      rnnexp resume latest
      rnnexp evaluate latest --split val
      rnnexp predict latest new.csv --steps 12
      rnnexp generate latest --prompt "ROMEO:"
      rnnexp compare-manual configs/quickstart.yaml
      rnnexp diagnose latest
      rnnexp sweep mine.yaml model.cell=rnn,lstm,gru seed=0..4
      rnnexp reproduce latest
      rnnexp runs show latest
      rnnexp init mine.csv
      rnnexp validate mine.yaml
      rnnexp plan mine.yaml model.hidden_sizes=[256,128]
      rnnexp schema > schema.json
      rnnexp configs cp quickstart mine.yaml
      rnnexp data get tinyshakespeare
      rnnexp bench --quick
      rnnexp doctor
    """


def _group(help_page: str, *functions: Callable[..., None]) -> typer.Typer:
    """A command of commands, each named after its function."""
    group = typer.Typer(cls=Group, help=help_page, no_args_is_help=True, rich_markup_mode=None)
    for function in functions:
        group.command(cls=Command)(function)
    return group


app.command(cls=Command)(train)
app.command(cls=Command)(resume)
app.command(cls=Command)(evaluate)
app.command(cls=Command)(predict)
app.command(cls=Command)(generate)
app.command("compare-manual", cls=Command)(compare_manual)
app.command(cls=Command)(diagnose)
app.command(cls=Command)(sweep)
app.command(cls=Command)(reproduce)
app.command(cls=Command)(init)
app.command(cls=Command)(validate)
app.command(cls=Command)(plan)
app.command(cls=Command)(schema)
app.command(cls=Command)(bench)
app.command(cls=Command)(doctor)
app.add_typer(_group(RUNS_HELP, runs.ls, show, compare, report, verify, rm), name="runs")
app.add_typer(_group(CONFIGS_HELP, configs.ls, configs.cp), name="configs")
app.add_typer(_group(DATA_HELP, data.ls, data.get), name="data")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns the exit code of the process."""
    set_up(os.environ)  # torch reads it when it is loaded, here and in the workers of a sweep
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = given[: given.index("--")] if "--" in given else given
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        code = _leave_quietly()
    except RnnexpError as error:
        code = _report(error, options)
    except Exception as error:  # anything else is our own fault, and said so
        code = _report(_bug(error), options, error)
    finally:
        wipe()
    return code


def _run(arguments: list[str]) -> int:
    """Runs the command; usage errors become a CommandError, an interruption 130."""
    command = typer.main.get_command(app)
    try:
        result = command.main(arguments, prog_name="rnnexp", standalone_mode=False)
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print_text(error.message, sys.stderr)
            return CommandError.exit_code
        raise CommandError(_usage_problem(error)) from error
    except typer.Abort:
        return 130
    except SystemExit as stop:  # how typer ends on a reader that left, and after completion
        if isinstance(stop.__context__, BrokenPipeError):
            return _leave_quietly()
        return stop.code if isinstance(stop.code, int) else 0
    return result if isinstance(result, int) else 0


def _leave_quietly() -> int:
    mute(sys.stdout)
    return BROKEN_PIPE


def _usage_problem(error: Any) -> Problem:
    """A usage error of typer in our form."""
    context = error.ctx
    path = context.command_path if context else "rnnexp"
    hint = f"{path} --help shows how it is used"
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption":
        options = [
            name for param in context.command.params for name in param.opts if name[0] == "-"
        ]
        return Problem(
            code="CMD102",
            message=f"{path} has no such option",
            value=option,
            suggestion=nearest(str(option), options),
            allowed=", ".join(options) or None,
            hint=hint,
        )
    if type(error).__name__ == "MissingParameter":
        name = error.param.display_name_raw if error.param else "an argument"
        return Problem(code="CMD103", message=f"{path} needs {name}", hint=hint)
    if isinstance(error, typer.BadParameter) and error.param:
        names = [name for name in error.param.opts if name.startswith("--")]
        key = names[0] if names else str(error.param.display_name_raw)
        return Problem(code="CMD104", message=_sentence(error.message), key=key, hint=hint)
    return Problem(code="CMD100", message=_sentence(error.format_message()), hint=hint)


def _sentence(message: str) -> str:
    message = message.strip().rstrip(".").replace("Value error, ", "").replace("value error, ", "")
    return message[:1].lower() + message[1:]


def _bug(error: Exception) -> RnnexpError:
    text = f"{type(error).__name__}: {error}"
    return RnnexpError(
        Problem(
            code="RNN001",
            message=f"a bug in rnnexp: {text[:300]}",
            hint="please report it, with the command and what it prints with --debug added",
        )
    )


def _report(error: RnnexpError, options: list[str], cause: Exception | None = None) -> int:
    if "--debug" in options:
        trace = "".join(traceback.format_exception(cause or error))
        print_text(style("\n".join(map(safe, trace.splitlines())), "dim", sys.stderr), sys.stderr)
    try:
        print_errors(error, as_json="--json" in options)
    except BrokenPipeError:
        mute(sys.stderr)
    return error.exit
