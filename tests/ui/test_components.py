"""What the page and the figures have in common is the same in both."""

import re

import numpy as np

from explorer.plots.palette import GREY, SERIES, code_colours
from explorer.ui.components import asset


def test_charts_of_the_page_have_the_colours_of_the_figures():
    source = asset("chart.js")
    assert tuple(re.findall(r"#\w{6}", re.search(r"SERIES = \[(.*?)\]", source)[1])) == SERIES
    assert f'GREY = "{GREY}"' in source


def test_the_few_codes_of_a_collapsed_codebook_can_be_told_apart():
    random = np.random.default_rng(0)
    used = np.arange(3000) >= 2970
    vectors = np.where(used[:, None], 10 + random.normal(size=(3000, 8)), 0.001 * random.normal(size=(3000, 8)))
    assert _between(code_colours(vectors, used)[used]) > 20 > 3 * _between(code_colours(vectors)[used])
    assert np.array_equal(code_colours(vectors, np.ones(3000, bool)), code_colours(vectors))


def _between(colours: np.ndarray) -> float:
    """The median difference, in the channel where it is largest, of a colour from the one most like it."""
    differences = np.abs(colours[:, None].astype(int) - colours[None]).max(-1)
    return float(np.median(np.sort(differences, 1)[:, 1]))
