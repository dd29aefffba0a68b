"""Networks that read an image are compared from its encoding on."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rnnexp.config.model_settings import Model
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Image
from rnnexp.gradients.comparison import verify
from rnnexp.gradients.probe import Probe, encoded, output_of
from rnnexp.layers.assembly import build_network
from rnnexp.tasks.objective import Classification
from rnnexp.tasks.one_to_many import OneToManyTask


@pytest.mark.parametrize("conditioning", ["initial_state", "every_step"])
@pytest.mark.parametrize(
    "encoder",
    [
        None,
        {
            "channels": (
                4,
                3,
            ),
            "size": 5,
        },
    ],
)
def test_the_rest_of_the_network_passes(with_images: Any, conditioning: str, encoder: Any) -> None:
    torch.manual_seed(0)
    dataset = with_images(Image(2, 8, 9), classes=4, ragged=True)
    model = Model.model_validate({"hidden_sizes": (4,), "image_encoder": encoder})
    network = build_network(model, dataset, conditioning)
    probe = Probe.of(Batches(dataset, "val", 4, seed=0), 4)
    rest, changed, left_out = encoded(network, probe)
    assert torch.equal(output_of(rest, changed.batch), output_of(network, probe.batch))
    assert verify(rest, OneToManyTask(Classification(), 0), changed).passed
    compared = {name for name, _ in rest.named_parameters()}
    assert compared.isdisjoint(left_out)
    assert compared | set(left_out) == {name for name, _ in network.named_parameters()}
    assert len(left_out) == (0 if encoder is None else 6)


def test_other_networks_are_left_alone(make_parts: Any) -> None:
    network, _, probe = make_parts("one_to_many", {}, "initial_state", classes=3, vocabulary=4)
    assert encoded(network, probe) == (network, probe, ())
