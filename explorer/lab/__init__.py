"""The Collapse lab's experiments: tiny autoencoders trained from nothing, with cures for collapse to switch on."""
