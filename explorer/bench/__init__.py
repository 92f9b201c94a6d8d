"""`python -m explorer.bench`: how fast this is, as ratios to a named peer measured in the same run."""
