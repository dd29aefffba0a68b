"""What reads the image that a sequence is generated from: a small stack of convolutions.

Shape letters: B batch, C channels, Y height, X width, F feature maps, E encoded size.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from rnnexp.config.schema.model import ImageEncoder as ImageEncoderConfig
from rnnexp.data.dataset import Image
from rnnexp.layers.shape_plan import convolved

__all__ = ["ImageEncoder"]


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
