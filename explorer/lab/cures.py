"""The cures for codebook collapse in words: what each does, whose it is, and what happens when it comes in late."""

from dataclasses import dataclass

from explorer.lab.plan import Cure


@dataclass(frozen=True)
class CureText:
    """title: as on a switch; what: one or two sentences; paper: authors, year, arXiv id."""

    key: Cure
    title: str
    what: str
    paper: str


TEXTS = (
    CureText(
        "ema",
        "EMA",
        "Each code vector is the running mean of the encoder outputs that chose it, instead of following a gradient. "
        "Code vectors keep up with the encoder, but a code that nothing chooses still gets nothing.",
        "van den Oord et al. 2017, arXiv 1711.00937, appendix A.1",
    ),
    CureText(
        "kmeans",
        "k-means start",
        "The codebook starts on the k-means centres of the encoder outputs. It acts at the moment you switch it on: in "
        "the midst of a run, all code vectors are placed anew once; switching it off undoes nothing.",
        "Zeghidour et al. 2021, arXiv 2107.03312; in mid-run: Łańcucki et al. 2020, arXiv 2005.08520",
    ),
    CureText(
        "restart",
        "restart dead codes",
        "Every 20 steps, codes used less than a tenth as often as the average move onto encoder outputs picked at "
        "random.",
        "Dhariwal et al. 2020, arXiv 2005.00341",
    ),
    CureText(
        "l2",
        "l2-normalised codes",
        "Encoder outputs and code vectors are divided by their length, so that only directions count: no code is too "
        "far away any more. In two dimensions all lie on a circle, and a cell is a slice of it.",
        "Yu et al. 2021, arXiv 2110.04627",
    ),
    CureText(
        "low_dim",
        "low-dimensional codes",
        "A linear map takes encoder outputs to few dimensions before the lookup, another one back: where there is less "
        "room, fewer codes are out of reach. The codebook starts anew in them.",
        "Yu et al. 2021, arXiv 2110.04627",
    ),
    CureText(
        "entropy",
        "entropy term",
        "A third loss: every output should be sure of its code, all codes together should be used alike. Its gradient "
        "reaches codes that nothing chose.",
        "Yu et al. 2023, arXiv 2310.05737",
    ),
    CureText(
        "fsq",
        "FSQ",
        "No codebook is learned: every dimension is squashed and rounded to a few levels. No code vector can be left "
        "behind. The learned codebook waits where it is until you switch FSQ off.",
        "Mentzer et al. 2023, arXiv 2309.15505",
    ),
)
