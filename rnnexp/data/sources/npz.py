"""`source: npz`: arrays of inputs and targets, in .npz or .safetensors."""

from __future__ import annotations

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Npz
from rnnexp.data.arrays.array_examples import examples_of
from rnnexp.data.arrays.array_file import read_arrays
from rnnexp.data.dataset import Dataset
from rnnexp.data.reading_files import read_file
from rnnexp.data.records.records import Part, dataset_of

__all__ = ["load"]


def load(config: Config, data: Npz) -> Dataset:
    """Read one file and split it at random, or read files that are split already."""
    return dataset_of(config, data, [_part(config, data, key) for key in data.path_keys])


def _part(config: Config, data: Npz, key: str) -> Part:
    file = read_file(config, key)
    wanted = {"data.inputs": data.inputs, "data.target": data.target}
    if data.lengths is not None:
        wanted["data.lengths"] = data.lengths
    examples = examples_of(config, data, file, read_arrays(config, file, wanted))
    return Part(examples, (file.record(),))
