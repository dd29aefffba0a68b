"""Saved arrays: every task shape, and what is said about arrays and files that do not fit."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset
from rnnexp.errors import DataError, Position, UnsafeError

Array = NDArray[Any]
N = 20
SPLIT = {"train": 0.6, "val": 0.2, "test": 0.2}


def series(*axes: int) -> Array:
    """Distinct numbers, so that no two examples are equal."""
    return np.arange(np.prod(axes), dtype=np.float64).reshape(axes) / 8


@pytest.fixture
def load(make: Any, tmp_path: Path) -> Any:
    def call(
        kind: str, inputs: Array, target: Array, /, name: str = "a.npz", **options: Any
    ) -> Dataset:
        extra = options.pop("arrays", {})
        wanted = options.pop("target_kind", None)
        np.savez(tmp_path / "a.npz", inputs=inputs, target=target, **extra)
        task = {"target": wanted} if wanted else {}
        data = {"source": "npz", "path": name, "split": SPLIT, **options}
        dataset: Dataset = make(data, kind, task=task)
        return dataset

    return call


@pytest.fixture
def refuse(load: Any) -> Any:
    """The one problem that arrays are refused for, and its exit code."""

    def call(*arguments: Any, exit_code: int = 4, **options: Any) -> Any:
        with pytest.raises((DataError, UnsafeError)) as caught:
            load(*arguments, **options)
        assert caught.value.exit == exit_code, caught.value
        (problem,) = caught.value.problems
        return problem

    return call


@pytest.fixture
def refuse_file(refused: Any, tmp_path: Path) -> Any:
    """The one problem that a file of these bytes is refused for."""

    def call(raw: bytes, exit_code: int = 4, name: str = "a.npz") -> Any:
        (tmp_path / name).write_bytes(raw)
        return refused({"source": "npz", "path": name}, exit_code=exit_code)

    return call


def every(dataset: Dataset) -> list[tuple[int, Any, Any]]:
    """(index, inputs, target) of all splits in the order of the file, without padding."""
    rows = []
    for name in ("train", "val", "test"):
        part = dataset.split(name)
        assert part.origin is not None
        for i, index in enumerate(part.origin):
            n = None if part.lengths is None else int(part.lengths[i])
            inputs, target = part.inputs[i], part.targets[i]
            inputs = inputs if dataset.shape == "one_to_many" else inputs[:n]
            target = target if dataset.shape == "many_to_one" else target[:n]
            rows.append((int(index), inputs, target))
    return sorted(rows, key=lambda row: row[0])


@pytest.mark.parametrize(
    ("kind", "inputs", "target", "shapes"),
    [
        ("many_to_one", (N, 5), (N,), ((5, 1), (1,))),
        ("many_to_one", (N, 5, 3), (N, 2), ((5, 3), (2,))),
        ("many_to_one", (N, 5, 3), (N, 1), ((5, 3), (1,))),
        ("many_to_many", (N, 5), (N, 5), ((5, 1), (5, 1))),
        ("many_to_many", (N, 5, 3), (N, 5, 2), ((5, 3), (5, 2))),
        ("one_to_many", (N, 4), (N, 6), ((4,), (6, 1))),
        ("one_to_many", (N,), (N, 6, 2), ((1,), (6, 2))),
    ],
)
def test_numbers_of_every_shape(
    load: Any, kind: str, inputs: Any, target: Any, shapes: Any
) -> None:
    x, y = series(*inputs), series(*target)
    dataset = load(kind, x, y)
    for index, one, answer in every(dataset):
        assert (one.shape, answer.shape) == shapes
        np.testing.assert_array_equal(one.ravel(), x[index].ravel())
        np.testing.assert_array_equal(answer.ravel(), y[index].ravel())
    assert dataset.train.inputs.dtype == dataset.train.targets.dtype == np.float32


def test_lengths_leave_out_the_padding(load: Any) -> None:
    x, lengths = series(N, 4), np.arange(N) % 4 + 1
    padded = np.where(np.arange(4) < lengths[:, None], x, np.nan)  # padding may be anything
    dataset = load("many_to_many", padded, padded, lengths="n", arrays={"n": lengths})
    for index, one, answer in every(dataset):
        np.testing.assert_array_equal(one[:, 0], x[index, : lengths[index]])
        np.testing.assert_array_equal(answer, one)
    beyond = np.arange(4) >= dataset.train.lengths[:, None]
    assert (dataset.train.inputs[beyond] == 0).all()


def test_scaled_by_the_training_part_alone(load: Any) -> None:
    x = series(N, 4) ** 2
    dataset = load("many_to_one", x, x[:, 0], scale="standard")
    used = x[dataset.train.origin]
    scaler = dataset.inputs.scaler
    np.testing.assert_allclose([scaler.shift[0], scaler.scale[0]], [used.mean(), used.std()])
    own = dataset.outputs.scaler.invert(dataset.test.targets)[:, 0]
    np.testing.assert_allclose(own, x[dataset.test.origin, 0], rtol=1e-5)  # float32


def test_token_ids_and_classes(load: Any) -> None:
    ids = np.arange(N * 3, dtype=np.int16).reshape(N, 3) % 7
    dataset = load(
        "many_to_one", ids, np.arange(N, dtype=np.uint8) % 3, unit="id",
        target_unit="id", vocabulary=7, classes=3, allow_overlap=True,
    )  # fmt: skip
    assert (dataset.inputs.size, dataset.outputs.size) == (7, 3)
    for index, one, answer in every(dataset):
        assert one.tolist() == ids[index].tolist()
        assert answer == index % 3


def test_a_class_becomes_a_closed_sequence_of_tokens(load: Any) -> None:
    sequences, lengths = np.arange(N * 3).reshape(N, 3) % 5, np.arange(N) % 3 + 1
    dataset = load(
        "one_to_many", np.arange(N) % 4, sequences, unit="id", target_unit="id", vocabulary=4,
        classes=5, lengths="n", arrays={"n": lengths}, allow_overlap=True,
    )  # fmt: skip
    assert (dataset.outputs.size, dataset.outputs.end) == (6, 0)
    for index, condition, answer in every(dataset):
        assert condition == index % 4
        expected = [str(token) for token in sequences[index, : lengths[index]]]
        assert dataset.outputs.vocabulary.decode(answer) == [*expected, "<end>"]


@pytest.mark.parametrize("dtype", [">f4", ">f8", "<f2", "f4", ">i2", "u1", "u8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_bytes_in_any_order(load: Any, dtype: str, order: Any) -> None:
    x = np.asarray(series(N, 4, 2) % 2 > 0.5 if dtype == "?" else series(N, 4, 2), dtype=dtype)
    dataset = load("many_to_one", np.asarray(x, order=order), series(N))
    for index, one, _ in every(dataset):
        np.testing.assert_array_equal(one, x[index].astype(np.float32))


def test_safetensors_by_content(make: Any, tmp_path: Path) -> None:
    arrays = {"inputs": series(N, 3).astype(np.float32), "target": series(N).astype(np.float32)}
    (tmp_path / "named.npz").write_bytes(safetensors.numpy.save(arrays))
    dataset = make({"source": "npz", "path": "named.npz", "split": SPLIT})
    assert len(every(dataset)) == N
    assert dataset.record["files"][0]["bytes"] == (tmp_path / "named.npz").stat().st_size


def test_files_that_are_split_already(make: Any, tmp_path: Path) -> None:
    for number, name in enumerate("abc"):
        x = series(6, 3) + 100 * number
        np.savez_compressed(tmp_path / f"{name}.npz", inputs=x, target=x[:, 0])
    paths = {"path": "a.npz", "val_path": "b.npz", "test_path": "c.npz"}
    dataset = make({"source": "npz", **paths})
    np.testing.assert_array_equal(dataset.test.targets[:, 0], series(6, 3)[:, 0] + 200)


def test_an_example_in_two_files(refused: Any, tmp_path: Path) -> None:
    for name in "abc":
        np.savez(tmp_path / f"{name}.npz", inputs=series(6, 3), target=series(6))
    paths = {"path": "a.npz", "val_path": "b.npz", "test_path": "c.npz"}
    problem = refused({"source": "npz", **paths})
    assert problem.code == "DAT143"
    assert str(problem.position).endswith("b.npz[0]")


def test_equal_examples_stay_together(load: Any) -> None:
    x = np.repeat(series(N // 2, 3), 2, axis=0)  # each twice: 0 0 1 1 2 2 ...
    dataset = load("many_to_one", x, x[:, 0])
    seen = [{int(i) // 2 for i in dataset.split(name).origin} for name in ("train", "val", "test")]
    assert sum(map(len, seen)) == N // 2


# inputs, target, options | what the message says
X, Y = series(N, 4), series(N)
CLASSES = {"target_kind": "classification", "target_unit": "id"}
MISFITS: list[tuple[str, Array, Array, dict[str, Any], str, str]] = [
    ("many_to_one", X, Y[:-1], {}, "DAT263", "array 'inputs' has 20 examples and 'target' 19"),
    ("many_to_many", X, X[:, :3], {}, "DAT263", "array 'inputs' has 4 steps and 'target' 3"),
    ("many_to_one", Y, Y, {}, "DAT261", "array 'inputs' has shape (20,)"),
    ("many_to_one", X[..., None, None], Y, {}, "DAT261", "has shape (20, 4, 1, 1)"),
    ("many_to_one", X, X[..., None], {}, "DAT261", "array 'target' has shape (20, 4, 1)"),
    ("many_to_many", X, Y, {}, "DAT261", "array 'target' has shape (20,)"),
    ("many_to_one", X[:0], Y[:0], {}, "DAT105", "array 'inputs' of shape (0, 4) is empty"),
    ("many_to_one", X[:, :0], Y, {}, "DAT105", "array 'inputs' of shape (20, 0) is empty"),
    ("many_to_one", X.astype(complex), Y, {}, "DAT243", "array 'inputs' holds complex numbers"),
    ("many_to_one", X.astype(str), Y, {}, "DAT243", "array 'inputs' holds text"),
    ("many_to_one", X, Y, CLASSES, "DAT243", "array 'target' holds float64; ids are whole"),
    ("many_to_one", X, np.eye(N, dtype=int), CLASSES, "DAT261", "has shape (20, 20)"),
    ("many_to_one", X, np.zeros((N, 1), int), CLASSES, "DAT261", "has shape (20, 1)"),
    ("many_to_one", X, np.arange(N) - 1, CLASSES | {"classes": N}, "DAT131", "class label -1"),
    ("many_to_one", X, np.arange(N), CLASSES | {"classes": 3}, "DAT131", "data.classes is 3"),
    ("many_to_one", X * 1e300, Y, {}, "DAT116", "too large for float32"),
    ("many_to_one", X, np.full(N, 2**63, np.uint64), CLASSES, "DAT132", "no id is that large"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "inputs", "target", "options", "code", "message"), MISFITS)
def test_arrays_that_do_not_fit(  # noqa: PLR0917
    refuse: Any, kind: str, inputs: Array, target: Array, options: Any, code: str, message: str
) -> None:
    problem = refuse(kind, inputs, target, **options)
    assert problem.code == code, problem
    assert message in problem.message


@pytest.mark.parametrize(
    ("shape", "hint"), [((N, 1), "array[..., 0]"), ((N, 3), "array.argmax(-1)")]
)
def test_classes_along_an_axis_of_their_own(refuse: Any, shape: Any, hint: str) -> None:
    assert hint in refuse("many_to_one", X, np.zeros(shape, int), **CLASSES).hint


def test_numbers_that_are_missing(load: Any, refuse: Any) -> None:
    x = X.copy()
    x[7, 2], x[9, 0] = np.nan, np.inf
    problem = refuse("many_to_one", x, Y)
    assert problem.code == "DAT113"
    assert problem.message == "2 values are null, NaN or infinite: [7], 'inputs' step 3; [9], " \
        "'inputs' step 1"  # fmt: skip
    dataset = load("many_to_one", x, Y, nan="drop")
    assert {7, 9}.isdisjoint(index for index, _, _ in every(dataset))
    assert dataset.record["examples_dropped"] == 2


def test_an_array_that_is_not_there(refuse: Any) -> None:
    problem = refuse("many_to_one", X, Y, inputs="input")
    assert problem.suggestion == "inputs"
    assert problem.allowed == "'inputs', 'target'"
    assert problem.key == "data.inputs"


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (np.full(N - 1, 4), "has 19 lengths for 20 examples"),
        (np.full(N, 5), "at [0]: 5 steps, but the sequences have 4"),
        (np.full(N, -1), "at [0]: -1 steps"),
        (np.full(N, 2.0), "ids are whole numbers"),
        (np.full(N, 0), "has length 0"),
    ],
)
def test_lengths_that_do_not_fit(refuse: Any, lengths: Array, message: str) -> None:
    problem = refuse("many_to_one", X, Y, lengths="n", arrays={"n": lengths})
    assert message in problem.message


# -- files that could do harm ---------------------------------------------------------------------


def npy(array: Array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name, raw in members.items():
            target.writestr(f"{name}.npy", raw)
    return stream.getvalue()


def test_objects_are_a_pickle(refuse_file: Any) -> None:
    objects = npy(np.array([{"a": 1}, None], dtype=object))
    assert refuse_file(objects, exit_code=10, name="a.npy").code == "SAF041"
    problem = refuse_file(archive(inputs=objects, target=npy(Y)), exit_code=10)
    assert problem.code == "SAF041"
    assert "array 'inputs'" in problem.message


def test_128_bytes_that_claim_32_gibibytes(refuse_file: Any) -> None:
    """The header of a real file, its shape rewritten; nothing is asked for."""
    small = npy(np.zeros((8, 1), np.float64))[:128]
    hostile = small.replace(b"(8, 1), }   ", b"(65536, 65536), }")[:128].ljust(128, b" ")
    assert len(hostile) == 128
    for raw in (hostile, archive(inputs=hostile, target=npy(Y))):
        problem = refuse_file(raw)
        assert problem.code == "DAT244"
        assert "claims 34,359,738,368 bytes, file has 128" in problem.message


def test_safetensors_that_claim_too_much(refuse_file: Any) -> None:
    header = b'{"inputs":{"dtype":"F64","shape":[4294967296],"data_offsets":[0,34359738368]}}'
    problem = refuse_file(struct.pack("<Q", len(header)) + header)
    assert "claims 34,359,738,454 bytes, file has 86" in problem.message
    problem = refuse_file(struct.pack("<Q", 2**40) + header)
    assert "claims 1,099,511,627,784 bytes" in problem.message
    assert refuse_file(struct.pack("<Q", 4) + b"{[}]").code == "DAT246"


def test_numbers_that_numpy_does_not_have(refuse_file: Any) -> None:
    header = b'{"inputs":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    problem = refuse_file(struct.pack("<Q", len(header)) + header + b"\0\0")
    assert "numbers of the kind 'BF16'" in problem.message


def test_a_single_array(refuse_file: Any) -> None:
    problem = refuse_file(npy(X), name="a.npy")
    assert problem.code == "DAT248"
    assert "numpy.savez" in problem.hint
    assert refuse_file(b"1,2,3\n").code == "DAT248"
    assert refuse_file(b"").code == "DAT248"


def test_pickles_by_any_name(refuse_file: Any) -> None:
    assert refuse_file(b"\x80\x04N.", exit_code=10).code == "SAF041"
    torch_archive = io.BytesIO()
    with zipfile.ZipFile(torch_archive, "w") as target:
        target.writestr("archive/data.pkl", b"\x80\x02}.")
    assert refuse_file(torch_archive.getvalue(), exit_code=10).code == "SAF042"


def test_a_bomb(refuse_file: Any) -> None:
    """A member whose entry claims 32 GiB out of a kilobyte, and one that lies the other way."""
    raw = bytearray(archive(inputs=npy(np.zeros(1000)), target=npy(Y)))
    entry = raw.index(b"PK\x01\x02")
    raw[entry + 24 : entry + 28] = struct.pack("<I", 2**31)
    assert refuse_file(bytes(raw), exit_code=10).code == "SAF042"
    raw[entry + 24 : entry + 28] = struct.pack("<I", 200)
    assert refuse_file(bytes(raw)).code in ("DAT244", "DAT245")


@pytest.mark.parametrize("name", ["../inputs.npy", "/inputs.npy", "a\\..\\inputs.npy"])
def test_names_that_lead_out_of_the_archive(refuse_file: Any, name: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        target.writestr(name, npy(X))
    assert refuse_file(stream.getvalue(), exit_code=10).code == "SAF042"


def test_a_name_that_stands_twice(refuse_file: Any) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target, pytest.warns(UserWarning, match="Duplicate"):
        target.writestr("inputs.npy", npy(X))
        target.writestr("inputs.npy", npy(X))
    assert "stands in it twice" in refuse_file(stream.getvalue()).message


def test_an_encrypted_member_and_another_compression(refuse_file: Any) -> None:
    raw = bytearray(archive(inputs=npy(X), target=npy(Y)))
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        raw[raw.index(mark) + offset] |= 1
    assert "encrypted" in refuse_file(bytes(raw)).message
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_BZIP2) as target:
        target.writestr("inputs.npy", npy(X))
    assert "deflate" in refuse_file(stream.getvalue()).message


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 2000), value=st.integers(0, 255), kept=st.integers(0, 2000))
def test_no_damage_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int, kept: int
) -> None:
    """Bytes of whole files changed or cut off: read all the same, or refused in words."""
    from rnnexp.config.config import Config
    from rnnexp.config.schema import Experiment
    from rnnexp.data.arrays.array_file import read_arrays
    from rnnexp.data.reading_files import SourceFile

    data = {"source": "npz", "path": "a"}
    experiment = Experiment.model_validate(
        {"name": "a", "data": data, "task": {"kind": "many_to_one"}}
    )
    config = Config(experiment, Path("a.yaml"), "", (), {(): Position("a.yaml")})
    small = {"inputs": X[:3], "target": Y[:3]}
    for whole in (archive(inputs=npy(X[:3]), target=npy(Y[:3])), safetensors.numpy.save(small)):
        raw = bytearray(whole)
        raw[place % len(raw)] = value
        for damaged in (raw, raw[: kept % len(raw)]):
            wanted = {"data.inputs": "inputs", "data.target": "target"}
            try:
                read_arrays(config, SourceFile("a.npz", bytes(damaged)), wanted)
            except (DataError, UnsafeError) as error:
                assert error.problems[0].message
