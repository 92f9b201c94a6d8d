"""Seeded draws beside a thread that draws all the time."""

import threading

import torch

from explorer.quantizers.seeded import seeded


def test_two_threads_draw_the_same_and_leave_the_generator_as_it_was():
    before, found = torch.get_rng_state(), []

    def draw():
        for _ in range(200):
            with seeded(7):
                found.append(torch.cat([torch.rand(3) for _ in range(5)]))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(one.tolist()) for one in found}) == 1
    assert torch.equal(torch.get_rng_state(), before)
