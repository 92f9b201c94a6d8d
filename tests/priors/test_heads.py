"""The two heads: exact distributions over codes, and where training begins."""

import math

import numpy as np
import pytest
import torch

from explorer.core.digits import from_digits
from explorer.priors.heads import DigitsHead, SoftmaxHead

RADICES = (4, 3, 2)
DIGIT_SHARES = [np.random.default_rng(radix).dirichlet(np.ones(radix)) for radix in RADICES]
SHARES = np.einsum("c,b,a->cba", *reversed(DIGIT_SHARES)).ravel()  # independent digits, first one fastest


def head(kind):
    torch.manual_seed(0)
    found = DigitsHead(8, RADICES) if kind == "digits" else SoftmaxHead(8, 24)
    for parameter in found.parameters():
        torch.nn.init.normal_(parameter)
    return found


def test_a_code_s_probability_is_the_chain_of_its_digits_own():
    digits = head("digits")
    features = torch.randn(5, 8)
    with torch.inference_mode():
        found = digits.log_probabilities(features).exp().reshape(5, 2, 3, 4)  # first digit fastest
        alone, given = digits._scores(features)
        first = alone[0].softmax(-1)
        second = (alone[1] + given[1][0][:, 3]).softmax(-1)  # given that the first digit is 3
        third = (alone[2] + given[2][0][:, 3] + given[2][1][:, 1]).softmax(-1)
    assert torch.allclose(found.sum((1, 2)), first, atol=1e-5)
    assert torch.allclose(found.sum(1)[:, 1, 3], first[:, 3] * second[:, 1], atol=1e-5)
    chain = first[:, 3] * second[:, 1] * third[:, 0]
    assert torch.allclose(found.reshape(5, 24)[:, from_digits([3, 1, 0], RADICES)], chain, atol=1e-5)


@pytest.mark.parametrize("kind", ["digits", "softmax"])
def test_surprise_is_minus_the_log_probability_for_every_code(kind):
    found, codes = head(kind), torch.arange(24)
    features = torch.randn(1, 8).expand(24, -1)
    with torch.inference_mode():
        every = found.log_probabilities(features)
        assert torch.allclose(found.surprise(features, codes), -every[codes, codes], atol=1e-4)
        assert every.exp().sum(1).allclose(torch.ones(24), atol=1e-5)


def test_training_begins_near_the_marginal_entropy():
    entropy = -(SHARES * np.log(SHARES)).sum()
    for kind in ("digits", "softmax"):
        torch.manual_seed(0)
        begun = DigitsHead(8, RADICES) if kind == "digits" else SoftmaxHead(8, 24)
        begun.start(SHARES)
        with torch.inference_mode():
            every = begun.log_probabilities(torch.randn(200, 8)).double().numpy()
        cost = -(every * SHARES).sum(-1).mean()
        assert cost == pytest.approx(entropy, abs=0.05), kind
        assert cost < math.log(24) - 0.3
