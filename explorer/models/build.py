"""From a ModelConfig to its network."""

from explorer.core.errors import ConfigError
from explorer.models.autoencoder import Autoencoder, OneGridAutoencoder
from explorer.models.config import ContinuousConfig, EMAVectorConfig, ModelConfig, TwoGridsConfig
from explorer.models.continuous import ContinuousAutoencoder
from explorer.models.two_grids import TwoGridsAutoencoder


def build_model(config: ModelConfig) -> Autoencoder:
    """The untrained network of a config."""
    if isinstance(config.network, TwoGridsConfig):
        if not isinstance(config.quantizer, EMAVectorConfig):
            raise ConfigError(f"A network of two grids takes the quantizer vector_ema, not {config.quantizer.kind}.")
        return TwoGridsAutoencoder(config.network, config.quantizer)
    if isinstance(config.quantizer, ContinuousConfig):
        return ContinuousAutoencoder(config.network, config.quantizer)
    return OneGridAutoencoder(config.network, config.quantizer)
