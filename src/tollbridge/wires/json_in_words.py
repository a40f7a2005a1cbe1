"""Structured output, asked for in words where nothing can enforce it."""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.request import OutputFormat


def json_in_words(output: OutputFormat) -> str:
    asked = "answer with one JSON value and nothing else: no prose, no code fence."
    if output.schema is not None:
        asked += f" It must fit this JSON Schema: {msgspec.json.encode(output.schema).decode()}"
    return asked


def after_system(messages: list[JsonObject], asks: list[str]) -> list[JsonObject]:
    """What is asked for, at the end of the system prompt, in formats where that is messages of a role."""
    lead = next((at for at, message in enumerate(messages) if message["role"] != "system"), len(messages))
    return [*messages[:lead], *({"role": "system", "content": asked} for asked in asks), *messages[lead:]]
