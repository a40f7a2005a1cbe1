"""The recordings that the clients are tried on: one for each of a vendor's features that clients must show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.clients.running import chat_entries, messages_entries

CHAT = (
    ("openai", "tool_calls"),
    ("openai", "parallel_tools"),
    ("openai", "structured_output"),
    ("openai", "truncated"),
    ("groq", "thinking"),
    ("groq", "tool_calls"),
    ("mistral", "tool_calls"),
    ("mistral", "thinking"),
    ("deepseek", "thinking"),
    ("deepseek", "tool_calls"),
    ("openrouter", "thinking"),
    ("openrouter", "tool_calls"),
    ("azure", "tool_calls"),
    ("azure", "usage_details"),
)
MESSAGES = tuple(
    ("anthropic", feature)
    for feature in (
        "tool_calls",
        "parallel_tools",
        "thinking",
        "thinking_replay",
        "server_tools",
        "citations",
        "caching",
        "structured_output",
        "truncated",
        "stop",
    )
)


def chat(*, stream: bool) -> list[Any]:
    return chosen(CHAT, chat_entries(), stream)


def messages(*, stream: bool) -> list[Any]:
    return chosen(MESSAGES, messages_entries(), stream)


def chosen(wanted: Iterable[tuple[str, str]], entries: Iterable[dict[str, Any]], stream: bool) -> list[Any]:
    """For each (provider, feature) the first recording that shows it, as the id of a model. None is chosen twice, but
    where it is the only one."""
    answers = [entry for entry in entries if entry["status"] == 200 and bool(entry["stream_format"]) == stream]
    found: dict[str, str] = {}
    for provider, feature in wanted:
        showing = [e["id"] for e in answers if e["provider"] == provider and feature in e["features"]]
        assert showing, f"no recording of {provider} with {feature}, stream={stream}"
        id = next((id for id in showing if id not in found), showing[0])
        found.setdefault(id, f"{provider}-{feature}")
    return [pytest.param(id, id=name) for id, name in found.items()]


def anything(entry: dict[str, Any]) -> bool:
    return True


def one(provider: str, *features: str, stream: bool, where: Callable[[dict[str, Any]], bool] = anything) -> str:
    """The first recording of a provider that has these features."""
    for entry in (*chat_entries(), *messages_entries()):
        if entry["provider"] != provider or entry["status"] != 200 or bool(entry["stream_format"]) != stream:
            continue
        if set(features) <= {*entry["features"]} and where(entry):
            return str(entry["id"])
    raise LookupError(f"no recording of {provider} with {features}, stream={stream}")
