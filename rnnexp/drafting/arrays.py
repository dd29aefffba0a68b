"""Arrays of numbers in .npz or .safetensors: which are read, and which are predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.arrays.array_file import open_arrays
from rnnexp.data.memory import check_memory
from rnnexp.data.reading_files import SourceFile
from rnnexp.drafting.asked import Asked
from rnnexp.drafting.beside import OtherFiles
from rnnexp.drafting.draft import Choice, Draft, Key
from rnnexp.drafting.examples import check_classes, check_enough
from rnnexp.drafting.first_model import Start, classifier, regressor, writer
from rnnexp.drafting.rows import BASELINES, task_keys
from rnnexp.drafting.sample import Sample
from rnnexp.errors import DataError

__all__ = ["draft_arrays"]

Arrays = Mapping[str, NDArray[Any]]
INPUTS = ("inputs", "x", "X", "x_train", "data", "features", "images", "sequences")
TARGETS = ("target", "targets", "y", "Y", "y_train", "labels", "label", "outputs")
LENGTHS = ("lengths", "length", "n_steps")
FEW = 100


def draft_arrays(sample: Sample, asked: Asked, path: str, others: OtherFiles) -> Draft:
    """A network that reads one array and predicts another, example by example.

    Raises:
        CommandError: an option that does not fit these arrays.
        DataError: no two arrays belong together.
        UnsafeError: a pickle.
    """
    asked.refuse_but("arrays", ("target", "inputs"))
    arrays = _read(sample)
    asked.check_known(list(arrays))
    inputs, target = _roles(sample, arrays, asked)
    x, y = arrays[inputs], arrays[target]
    check_enough(sample.name, len(x))
    regression = not _is_class(y)
    shape = "one_to_many" if x.ndim == 1 or (x.ndim == 2 and y.ndim == 3) else (
        "many_to_one" if y.ndim == 1 or y.shape[1:2] != x.shape[1:2] else "many_to_many"
    )  # fmt: skip
    asked.check_task(f"{inputs} {x.shape} -> {target} {y.shape}", (shape,))
    if shape == "many_to_one" and not regression:
        check_classes(target, Counter(y.tolist()))
    start = Start(int(0.8 * len(x)), x.shape[1] if x.ndim > 1 else y.shape[1])
    model, training = _model(start, shape, regression)
    return Draft(
        title=f"Predicts {target} from {inputs}: {sample.short_name}.",
        found={"arrays": {name: _words(array) for name, array in arrays.items()}},
        data=tuple(_data_keys(arrays, inputs, target, path, others)),
        task=task_keys(shape, regression),
        model=model,
        training=training,
        baselines="the mean" if regression else BASELINES[shape],
        choices=(
            *others.choices(),
            Choice("data.inputs", inputs, _words(x), "--inputs ARRAY"),
            Choice("data.target", target, _words(y), "--target ARRAY"),
        ),
    )


def _model(start: Start, shape: str, regression: bool) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    if shape == "one_to_many":
        return writer(start, tokens=not regression)
    make = regressor if regression else classifier
    return make(start, tokens=False, one=shape == "many_to_one")


def _read(sample: Sample) -> Arrays:
    """Every array of the file."""
    check_memory(sample.size * 2, f"{sample.name} ({sample.size:,} bytes)", sample.at(), "DATA")
    opened = open_arrays(SourceFile(sample.name, sample.path.read_bytes()))
    needed = sum(map(opened.bytes_of, opened.names))
    check_memory(needed, f"the arrays of {sample.name}", sample.at(), "DATA")
    return {name: opened.read(name) for name in opened.names}


def _roles(sample: Sample, arrays: Arrays, asked: Asked) -> tuple[str, str]:
    """The names of the array that is read and of the one that is predicted."""
    examples = Counter(len(array) for array in arrays.values() if array.ndim)
    usual = examples.most_common(1)[0][0] if examples else 0
    fitting = {n: a for n, a in arrays.items() if a.ndim and len(a) == usual and n not in LENGTHS}
    inputs = asked.inputs[0] if asked.inputs else next((n for n in INPUTS if n in fitting), None)
    target = asked.target or next((n for n in TARGETS if n in fitting and n != inputs), None)
    left = [name for name in fitting if name not in (inputs, target)]
    inputs = inputs or max(left, key=lambda name: fitting[name].ndim, default=None)
    target = target or min(
        (name for name in left if name != inputs), key=lambda n: fitting[n].ndim, default=None
    )
    if inputs is None or target is None:
        raise DataError(
            f"{sample.name} has no two arrays of as many examples",
            code="DAT305",
            position=sample.at(),
            allowed="inputs (N, T, I) and target (N,)",
            hint="it holds " + ", ".join(f"{name} {array.shape}" for name, array in arrays.items()),
        )
    return inputs, target


def _is_class(array: NDArray[Any]) -> bool:
    whole = array.dtype.kind in "iub"
    return bool(whole and array.ndim < 3 and array.min(initial=0) >= 0 and array.max() < FEW)


def _words(array: NDArray[Any]) -> str:
    return f"{array.dtype} {' x '.join(map(str, array.shape))}"


def _data_keys(
    arrays: Arrays, inputs: str, target: str, path: str, others: OtherFiles
) -> list[Key]:
    keys = [
        Key("source", "npz", "arrays with the examples along their first axis"),
        Key("path", path, "relative to this file"),
        *others.keys(),
        Key("inputs", inputs, f"what is read: {_words(arrays[inputs])}"),
        Key("target", target, f"what is predicted: {_words(arrays[target])}"),
    ]
    lengths = next((name for name in LENGTHS if name in arrays), None)
    if lengths:
        keys.append(Key("lengths", lengths, "the valid steps of each sequence"))
    keys.append(Key("scale", "standard", "mean 0 and deviation 1, by the training part"))
    if not all(np.isfinite(arrays[name]).all() for name in (inputs, target)):
        keys.append(Key("nan", "drop", "examples with values that are not finite are left out"))
    return keys
