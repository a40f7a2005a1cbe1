"""Formats of images: OpenAI's, which clients speak, and Google's two."""
