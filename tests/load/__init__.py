"""Many visitors at once: `python -m tests.load --help`."""
