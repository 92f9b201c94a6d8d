"""The masked prior: any set of open cells given all others, in one pass.

MaskGIT: Chang, Zhang, Jiang, Liu, Freeman 2022, arXiv 2202.04200, with the U-Net of `backbone` for its transformer.
"""

import torch
from torch import Tensor, nn

from explorer.priors.backbone import Backbone
from explorer.priors.config import MaskedConfig
from explorer.priors.network import PriorNetwork, looked_up


class MaskedNetwork(PriorNetwork):
    """What lies in an open cell is not looked at: a learned vector stands there."""

    def __init__(self, config: MaskedConfig, size: int, radices: tuple[int, ...], classes: int):
        channels = config.backbone.widths[0]
        super().__init__(channels, size, radices, classes, config.backbone.label_width)
        self.table = nn.Embedding(size + 1, channels)
        self.backbone = Backbone(config.backbone, by_rows=False)

    def features(self, codes: Tensor, open: Tensor, labels: Tensor, places: Tensor) -> Tensor:
        x = looked_up(self.table, torch.where(open, self.size, codes)) + self.placed(places)
        return self.backbone(x, self.label(labels)).permute(0, 2, 3, 1)[open]

    def tables(self) -> list[nn.Embedding]:
        return [self.table]
