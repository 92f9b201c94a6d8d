"""In words: what may be concluded from counted codes, and what not."""

import numpy as np

from explorer.analysis.usage.counts import Usage
from explorer.analysis.usage.unseen import LEVEL

CARRIED = 0.99
COLLAPSED = 0.25
"""A codebook is called collapsed when at most this share of its codes carries the share CARRIED of all tokens ..."""
NEGLIGIBLE = 0.01
"""... and codes not seen yet carry at most this share of them, so that counting more would not change it ..."""
FEW_PICTURES = 32
"""... in at least so many pictures: the tokens of one are no independent draws, a picture of the sky has few codes."""
NEARLY_FULL = 0.95


def conclusion(usage: Usage) -> str:
    """One or two sentences about a codebook, after the constants above.

    Where the usage does not say how many pictures it comes from, they are taken to be many.
    """
    size, tokens, used = f"{usage.size:,}", _number(usage.tokens, "token"), f"{usage.used:,}"
    if not usage.tokens:
        return f"No tokens were counted, so nothing can be said of these {size} codes."
    many = usage.pictures is None or usage.pictures >= FEW_PICTURES
    settled = usage.unseen_mass.high <= NEGLIGIBLE and many
    spread = f"spread as over {usage.perplexity:,.0f} equally likely ones"
    carriers = usage.carriers(CARRIED)
    if settled and carriers <= COLLAPSED * usage.size:
        some = f"{carriers:,} of {size} codes {'carries' if carriers == 1 else 'carry'} at least {_percent(CARRIED)}"
        return f"Collapsed: {some} of {tokens}. {_rest(usage)}"
    if usage.used == usage.size:
        return f"Full: all {size} codes occur in {tokens}, {spread}."
    if settled:
        word = "Nearly full" if usage.share >= NEARLY_FULL else "Partly used"
        return f"{word}: {used} of {size} codes occur in {tokens}, {spread}. {_rest(usage)}"
    if usage.ceiling < CARRIED:
        most = f"{tokens} cannot be expected to show more than {_percent(usage.ceiling)} of {size} codes"
        return (
            f"{most}; {used} {'was' if usage.used == 1 else 'were'} seen. This says nothing about collapse: count more."
        )
    if not many:
        return (
            f"{used} of {size} codes occur in {tokens} from {_number(usage.pictures, 'picture')}. Pictures repeat "
            "themselves, so this says nothing about collapse: count more pictures."
        )
    low, high = _percent(usage.unseen_mass.low), _percent(usage.unseen_mass.high)
    return (
        f"Undecided: {used} of {size} codes occur in {tokens}, but those not seen yet carry {low} to {high} of all "
        f"({_confidence(usage)}). Count more."
    )


def _rest(usage: Usage) -> str:
    """What is known of the codes that do not carry the tokens."""
    never = usage.size - usage.used
    if not never:
        return "All others occur, but rarely."
    high = _percent(usage.unseen_mass.high)
    some = "The one never seen carries" if never == 1 else f"The {never:,} never seen together carry"
    return f"{some} at most {high} ({_confidence(usage)})."


def _confidence(usage: Usage) -> str:
    return f"{_percent(LEVEL)} confidence" + (", were tokens independent" if usage.incidence is None else "")


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _percent(share: float) -> str:
    """Two digits, more only next to 100 %, never in the form 1e-05."""
    digits = 2 if share < 0.99 else 4
    return f"{np.format_float_positional(100 * share, precision=digits, fractional=False, trim='-')} %"
