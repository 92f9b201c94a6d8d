"""From a config to a network."""

from collections.abc import Sequence

from explorer.priors.causal import CausalNetwork
from explorer.priors.config import CausalConfig, NetworkConfig
from explorer.priors.masked import MaskedNetwork
from explorer.priors.network import PriorNetwork


def build_network(config: NetworkConfig, size: int, radices: Sequence[int], classes: int) -> PriorNetwork:
    """A network over codes 0..size-1 of that many classes; radices of an FSQ codebook, else ()."""
    kind = CausalNetwork if isinstance(config, CausalConfig) else MaskedNetwork
    return kind(config, size, tuple(radices), classes)
