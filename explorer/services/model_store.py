"""Loaded models: loaded on first use, kept while they are used, one device for all."""

import logging
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Literal

from explorer.core.errors import DeviceError
from explorer.core.tokenizer import Tokenizer
from explorer.models import registry

log = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]


class ModelStore:
    """Gives the tokenizer of an id; keeps the last `keep` of them. Safe to use from many threads."""

    def __init__(self, device: Device = "auto", keep: int = 8):
        self.wanted, self.keep = device, keep
        self._loaded: OrderedDict[str, Tokenizer] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, id: str) -> Tokenizer:
        folder = registry.folder_of(id)
        with self._lock:
            if id not in self._loaded:
                from explorer.models.tokenizer import load_tokenizer

                self._loaded[id] = load_tokenizer(folder, self.device)
                log.info("loaded %s on %s", id, self.device_name)
            self._loaded.move_to_end(id)
            while len(self._loaded) > self.keep:
                self._loaded.popitem(last=False)
            return self._loaded[id]

    @property
    def device(self) -> str:
        """ "cpu" or "cuda"; asks torch only where a GPU could be, since importing it takes a second."""
        return resolve_device(self.wanted)

    @property
    def device_name(self) -> str:
        """The device in words, for people."""
        if self.device == "cuda":
            import torch

            return torch.cuda.get_device_name()
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return f"CPU, {cores} core{'s' if cores > 1 else ''}"


def open_model(model: str, device: str) -> Tokenizer:
    """The tokenizer of a model id or of a checkpoint folder, on a device as torch names it."""
    from explorer.models.tokenizer import load_tokenizer

    folder = Path(model)
    return load_tokenizer(folder if (folder / "config.json").is_file() else registry.folder_of(model), device)


def resolve_device(wanted: Device) -> str:
    """The device that "auto", "cpu" or "cuda" means on this machine."""
    if wanted not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"There is no device {wanted!r} here: choose auto, cpu or cuda.")
    if wanted == "cpu" or (wanted == "auto" and not _nvidia_driver()):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise DeviceError("--device cuda was asked for, but torch sees no CUDA GPU here. Use --device cpu or auto.")
    return "cpu"


def _nvidia_driver() -> bool:
    return os.name == "nt" or Path("/proc/driver/nvidia").exists() or Path("/dev/nvidiactl").exists()
