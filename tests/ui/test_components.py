"""What the page and the figures have in common is the same in both."""

import re

from explorer.plots.palette import GREY, SERIES
from explorer.ui.components import asset


def test_charts_of_the_page_have_the_colours_of_the_figures():
    source = asset("chart.js")
    assert tuple(re.findall(r"#\w{6}", re.search(r"SERIES = \[(.*?)\]", source)[1])) == SERIES
    assert f'GREY = "{GREY}"' in source
