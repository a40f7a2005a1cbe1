"""The keys of each section: LiteLLM's (1.109.1 and its documentation, seen 2026-11-21) and our own."""
