"""Turn DALL-E's two published pickles into one safetensors file: a command to run by hand, once, never by the app.

    python -m explorer.adapters.convert_dall_e FOLDER OUT.safetensors

FOLDER holds encoder.pkl and decoder.pkl from https://cdn.openai.com/dall-e/. They are pickled modules; their classes
are not imported and nothing in them is run (see inert_pickle), only their tensors are taken.
"""

import argparse
import sys
from pathlib import Path

from safetensors.torch import save_file

from explorer.adapters.files import StateDict
from explorer.adapters.inert_pickle import read_inert, tensors_of_module
from explorer.core.atomic import atomic
from explorer.core.command import refusing
from explorer.core.errors import CheckpointError

PARTS = ("encoder", "decoder")


def convert(folder: Path, out: Path) -> int:
    """Write the tensors of encoder.pkl and decoder.pkl, prefixed, and return how many; checked by building them."""
    from explorer.adapters.dall_e import network

    tensors = StateDict({}, folder.name)
    for part in PARTS:
        path = folder / f"{part}.pkl"
        if not path.is_file():
            raise CheckpointError(f"{folder} has no {part}.pkl; fetch it from https://cdn.openai.com/dall-e/.")
        module = read_inert(path, accepts=lambda name: name.startswith(("dall_e.", "torch.nn.modules.", "torch.float")))
        tensors |= tensors_of_module(module, f"{part}.")
    network(tensors)
    with atomic(out) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)
    return len(tensors)


@refusing
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m explorer.adapters.convert_dall_e", description=__doc__)
    parser.add_argument("folder", type=Path, help="where encoder.pkl and decoder.pkl are")
    parser.add_argument("out", type=Path, help="the safetensors file to write")
    options = parser.parse_args(arguments)
    print(f"{options.out}: {convert(options.folder, options.out)} tensors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
