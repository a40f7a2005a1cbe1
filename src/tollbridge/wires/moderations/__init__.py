"""Formats of moderation: OpenAI's, which clients speak, and Mistral's."""
