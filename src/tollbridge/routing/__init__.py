"""Floor 5: which deployment answers. `plan` decides as a generator, `pick` and `health` are its pure parts."""
