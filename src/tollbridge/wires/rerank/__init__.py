"""Formats of ranking: Cohere's, which clients speak, and those of vendors who have one of their own."""
