"""All figures of one level's usage as plain JSON values, as the command writes and the endpoint answers them."""

from typing import Any

from explorer.analysis.usage.conclusion import conclusion
from explorer.analysis.usage.counts import Usage
from explorer.analysis.usage.rarefaction import rarefaction
from explorer.analysis.usage.unseen import LEVEL, Estimate


def figures(usage: Usage) -> dict[str, Any]:
    """Every figure by name; shares and masses in [0, 1], entropy in bits per token."""
    curve = rarefaction(usage.counts)
    return {
        "size": usage.size,
        "tokens": usage.tokens,
        "pictures": usage.pictures,
        "used": usage.used,
        "share": usage.share,
        "ceiling": usage.ceiling,
        "dead": usage.size - usage.used,
        "entropy": usage.entropy,
        "perplexity": usage.perplexity,
        "unseen_mass": _interval(usage.unseen_mass),
        "possible_codes": _interval(usage.possible),
        "rarefaction": {
            "tokens": curve.tokens.tolist(),
            "used": curve.used.round(3).tolist(),
            "ceiling": curve.ceiling.round(3).tolist(),
        },
        "conclusion": conclusion(usage),
        "counts": usage.counts.tolist(),
        "incidence": None if usage.incidence is None else usage.incidence.tolist(),
    }


def _interval(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "confidence": LEVEL}
