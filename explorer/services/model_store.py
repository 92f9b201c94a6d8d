"""Loaded models: loaded on first use, kept while they are used, one device for all."""

import logging
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Literal

from explorer.adapters.catalogue import entries
from explorer.core.errors import DeviceError
from explorer.core.tokenizer import Tokenizer
from explorer.models import registry
from explorer.services.published import open_entry

log = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]


class ModelStore:
    """Gives the tokenizer of an id, bundled or downloaded from the catalogue. Safe to use from many threads.

    Keeps the last `keep` of them, and no more than `memory` bytes of weights; the one in use always stays.
    """

    def __init__(self, device: Device = "auto", keep: int = 8, memory: int = 4 * 2**30):
        self.wanted, self.keep, self.memory = device, keep, memory
        self._loaded: OrderedDict[str, Tokenizer] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, id: str) -> Tokenizer:
        if not (isinstance(id, str) and id in entries()):
            registry.folder_of(id)  # refuses an unknown id before anybody waits for the lock
        with self._lock:
            if id not in self._loaded:
                self._loaded[id] = open_model(id, self.device)
                log.info("loaded %s on %s", id, self.device_name)
            self._loaded.move_to_end(id)
            while len(self._loaded) > 1 and (len(self._loaded) > self.keep or self._bytes() > self.memory):
                self._loaded.popitem(last=False)
            return self._loaded[id]

    def _bytes(self) -> int:
        """Bytes of the weights that are loaded, in float32."""
        return sum(4 * tokenizer.spec.parameters for tokenizer in self._loaded.values())

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
    """The tokenizer of a model id, bundled or downloaded, or of a checkpoint folder, on a device as torch names it."""
    from explorer.models.tokenizer import load_tokenizer

    folder = Path(model)
    if (folder / "config.json").is_file():
        return load_tokenizer(folder, device)
    return (
        open_entry(entries()[model], device)
        if model in entries()
        else load_tokenizer(registry.folder_of(model), device)
    )


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
