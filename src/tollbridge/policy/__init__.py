"""Floor 8: who may do what, and how much of it: principals, keys in memory, access, limits."""
