"""AppContext: what all pages of one process share."""

from dataclasses import dataclass
from typing import Protocol

from explorer.core.tokenizer import Tokenizer


class Store(Protocol):
    """Where tokenizers come from; services.ModelStore in the running app."""

    device_name: str

    def get(self, id: str) -> Tokenizer: ...


@dataclass(frozen=True)
class AppContext:
    """store: loaded models. default_model: what the page opens with. models: ids in the order they are listed."""

    store: Store
    models: tuple[str, ...]

    @property
    def default_model(self) -> str:
        return self.models[0]
