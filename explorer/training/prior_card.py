"""The card of a prior, in the Hub's format, written from its config.json alone."""

from explorer.priors.config import PriorConfig


def prior_card(config: PriorConfig) -> str:
    """The card as Markdown with YAML front matter."""
    return f"# {config.title}\n"
