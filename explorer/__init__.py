"""Codebook Explorer: see what image tokenizers see. `load` and `available` are its programming interface.

>>> from explorer import available, load
>>> tok = load("fsq.caltech_f8_1000")
>>> codes = tok.encode(images).codes      # images (B, H, W, 3) float32 in [0, 1]
>>> pictures = tok.decode(codes)
"""

__version__ = "0.1.0"
__all__ = ["available", "load"]


def available() -> list[str]:
    """Ids of the bundled models; `load` also takes those of explorer.adapters.catalogue."""
    from explorer.models import registry

    return registry.available()


def load(id: str, device: str = "auto"):
    """The Tokenizer of an id, bundled or of the catalogue and downloaded, on "auto", "cpu" or "cuda".

    Raises UnknownModelError, DeviceError, DownloadError or CheckpointError.
    """
    from explorer.services.model_store import open_model, resolve_device

    return open_model(id, resolve_device(device))
