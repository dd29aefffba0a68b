"""`rnnexp generate RUN`: text that goes on, or sequences made from a class or an image."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CommandError

from .help import DebugOption, JsonOption, RunsOption
from .predict import json_of, run_config
from .render import print_json
from .terminal import print_text, printable, safe, shown

if TYPE_CHECKING:
    from rnnexp.config.config import Config
    from rnnexp.inference.generation import Drawing, TextModel
    from rnnexp.inference.trained import Trained

__all__ = ["generate"]

SamplesOption = Annotated[
    int, typer.Option("--samples", min=1, max=100_000, metavar="N", help="How many sequences.")
]


def generate(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, a unique prefix of its name, or latest.")
    ],
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", metavar="TEXT", help="Text to go on from (language models)."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", metavar="NAME", help="Class to make a sequence of (one_to_many)."),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            "--features", metavar="JSON", help="Numbers to make a sequence of (one_to_many)."
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option("--image", metavar="FILE", help="Image to write for (one_to_many)."),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(
            "--length",
            min=1,
            max=10_000_000,
            metavar="N",
            help="Units to draw; with one_to_many, at most.  [default: 500; as in training]",
            show_default=False,
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature",
            min=0,
            max=100,
            metavar="X",
            help="Under 1 plays safe, 0 takes the most likely, above 1 dares.  [default: 1]",
            show_default=False,
        ),
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option("--top-k", min=1, metavar="K", help="Draw from the K most likely alone."),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            "--top-p",
            min=0,
            max=1,
            metavar="P",
            help="Draw from the fewest that hold this much of the probability.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            max=2**32 - 1,
            metavar="N",
            help="The same seed gives the same sequences.  [default: 0]",
            show_default=False,
        ),
    ] = None,
    samples: SamplesOption = 1,
    runs: RunsOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Draw sequences from the best checkpoint of a run: text, or what a class or image leads to.

    A language model reads the prompt and goes on from the state that it leaves. Each unit is drawn
    from softmax(logits / temperature), of which top-k and top-p keep the likeliest part. The run's
    training data are not read.

    Example:
      rnnexp generate latest --prompt "ROMEO:" --temperature 0.8 --seed 1
      rnnexp generate latest --label Italian --samples 10 --top-p 0.9
      rnnexp generate latest --image photo.png --temperature 0
    """
    given = {"--temperature": temperature, "--top-k": top_k, "--top-p": top_p, "--seed": seed}
    _check(given, samples)
    found, config = run_config(run, runs)
    kind = _kind(config)
    start = {"--prompt": prompt, "--label": label, "--features": features, "--image": image}
    _check_kind(kind, start, given | {"--length": length})
    option, condition = next(((o, c) for o, c in start.items() if c is not None), ("", None))
    if option == "--features":
        condition = json_of(option, str(condition))

    from rnnexp.inference.generation import Drawing
    from rnnexp.inference.trained import restore_for_use
    from rnnexp.tasks.decoding import Sampling

    trained, stream = restore_for_use(found), sys.stderr if json_ else sys.stdout
    sampling = Sampling(1.0 if temperature is None else temperature, top_k, top_p)
    drawing = Drawing(sampling, seed or 0, samples, length)
    if kind == "language":
        made = _write_on(trained, prompt, drawing, stream)
    else:
        made = _make(trained, condition, option, drawing, stream)
    if json_:
        how = {"seed": drawing.seed, **vars(sampling)}
        print_json({"run": str(found), "step": trained.step} | how | {"samples": made})


def _check(given: Mapping[str, Any], samples: int) -> None:
    """Raises CommandError for what has no effect or no meaning."""
    if given["--top-p"] == 0:
        raise CommandError("nothing would be left", code="CMD104", key="--top-p", value=0,
                           allowed="0 < P <= 1")  # fmt: skip
    if given["--temperature"] != 0:
        return
    idle = [name for name in ("--top-k", "--top-p", "--seed") if given[name] is not None]
    if samples > 1:
        idle.append("--samples")
    if idle:
        raise CommandError(
            "has no effect with --temperature 0, which leaves nothing to chance",
            code="CMD124",
            key=idle[0],
            allowed="0 < X <= 100 for --temperature",
        )


def _kind(config: Config) -> str:
    """`language`, `tokens` or `numbers`. Raises CommandError where nothing is generated."""
    from rnnexp.config.compatibility import target_of
    from rnnexp.config.data_settings import TextCorpus

    experiment = config.experiment
    if isinstance(experiment.data, TextCorpus):
        return "language"
    if experiment.task.kind == "one_to_many":
        return "numbers" if target_of(experiment) == "regression" else "tokens"
    raise CommandError(
        f"this run answers to an input ({experiment.task.kind}); it generates nothing",
        code="CMD121",
        key="run",
        value=experiment.name,
        hint="ask it with: rnnexp predict RUN INPUT",
    )


def _check_kind(kind: str, start: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raises CommandError for a start or a way of drawing that is not for this kind of run."""
    named = [name for name, value in start.items() if value is not None]
    fitting = ["--prompt"] if kind == "language" else ["--label", "--features", "--image"]
    for name in named:
        if name not in fitting:
            raise CommandError(
                "is not what this run starts from",
                code="CMD124",
                key=name,
                allowed=" or ".join(fitting),
            )
    if kind != "language" and len(named) != 1:
        raise CommandError(
            "needs one thing to start from",
            code="CMD103",
            allowed="--label NAME, --features JSON, --image FILE",
        )
    drawn = [name for name, value in given.items() if value is not None]
    if kind == "numbers" and drawn:
        message = "has no effect: numbers follow from the condition, nothing is drawn"
        raise CommandError(message, code="CMD124", key=drawn[0])


def _write_on(
    trained: Trained, prompt: str | None, drawing: Drawing, stream: IO[str]
) -> list[dict[str, Any]]:
    """Continue a text, on the stream as it is made, and return it."""
    from rnnexp.inference.generation import TextModel

    model = TextModel(trained)
    start = model.split(model.opening if prompt is None else prompt)
    if not start:
        message = f"holds no {model.units.name} to go on from"
        raise CommandError(message, code="CMD104", key="--prompt", value=prompt)
    if unknown := model.unknown(start):
        names = ", ".join(map(shown, dict.fromkeys(unknown)))
        print_text(f"never seen in training, read as unknown: {names}", sys.stderr)
    steps = model.continued(start, drawing)
    if drawing.samples == 1:
        texts = [_as_it_is_drawn(model, start, steps, stream)]
    else:
        texts = [list(units) for units in zip(*steps, strict=True)]
        for number, units in enumerate(texts, start=1):
            print_text(f"-- sample {number}", stream)
            print_text(_lines(model.join(start + units)), stream)
    return [{"prompt": model.join(start), "text": model.join(units)} for units in texts]


def _as_it_is_drawn(
    model: TextModel, start: list[str], steps: Iterable[list[str]], stream: IO[str]
) -> list[str]:
    """Write one text unit by unit, and return its units."""
    stream.write(printable(_lines(model.join(start)), stream))
    units, last, pending = list[str](), start[-1], list[str]()
    for (unit,) in steps:
        units.append(unit)
        pending.append(unit)
        added = model.added(last, pending)
        if added is not None:
            stream.write(printable(_lines(added), stream))
            stream.flush()
            last, pending = unit, []
    stream.write("\n")
    return units


def _make(
    trained: Trained, condition: Any, option: str, drawing: Drawing, stream: IO[str]
) -> list[dict[str, Any]]:
    """Make sequences from a condition, print one a line, and return them."""
    from rnnexp.data.dataset import Values
    from rnnexp.inference.generation import condition_of, sequences, values_from

    question = condition_of(trained, condition, option)
    if isinstance(trained.signature.outputs, Values):
        made = [values_from(trained, question)]
    else:
        made = sequences(trained, question, drawing)
    for each in made:
        print_text(safe(each) if isinstance(each, str) else json.dumps(each), stream)
    return [{"sequence": each} for each in made]


def _lines(text: str) -> str:
    """Text that a network made, safe to show, its line breaks kept."""
    return "\n".join(map(safe, text.split("\n")))
