"""The processes that torchrun started for one job: which of them this is, and what they have counted together."""

import os
from typing import Any

import numpy as np


class Processes:
    """This process is number `rank` of `world`; the only one where torchrun did not start it. A context."""

    def __init__(self):
        self.rank, self.world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))

    def __enter__(self) -> "Processes":
        if self.world > 1:
            from torch import distributed

            distributed.init_process_group("gloo")  # counts lie in ordinary memory, also where a GPU encodes
        return self

    def __exit__(self, kind, error, trace) -> None:
        if self.world > 1:
            from torch import distributed

            distributed.destroy_process_group()

    def sum(self, counts: np.ndarray) -> np.ndarray:
        """The sum of the integers that every process gives, in every process."""
        if self.world == 1:
            return counts
        import torch
        from torch import distributed

        total = torch.from_numpy(counts.copy())
        distributed.all_reduce(total)
        return total.numpy()

    def gather(self, values: list[Any]) -> list[Any]:
        """The values of all processes, in every process. Returns only once all have come here."""
        if self.world == 1:
            return values
        from torch import distributed

        parts: list = [None] * self.world
        distributed.all_gather_object(parts, values)
        return [value for part in parts for value in part]

    def device(self, resolved: str) -> str:
        """The device of this process: of several GPUs one each."""
        return f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if resolved == "cuda" else resolved
