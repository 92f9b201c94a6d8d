"""Loaded models: loaded on first use, kept while they are used, one device for all."""

import logging
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from explorer.adapters.catalogue import entries
from explorer.core.errors import DeviceError, UnknownModelError
from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Tokenizer
from explorer.models import registry
from explorer.services import zero_gpu
from explorer.services.appearance import appearance
from explorer.services.hub import cached
from explorer.services.published import OWN, open_entry
from explorer.services.reference import Reference, reference

log = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]


class ModelStore:
    """Gives the tokenizer of an id, bundled or downloaded from the catalogue. Safe to use from many threads.

    Keeps the last `keep` of them, and no more than `memory` bytes of weights; the one in use always stays. Visitors'
    own models are held beside them, the last `own` that were used, until they are released.
    """

    def __init__(self, device: Device = "auto", keep: int = 8, memory: int = 4 * 2**30, own: int = 4):
        self.wanted, self.keep, self.memory, self.own = device, keep, memory, own
        self._loaded: OrderedDict[str, Tokenizer] = OrderedDict()
        self._own: OrderedDict[str, Tokenizer] = OrderedDict()
        self._holders: Counter[str] = Counter()
        self._looks: OrderedDict[str, Reference] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, id: str) -> Tokenizer:
        if isinstance(id, str) and id.startswith(OWN):
            return self._owned(id)
        if not (isinstance(id, str) and id in entries()):
            registry.folder_of(id)  # refuses an unknown id before anybody waits for the lock
        with self._lock:
            if id not in self._loaded:
                self._loaded[id] = open_model(id, self.device)
                log.info("loaded %s on %s", id, self.device_name)
            self._loaded.move_to_end(id)
            while len(self._loaded) > 1 and (len(self._loaded) > self.keep or _bytes(self._loaded) > self.memory):
                self._loaded.popitem(last=False)
            return self._loaded[id]

    def spec(self, id: str) -> TokenizerSpec:
        """What a model is; only of one that is not bundled this takes its weights."""
        return registry.spec(id) if registry.has(id) else self.get(id).spec

    def reference(self, id: str) -> Reference:
        """What is shipped with a bundled model; of any other the colours and swatches that can be computed."""
        if registry.has(id):
            return reference(id)
        tokenizer = self.get(id)
        with self._lock:
            found = self._looks.pop(id, None)
        found = found or appearance(tokenizer)  # takes a while, during which others are served
        with self._lock:
            self._looks[id] = found
            while len(self._looks) > self.keep:
                self._looks.popitem(last=False)
        return found

    def published(self) -> list[str]:
        """Ids of the catalogue's models that have been downloaded."""
        return [id for id, entry in entries().items() if cached(entry)]

    def hold(self, tokenizer: Tokenizer) -> None:
        """Keep a visitor's own model, until as many have released it as held it or others take its place."""
        with self._lock:
            id = tokenizer.spec.id
            self._own[id] = tokenizer
            self._own.move_to_end(id)
            self._holders[id] += 1
            while len(self._own) > 1 and (len(self._own) > self.own or _bytes(self._own) > self.memory):
                del self._holders[self._own.popitem(last=False)[0]]

    def release(self, id: str) -> None:
        """A visitor has left, or holds another model; "" for none."""
        with self._lock:
            self._holders[id] -= 1
            if self._holders[id] <= 0:
                del self._holders[id]
                self._own.pop(id, None)
                self._looks.pop(id, None)

    def _owned(self, id: str) -> Tokenizer:
        with self._lock:
            if id not in self._own:
                raise UnknownModelError("Your own checkpoint is no longer held here. Open it again.")
            self._own.move_to_end(id)
            return self._own[id]

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


def _bytes(loaded: Mapping[str, Tokenizer]) -> int:
    """Bytes of the weights in float32."""
    return sum(4 * tokenizer.spec.parameters for tokenizer in loaded.values())


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
    if wanted == "cpu" or (wanted == "auto" and (zero_gpu.is_here() or not _nvidia_driver())):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise DeviceError("--device cuda was asked for, but torch sees no CUDA GPU here. Use --device cpu or auto.")
    return "cpu"


def _nvidia_driver() -> bool:
    return os.name == "nt" or Path("/proc/driver/nvidia").exists() or Path("/dev/nvidiactl").exists()
