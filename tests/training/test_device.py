from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from rnnexp.errors import EnvironmentMissingError, MemoryExceededError
from rnnexp.training.device import (
    autocast,
    choose_device,
    choose_threads,
    keep_freed_memory,
    out_of_memory,
)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_cuda_without_a_gpu_is_refused_before_anything_else() -> None:
    with pytest.raises(EnvironmentMissingError) as error:
        choose_device("cuda")
    assert error.value.exit == 12
    assert choose_device("auto").type == "cpu"


def test_threads_follow_from_shapes_not_from_timings() -> None:
    assert choose_threads(3, 1, 1) == 3
    assert choose_threads("auto", 32, 16) == 1
    assert choose_threads("auto", 512, 64) >= 1


WORK = """
import hashlib, sys, torch

def work():
    torch.manual_seed(0)
    layers = [kind(40, 64) for kind in (torch.nn.RNN, torch.nn.GRU, torch.nn.LSTM)]
    x, digest = torch.randn(30, 64, 40), hashlib.sha256()
    for layer in layers:
        output, _ = layer(x)
        output.square().sum().backward()
        for tensor in (output.detach(), *(p.grad for p in layer.parameters())):
            digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()

for threads in map(int, sys.argv[1:]):
    torch.set_num_threads(threads)
    done = work()
print(done, torch.get_num_threads())
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_a_number_of_threads_set_after_others_were_used_gives_the_same_bits(threads: int) -> None:
    """The workers of a sweep train one config after the other in one process."""

    def bits(*numbers: int) -> str:
        command = [sys.executable, "-c", WORK, *map(str, numbers)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert bits(3 - threads, threads) == bits(threads)


def test_bfloat16_products_under_autocast() -> None:
    weight = torch.ones(2, 2)
    with autocast(torch.device("cpu"), "bfloat16"):
        assert (weight @ weight).dtype == torch.bfloat16
    with autocast(torch.device("cpu"), "float32"):
        assert (weight @ weight).dtype == torch.float32


@pytest.mark.parametrize("cell", [torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU])
def test_bfloat16_layers_run_on_any_cpu(cell: Any) -> None:
    before = torch._C._get_mkldnn_enabled()
    layer, x_TBI = cell(3, 4), torch.randn(5, 2, 3)
    with autocast(torch.device("cpu"), "bfloat16"):
        output, _ = layer(x_TBI)
    output.float().sum().backward()
    difference = (output.float() - layer(x_TBI)[0]).abs().max()
    assert 1e-6 < difference < 5e-2  # bfloat16 has 8 bits of mantissa
    assert torch._C._get_mkldnn_enabled() is before


def test_keeping_freed_memory_is_harmless() -> None:
    keep_freed_memory()
    assert torch.zeros(1 << 20).sum() == 0


@pytest.mark.parametrize(
    "failure",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 2 bytes"),
    ],
)
def test_an_allocation_that_fails_is_exit_9(failure: Exception) -> None:
    with pytest.raises(MemoryExceededError) as error, out_of_memory():
        raise failure
    assert error.value.exit == 9


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"), out_of_memory():
        raise RuntimeError("shapes differ")
