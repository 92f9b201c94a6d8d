"""Priors: networks that know which grids of codes are likely, and so can generate, fill in and say how surprised they are."""
