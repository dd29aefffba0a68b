"""What reads an image before a sequence is generated from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnnexp.config.model_settings import ImageEncoder as Settings
from rnnexp.config.model_settings import Model
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Image
from rnnexp.layers.assembly import build_network
from rnnexp.layers.encoders import ImageEncoder
from rnnexp.layers.shapes import plan_layers

IMAGE = Image(3, 9, 12)
ENCODERS: list[dict[str, Any] | None] = [
    None,
    {"channels": (4,), "size": 5},
    {
        "channels": (
            4,
            6,
            2,
        ),
        "size": 7,
    },
]


def by_hand(encoder: ImageEncoder, image_CYX: Tensor) -> Tensor:
    """Convolution, ReLU and the largest of 2 x 2 with loops over places."""
    maps = image_CYX
    for convolution in encoder.convolutions:
        assert isinstance(convolution, nn.Conv2d) and convolution.bias is not None
        padded = nn.functional.pad(maps, (1, 1, 1, 1))
        _, height, width = maps.shape
        rows = [
            [
                (convolution.weight * padded[:, y : y + 3, x : x + 3]).sum((1, 2, 3))
                + convolution.bias
                for x in range(width)
            ]
            for y in range(height)
        ]
        made = torch.stack([torch.stack(row, -1) for row in rows], -2).clamp(min=0)
        cut = made[:, : height // 2 * 2, : width // 2 * 2]
        maps = cut.reshape(len(made), height // 2, 2, width // 2, 2).amax((2, 4))
    return (encoder.linear.weight @ maps.flatten() + encoder.linear.bias).clamp(min=0)


def test_the_encoder_by_hand() -> None:
    torch.manual_seed(0)
    encoder = ImageEncoder(Settings(channels=(4, 5), size=6), IMAGE).double()
    for bias in (*(layer.bias for layer in encoder.convolutions), encoder.linear.bias):
        nn.init.normal_(bias)  # type: ignore[arg-type]
    images = torch.rand(2, 3, 9, 12, dtype=torch.float64)
    theirs = torch.stack([by_hand(encoder, image) for image in images])
    torch.testing.assert_close(encoder(images), theirs, rtol=1e-12, atol=1e-12)  # float64


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("conditioning", ["initial_state", "every_step"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_plan_and_network_agree(
    with_images: Any, encoder: dict[str, Any] | None, conditioning: str, cell: str
) -> None:
    dataset = with_images(IMAGE, classes=4)
    model = Model.model_validate({"cell": cell, "hidden_sizes": (5, 3), "image_encoder": encoder})
    plan, network = (
        plan_layers(model, dataset, conditioning),
        build_network(model, dataset, conditioning),
    )
    expected = sum(parameter.numel() for parameter in network.parameters())
    assert sum(row.parameters for row in plan) == expected
    shapes: list[str] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Flatten | nn.Linear):
            module.register_forward_hook(lambda _, read, __: shapes.append(axes(read[0])))
    batch = Batches(dataset, "train", 12, seed=0).take(np.arange(12))
    network(batch.inputs, None, None, batch.condition)
    reads = [row.reads for row in plan if row.name.startswith(("convolution", "image", "bridge"))]
    assert shapes[: len(reads)] == reads


def axes(tensor: Tensor) -> str:
    return f"(B, {', '.join(map(str, tensor.shape[1:]))})"


def test_the_image_is_read_once_where_it_sets_the_state(with_images: Any) -> None:
    """Generation asks the network step by step; only the first needs the condition."""
    dataset = with_images(IMAGE, classes=4)
    model = Model.model_validate({"image_encoder": {"channels": (4,), "size": 5}})
    network, calls = build_network(model, dataset, "initial_state"), []
    network.encode_condition.register_forward_hook(lambda *_: calls.append(1))  # type: ignore[union-attr]
    batch = Batches(dataset, "train", 12, seed=0).take(np.arange(12))
    state = None
    for _ in range(3):
        _, state = network(batch.inputs[:1], state, None, batch.condition)
    assert calls == [1]
