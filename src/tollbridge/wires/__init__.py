"""Floor 1: formats. One package or file per wire; values in, values out."""
