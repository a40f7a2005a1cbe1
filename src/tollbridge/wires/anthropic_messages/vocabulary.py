"""The words of the Messages format that several files need.

Format: https://platform.claude.com/docs/en/api/messages (seen 2026-11-21), and the exchanges in ../shared/recordings.
"""

from __future__ import annotations

import re

from tollbridge.model.response import FinishReason
from tollbridge.wires.dialects import MESSAGES

NAME = MESSAGES
PATH = "/v1/messages"
VERSION = "2023-06-01"  # the only dated version with a documented difference; newer SDKs send later dates

FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_window",
}
STOP_REASON: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "context_window": "model_context_window_exceeded",
    "other": "end_turn",
}

# A key of `extra` that no JSON body uses for a field: holds a whole block whose substance was read as text, or what
# was left over of a nested object. Only this wire's writer reads them.
WHOLE = "(block)"
SOURCE = "(source)"

# Arguments that are not a JSON object cannot stand in `input`. The vendor's own form for handing invalid JSON back:
# https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming (seen 2026-11-21)
INVALID_JSON = "INVALID_JSON"

# How a seal's payload begins where it holds a tool call's signature (see `response.AnswerWriter.call_seal`).
CALL_SEAL = "call\n"

# Ids that Anthropic gave to tools it ran itself; any other id is refused in a history.
PROVIDER_CALL_ID = re.compile(r"(?:srvtoolu|mcptoolu)_[A-Za-z0-9_]+\Z")

INCIDENTAL = frozenset({"system_fingerprint", "object", "obfuscation", "time_info", "x_groq"})
"""Fields of other formats' answers that tell about the serving of an answer, not about the answer: they go without a
Caveat, which nearly every answer would carry otherwise."""
