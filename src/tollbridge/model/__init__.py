"""Floor 0: the neutral vocabulary. Frozen values; no I/O, no wire knowledge."""
