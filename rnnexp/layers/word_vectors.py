"""Pre-trained vectors into the embedding of a network that was just built."""

from __future__ import annotations

import torch
from torch import nn

from rnnexp.data.dataset import Vectors
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.layers.word_encoder import WordEncoder

__all__ = ["set_vectors"]


@torch.no_grad()
def set_vectors(network: AnyNetwork, vectors: Vectors) -> None:
    """Overwrite the rows of the tokens that have a vector; the others stay as they were drawn."""
    table = network.encode
    if isinstance(table, WordEncoder):
        table = table.embedding
    assert isinstance(table, nn.Embedding)
    table.weight[torch.from_numpy(vectors.ids)] = torch.from_numpy(vectors.values)
