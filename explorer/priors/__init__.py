"""Priors: networks that know which grids of codes are likely; they generate, fill in, and say what is surprising."""
