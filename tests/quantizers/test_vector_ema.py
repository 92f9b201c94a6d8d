"""EMAVectorQuantizer against its formulas by hand, and against vector-quantize-pytorch."""

import pytest
import torch
from vector_quantize_pytorch import VectorQuantize

from explorer.quantizers import EMAVectorQuantizer


def two_codes(smoothing=1e-5):
    quantizer = EMAVectorQuantizer(2, 1, decay=0.9, smoothing=smoothing)
    for buffer in (quantizer.codebook, quantizer.cluster_sum):
        buffer.copy_(torch.tensor([[0.0], [1.0]]))
    return quantizer


def near(values):
    return pytest.approx(values, rel=1e-4)


def test_two_steps_by_hand():
    quantizer = two_codes()
    first = quantizer(torch.tensor([[0.2], [0.4], [0.8]]))
    assert first.indices.tolist() == [0, 0, 1]
    assert first.quantized.flatten().tolist() == [0, 0, 1]  # the codebook as it was before this step
    assert quantizer.cluster_size.tolist() == near([0.9 * 1 + 0.1 * 2, 0.9 * 1 + 0.1 * 1])
    assert quantizer.cluster_sum.flatten().tolist() == near([0.1 * 0.6, 0.9 * 1 + 0.1 * 0.8])
    assert quantizer.codebook.flatten().tolist() == near([0.06 / 1.1, 0.98])
    second = quantizer(torch.tensor([[0.1], [0.6]]))
    assert second.indices.tolist() == [0, 1]
    assert quantizer.cluster_size.tolist() == near([0.9 * 1.1 + 0.1, 1.0])
    assert quantizer.cluster_sum.flatten().tolist() == near([0.9 * 0.06 + 0.1 * 0.1, 0.9 * 0.98 + 0.1 * 0.6])
    assert quantizer.codebook.flatten().tolist() == near([0.064 / 1.09, 0.942])


def test_smoothing_by_hand():
    quantizer = two_codes(smoothing=1.0)
    quantizer(torch.tensor([[0.2], [0.4], [0.8]]))
    total = 2.1
    assert quantizer.codebook.flatten().tolist() == near(
        [0.06 / ((1.1 + 1) / (total + 2) * total), 0.98 / ((1.0 + 1) / (total + 2) * total)]
    )


def test_a_code_never_chosen_keeps_its_place():
    quantizer = two_codes()
    for _ in range(20):
        quantizer(torch.tensor([[0.9], [1.1]]))
    assert quantizer.codebook[1].item() == near(1.0)
    quantizer.codebook[0], quantizer.cluster_sum[0] = -3.0, -3.0 * quantizer.cluster_size[0]
    for _ in range(20):
        quantizer(torch.tensor([[0.9], [1.1]]))
    assert quantizer.codebook[0].item() == pytest.approx(-3.0, rel=2e-3)  # the smoothing pulls a little


def test_evaluation_moves_nothing():
    quantizer = two_codes().eval()
    before = [buffer.clone() for buffer in quantizer.buffers()]
    quantizer(torch.tensor([[0.2], [0.4], [0.8]]))
    assert all(torch.equal(a, b) for a, b in zip(before, quantizer.buffers(), strict=True))


def test_only_the_commitment_loss_and_only_for_the_encoder():
    quantizer, z = two_codes(), torch.tensor([[0.2], [0.8]], requires_grad=True)
    losses = quantizer(z).losses
    assert set(losses) == {"commitment"} and losses["commitment"].item() == near((0.04 + 0.04) / 2)
    losses["commitment"].backward()
    assert z.grad.flatten().tolist() == near([0.2, -0.2])
    assert not list(quantizer.parameters())


@pytest.mark.parametrize("decay", [0.99, 0.8, 0.3])
def test_training_steps_agree_with_vector_quantize_pytorch(decay):
    torch.manual_seed(0)
    ours = EMAVectorQuantizer(32, 8, decay=decay)
    theirs = VectorQuantize(8, 32, decay=decay, eps=1e-5, use_cosine_sim=False, rotation_trick=False)
    start = torch.randn(32, 8)
    size = torch.rand(32) * 5 + 0.5
    for buffer, other, value in (
        (ours.codebook, theirs._codebook.embed, start),
        (ours.cluster_size, theirs._codebook.cluster_size, size),
        (ours.cluster_sum, theirs._codebook.embed_avg, start * size[:, None]),
    ):
        buffer.copy_(value)
        other.data.copy_(value[None])
    for _ in range(3):
        z = torch.randn(4, 50, 8)
        found, (quantized, indices, loss) = ours(z), theirs(z)
        assert torch.equal(found.indices, indices)
        assert torch.allclose(found.quantized, quantized, atol=1e-6)
        assert found.losses["commitment"].item() == pytest.approx(loss.item(), rel=1e-5)
        assert torch.allclose(ours.cluster_size, theirs._codebook.cluster_size[0], atol=1e-5)
        assert torch.allclose(ours.cluster_sum, theirs._codebook.embed_avg[0], atol=1e-5)
        assert torch.allclose(ours.codebook, theirs._codebook.embed[0], atol=1e-5)
    assert (ours.codebook - start).abs().max() > 0.01


def test_reseat_gives_the_weight_of_an_average_code():
    quantizer = two_codes()
    quantizer.cluster_size.copy_(torch.tensor([1.0, 3.0]))
    quantizer.reseat(torch.tensor([0]), torch.tensor([[5.0]]))
    assert quantizer.codebook.tolist() == [[5], [1]]
    assert quantizer.cluster_size.tolist() == [2, 3]
    assert quantizer.cluster_sum.tolist() == [[10], [1]]
