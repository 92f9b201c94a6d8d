"""The networks we train, their checkpoints and the registry; importing it costs no torch."""
