"""The wires that clients speak too, by name; each loads when somebody first speaks it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from tollbridge.wires.base import Wire

CHAT, RESPONSES, MESSAGES, GEMINI = "openai_chat", "openai_responses", "anthropic_messages", "gemini"
COMPLETIONS = "openai_completions"
"""The legacy one, which is made of a chat where nobody has it."""
DIALECTS: Mapping[str, tuple[str, str]] = {
    CHAT: ("tollbridge.wires.openai_chat", "OPENAI_CHAT"),
    RESPONSES: ("tollbridge.wires.openai_responses", "OPENAI_RESPONSES"),
    MESSAGES: ("tollbridge.wires.anthropic_messages.wire", "ANTHROPIC_MESSAGES"),
    GEMINI: ("tollbridge.wires.gemini.wire", "GEMINI"),
}
"""Module and value of each."""
SHOWN: Mapping[str, str] = {CHAT: "Chat", RESPONSES: "Responses", MESSAGES: "Messages", GEMINI: "Gemini"}
"""What people call them."""


def format_of(wire: str) -> str:
    """In a sentence."""
    name = SHOWN.get(wire)
    return wire if name is None else f"the {name} format"


def load(name: str) -> Wire:
    """Raises KeyError where there is no such wire."""
    module, value = DIALECTS[name]
    wire: Wire = getattr(import_module(module), value)
    return wire
