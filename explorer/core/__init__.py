"""The vocabulary everyone shares; needs numpy and Pillow only."""
