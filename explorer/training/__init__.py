"""Training of the bundled models: `python -m explorer.training --config ... --data ... --out ...`."""
