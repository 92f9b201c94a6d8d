"""Usage of a codebook: counts, what they say of codes not seen, and what may be concluded.

`python -m explorer.analysis.usage` counts the codes of a whole data set.
"""

from explorer.analysis.usage.conclusion import conclusion
from explorer.analysis.usage.counts import Usage, by_level, entropy, merged, sampling_ceiling
from explorer.analysis.usage.figures import figures
from explorer.analysis.usage.rarefaction import Rarefaction, rarefaction
from explorer.analysis.usage.unseen import LEVEL, Estimate

__all__ = [
    "LEVEL",
    "Estimate",
    "Rarefaction",
    "Usage",
    "by_level",
    "conclusion",
    "entropy",
    "figures",
    "merged",
    "rarefaction",
    "sampling_ceiling",
]
