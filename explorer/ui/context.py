"""AppContext: what all pages of one process share."""

from dataclasses import dataclass, field
from typing import Protocol

from explorer.core.tokenizer import Tokenizer
from explorer.services.maps import Maps


class Store(Protocol):
    """Where tokenizers come from; services.ModelStore in the running app."""

    device_name: str

    def get(self, id: str) -> Tokenizer: ...


@dataclass(frozen=True)
class AppContext:
    """store: loaded models. models: ids in the order they are listed; the page opens with the first.
    maps: where maps of codebooks come from."""

    store: Store
    models: tuple[str, ...]
    maps: Maps = field(default_factory=Maps)

    @property
    def default_model(self) -> str:
        return self.models[0]
