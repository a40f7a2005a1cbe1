"""Formats of sound: OpenAI's of speaking and of writing down, which clients speak, and Mistral's of speaking."""
