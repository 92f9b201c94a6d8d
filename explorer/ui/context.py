"""AppContext: what all pages of one process share."""

from dataclasses import dataclass, field
from typing import Protocol

from explorer.core.spec import TokenizerSpec
from explorer.core.tokenizer import Tokenizer
from explorer.services.maps import Maps
from explorer.services.reference import Reference
from explorer.services.shelf import LeftOut


class Store(Protocol):
    """Where tokenizers come from; services.ModelStore in the running app."""

    device: str
    device_name: str

    def get(self, id: str) -> Tokenizer: ...

    def spec(self, id: str) -> TokenizerSpec: ...

    def reference(self, id: str) -> Reference: ...

    def published(self) -> list[str]: ...

    def hold(self, tokenizer: Tokenizer) -> None: ...

    def release(self, id: str) -> None: ...


@dataclass(frozen=True)
class AppContext:
    """store: loaded models. models: ids of the bundled ones as they are listed; the page opens with the first.
    maps: where maps of codebooks come from. left_out: bundled models that can't be opened, shown with the reason."""

    store: Store
    models: tuple[str, ...]
    maps: Maps = field(default_factory=Maps)
    left_out: tuple[LeftOut, ...] = ()

    @property
    def default_model(self) -> str:
        return self.models[0]
