"""Codebook Explorer: see what image tokenizers see. `load` and `available` are its programming interface.

>>> from explorer import available, load
>>> tok = load("fsq.caltech_f8_1000")
>>> codes = tok.encode(images).codes      # images (B, H, W, 3) float32 in [0, 1]
>>> pictures = tok.decode(codes)
"""

__version__ = "0.1.0"
__all__ = ["available", "load"]


def available() -> list[str]:
    """Ids of all models that `load` takes."""
    from explorer.models import registry

    return registry.available()


def load(id: str, device: str = "auto"):
    """The Tokenizer of an id, on "auto", "cpu" or "cuda". Raises UnknownModelError, DeviceError or CheckpointError."""
    from explorer.models import registry
    from explorer.models.tokenizer import load_tokenizer
    from explorer.services.model_store import resolve_device

    return load_tokenizer(registry.folder_of(id), resolve_device(device))
