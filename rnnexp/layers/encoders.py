"""Words by their embedding and by their spelling; tokens that are dropped while training.

Shape letters: B batch, C channels, Y height, X width, F feature maps, E encoded size.
Shape letters: T time, B batch, I embedding, W characters of a word, U different words, E
embedding
of a character, H hidden.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from rnnexp.config.model_settings import Characters
from rnnexp.config.model_settings import ImageEncoder as ImageEncoderConfig
from rnnexp.data.dataset import Image
from rnnexp.layers.recurrent import GRU, LSTM, RNN
from rnnexp.layers.shapes import convolved

__all__ = ["ImageEncoder", "WordDropout", "WordEncoder"]


# What reads the image that a sequence is generated from: a small stack of convolutions.


class ImageEncoder(nn.Module):
    """An image (B, C, Y, X) -> (B, E): 3x3 convolutions, ReLU, 2x2 maxima; then linear and ReLU."""

    def __init__(self, settings: ImageEncoderConfig, image: Image) -> None:
        super().__init__()
        channels = (image.channels, *settings.channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(read, made, kernel_size=3, padding=1) for read, made in pairwise(channels)
        )
        self.linear = nn.Linear(convolved(settings, image)[-1].size, settings.size)
        for module in (*self.convolutions, self.linear):
            assert isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")  # He 2015, for ReLU
            nn.init.zeros_(module.bias)

    def forward(self, image_BCYX: Tensor) -> Tensor:
        maps_BFYX = image_BCYX
        for convolution in self.convolutions:
            maps_BFYX = nn.functional.max_pool2d(convolution(maps_BFYX).relu(), 2)
        encoded_BE: Tensor = self.linear(maps_BFYX.flatten(1)).relu()
        return encoded_BE


# Words by their embedding and by their spelling; tokens that are dropped while training.

CELLS: dict[str, type[RNN] | type[LSTM] | type[GRU]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}


class WordEncoder(nn.Module):
    """Words with their characters (T, B, 1 + W) -> (T, B, I + 2H), ids in column 0.

    A layer reads the characters in both directions; its two final states stand behind the
    embedding (Ling et al. 2015). Every different spelling of a batch is read once. The layer starts
    with torch's own uniform(-1/sqrt(H), 1/sqrt(H)).
    """

    def __init__(self, embedding: nn.Embedding, characters: int, settings: Characters) -> None:
        super().__init__()
        self.embedding = embedding
        self.characters = nn.Embedding(characters, settings.embedding)
        nn.init.normal_(self.characters.weight, std=settings.embedding**-0.5)
        layer = CELLS[settings.cell]
        self.reader = layer(settings.embedding, settings.hidden_size, bidirectional=True)

    def forward(self, words: Tensor) -> Tensor:
        ids_TB, spelt_TBW = words[..., 0], words[..., 1:]
        spelt_UW, place_N = torch.unique(spelt_TBW.flatten(0, 1), dim=0, return_inverse=True)
        read_TBH = self._read(spelt_UW)[place_N].view(*ids_TB.shape, -1)
        return torch.cat([self.embedding(ids_TB), read_TBH], dim=-1)

    def _read(self, spelt_UW: Tensor) -> Tensor:
        """The final states (U, 2H); what has no character is read as one of padding."""
        lengths_U = (spelt_UW > 0).sum(1).clamp(min=1).cpu()
        packed = pack_padded_sequence(
            self.characters(spelt_UW.t()), lengths_U, enforce_sorted=False
        )
        state = self.reader(packed)[1]
        h_2UH = state[0] if isinstance(state, tuple) else state
        return cast("Tensor", h_2UH).transpose(0, 1).flatten(1)


class WordDropout(nn.Dropout):
    """In training each token is read as the unknown one with probability p (Iyyer et al. 2015).

    Of words with their characters only the word itself is dropped, never its spelling.
    """

    def __init__(self, p: float, unknown: int) -> None:
        super().__init__(p)
        self.unknown = unknown

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (T, B), or words (T, B, 1 + W), with some of them replaced."""
        if not self.training or not self.p:
            return ids
        words = ids if ids.dim() == 2 else ids[..., 0]
        dropped_TB = torch.rand(words.shape, device=ids.device) < self.p
        replaced = words.masked_fill(dropped_TB, self.unknown)
        if ids.dim() == 2:
            return replaced
        return torch.cat([replaced.unsqueeze(-1), ids[..., 1:]], dim=-1)
